"""The rows of services, practitioners, schedules, slots."""

from typing import Any

from sqlalchemy.orm import Session

from tests.contract.rows.roles import DESK
from tests.factories.appointments import make_practitioner, make_service
from tests.factories.people import Citizen

PUBLIC: set[str] = {
    "GET /v1/facilities/{code}/practitioners",
    "GET /v1/facilities/{code}/practitioners/{practitioner_id}",
    "GET /v1/facilities/{code}/services",
    "GET /v1/facilities/{code}/services/{service_id}",
    "GET /v1/facilities/{code}/services/{service_id}/slots",
    "GET /v1/holidays",
    "GET /v1/services",
    "GET /v1/slots",
}
MINE: dict[str, Any] = {}
PERSONAL: dict[str, Any] = {}
SERVICE = {"name": "Khám thử"}
PRACTITIONER = {"fullName": "Lê Thị Bác Sĩ Thử", "licenceNumber": "000001/TEST-GPHN"}
QUEUE = {"name": "Quầy thử"}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {
    "POST /v1/facilities/{code}/practitioners": (DESK, PRACTITIONER),
    "PUT /v1/facilities/{code}/practitioners/{practitioner_id}": (DESK, PRACTITIONER),
    "DELETE /v1/facilities/{code}/practitioners/{practitioner_id}": (DESK, None),
    "POST /v1/facilities/{code}/queues": (DESK, QUEUE),
    "PUT /v1/facilities/{code}/queues/{queue_id}": (DESK, QUEUE),
    "POST /v1/facilities/{code}/services": (DESK, SERVICE | {"code": "MA-TRAN-QUYEN"}),
    "PUT /v1/facilities/{code}/services/{service_id}": (DESK, SERVICE),
    "DELETE /v1/facilities/{code}/services/{service_id}": (DESK, None),
}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    return {
        "service_id": str(make_service(session).id),
        "practitioner_id": str(make_practitioner(session).id),
    }
