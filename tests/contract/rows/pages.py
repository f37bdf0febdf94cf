"""The rows of the desk's page and its sessions."""

from typing import Any

from sqlalchemy.orm import Session

from tests.factories.people import Citizen

PUBLIC: set[str] = {
    "DELETE /v1/sessions/page-renewal",
    "POST /v1/sessions/page-renewal",
    "POST /v1/sign-in/attempts/{attempt_id}/page-completion",
}
MINE: dict[str, Any] = {}
PERSONAL: dict[str, Any] = {}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    return {}
