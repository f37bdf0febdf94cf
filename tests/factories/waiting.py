"""People who wait for a seat, for tests."""

from datetime import timedelta

from sqlalchemy.orm import Session

from phr_api.appointments.models import Slot, WaitlistEntry
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from tests.factories.people import Citizen, make_citizen


def make_entry(
    session: Session, *, slot: Slot, citizen: Citizen | None = None, **columns: object
) -> WaitlistEntry:
    """Let a citizen wait for any time of the slot's day; further columns by name."""
    citizen = citizen or make_citizen(session)
    on = slot.starts_at.astimezone(clock.VIETNAM).date()
    row = WaitlistEntry(
        **{
            "id": new_row_id(),
            "profile_id": citizen.profile.id,
            "account_id": citizen.account.id,
            "facility_code": slot.facility_code,
            "service_id": slot.service_id,
            "from_on": on,
            "until_on": on + timedelta(days=1),
            "state": "waiting",
            "created_at": clock.now(),
        }
        | columns
    )
    session.add(row)
    session.commit()
    return row
