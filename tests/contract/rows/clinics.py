"""The rows of services, practitioners, schedules, slots."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from tests.contract.rows.roles import DESK, DIRECTORY, READERS
from tests.factories.appointments import (
    make_exception,
    make_practitioner,
    make_schedule,
    make_service,
)
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
PRACTITIONER = {"fullName": "Lê Thị Bác Sĩ Thử", "licenceNumber": "009999/TEST-GPHN"}
QUEUE = {"name": "Quầy thử"}
SCHEDULE = {
    "name": "Lịch thử",
    "pattern": "weekly",
    "weekdays": [1],
    "starts": "08:00",
    "ends": "09:00",
    "slotMinutes": 30,
    "capacity": 1,
    "validFrom": "2199-01-01",
    "serviceId": str(UUID(int=1)),
}
CLOSED = {"kind": "closed", "fromOn": "2199-01-01", "untilOn": "2199-01-01"}
REPLAN = {"scheduleId": str(UUID(int=1)), "exception": CLOSED}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {
    "POST /v1/facilities": (DIRECTORY, {"code": "99081", "name": "Cơ sở thử"}),
    "PUT /v1/facilities/{code}": (DIRECTORY, {"name": "Cơ sở thử", "kind": "clinic"}),
    "POST /v1/facilities/{code}/practitioners": (DESK, PRACTITIONER),
    "PUT /v1/facilities/{code}/practitioners/{practitioner_id}": (DESK, PRACTITIONER),
    "DELETE /v1/facilities/{code}/practitioners/{practitioner_id}": (DESK, None),
    "POST /v1/facilities/{code}/queues": (DESK, QUEUE),
    "PUT /v1/facilities/{code}/queues/{queue_id}": (DESK, QUEUE),
    "GET /v1/facilities/{code}/schedules": (READERS, None),
    "POST /v1/facilities/{code}/schedules": (DESK, SCHEDULE),
    "GET /v1/facilities/{code}/schedules/{schedule_id}": (READERS, None),
    "PUT /v1/facilities/{code}/schedules/{schedule_id}": (DESK, SCHEDULE),
    "DELETE /v1/facilities/{code}/schedules/{schedule_id}": (DESK, None),
    "GET /v1/facilities/{code}/exceptions": (READERS, None),
    "POST /v1/facilities/{code}/exceptions": (DESK, CLOSED),
    "DELETE /v1/facilities/{code}/exceptions/{exception_id}": (DESK, None),
    "POST /v1/facilities/{code}/replans": (DESK, REPLAN),
    "POST /v1/facilities/{code}/services": (DESK, SERVICE | {"code": "MA-TRAN-QUYEN"}),
    "PUT /v1/facilities/{code}/services/{service_id}": (DESK, SERVICE),
    "DELETE /v1/facilities/{code}/services/{service_id}": (DESK, None),
}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    service = make_service(session)
    schedule = make_schedule(session, service=service)
    return {
        "service_id": str(service.id),
        "schedule_id": str(schedule.id),
        "exception_id": str(make_exception(session, schedule).id),
        "practitioner_id": str(make_practitioner(session).id),
    }
