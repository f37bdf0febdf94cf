"""The rows of services, practitioners, schedules, slots."""

from typing import Any

from sqlalchemy.orm import Session

from tests.factories.people import Citizen

PUBLIC: set[str] = {
    "GET /v1/facilities/{code}/services/{service_id}/slots",
    "GET /v1/slots",
}
MINE: dict[str, Any] = {}
PERSONAL: dict[str, Any] = {}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    return {}
