"""The rows of holds, bookings, the waitlist."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.appointments.models import Hold
from phr_api.clinics.models import ClinicService
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from tests.contract.rows.roles import DESK, READERS
from tests.factories.appointments import make_booking, make_service, make_slot
from tests.factories.people import Citizen
from tests.factories.waiting import make_entry

NOBODY = str(UUID(int=1))
REASON = {"reason": "Bác sĩ nghỉ"}
WAITED_FOR = UUID(int=2)
TODAY = str(clock.today())
WAITING = {"serviceId": str(WAITED_FOR), "fromOn": TODAY, "untilOn": TODAY}
HOLD = {"serviceId": NOBODY, "slotId": NOBODY, "people": [NOBODY]}

_MINE = "/v1/profiles/{profile_id}/bookings"
_LINE = "/v1/profiles/{profile_id}/waitlist"
_PHONES = "/v1/me/phone-bookings"
_DESK = "/v1/facilities/{code}/bookings"

PUBLIC: set[str] = set()
# a hold is its account's: tests/appointments/test_holds.py has the strangers
MINE: dict[str, Any] = {
    "GET /v1/me/phone-bookings": None,
    f"GET {_PHONES}/{{booking_id}}": None,
    f"POST {_PHONES}/{{booking_id}}/cancellation": {},
    f"POST {_PHONES}/{{booking_id}}/reschedule": {"slotId": NOBODY},
    f"POST {_PHONES}/{{booking_id}}/proposal-answer": {"accept": True},
    f"POST {_PHONES}/{{booking_id}}/still-coming": {"coming": True},
    "GET /v1/holds": None,
    "POST /v1/holds": HOLD,
    "DELETE /v1/holds/{hold_id}": None,
    "POST /v1/holds/{hold_id}/booking": {"bookings": [{"id": NOBODY}]},
}
PERSONAL: dict[str, Any] = {
    f"GET {_LINE}": None,
    f"POST {_LINE}": WAITING,
    f"DELETE {_LINE}/{{waiting_id}}": None,
    f"GET {_MINE}": None,
    f"GET {_MINE}/{{booking_id}}": None,
    f"PATCH {_MINE}/{{booking_id}}": {"showsNames": True},
    f"POST {_MINE}/{{booking_id}}/cancellation": {},
    f"POST {_MINE}/{{booking_id}}/reschedule": {"slotId": NOBODY},
    f"POST {_MINE}/{{booking_id}}/proposal-answer": {"accept": True},
    f"POST {_MINE}/{{booking_id}}/still-coming": {"coming": True},
}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {
    f"GET {_DESK}": (READERS, None),
    f"POST {_DESK}": (DESK, {"serviceId": NOBODY, "slotId": NOBODY, "fullName": "Khách Thử"}),
    f"GET {_DESK}/{{booking_id}}": (READERS, None),
    f"POST {_DESK}/confirmations": (DESK, {"items": [{"id": NOBODY, "version": 1}]}),
    f"POST {_DESK}/{{booking_id}}/confirmation": (DESK, None),
    f"POST {_DESK}/{{booking_id}}/decline": (DESK, REASON),
    f"POST {_DESK}/{{booking_id}}/proposal": (DESK, {"slotId": NOBODY}),
    f"POST {_DESK}/{{booking_id}}/cancellation": (DESK, REASON),
    f"POST {_DESK}/{{booking_id}}/no-show": (DESK, None),
}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    booking = make_booking(session, citizen=victim)
    if session.get(ClinicService, WAITED_FOR) is None:
        make_service(session, id=WAITED_FOR, has_waitlist=True)
    entry = make_entry(session, slot=make_slot(session), citizen=victim)
    at = clock.now()
    hold = Hold(
        id=new_row_id(),
        account_id=victim.account.id,
        session_id=victim.session.id,
        facility_code=booking.facility_code,
        service_id=booking.service_id,
        kind="hold",
        people=[victim.profile.id],
        created_at=at,
        expires_at=at + timedelta(minutes=10),
    )
    session.add(hold)
    session.commit()
    return {"booking_id": str(booking.id), "hold_id": str(hold.id), "waiting_id": str(entry.id)}
