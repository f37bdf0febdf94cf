"""Taking a seat and giving it back; the work is the SQL functions'."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text("SELECT take_seat(:slot, :booking, :profile, :account, :waitlist)")
_FREE = text("SELECT free_seat(:slot, :seat, :booking)")


def take_seat(
    session: Session,
    slot_id: UUID,
    booking_id: UUID,
    *,
    profile_id: UUID | None,
    account_id: UUID | None,
    from_waitlist: bool = False,
) -> int | None:
    """Take a free seat of the slot for the booking; its number, or None when there is none.

    `from_waitlist`: of those kept for the waitlist, and of them alone. Raises IntegrityError
    (constraint ex_seat_person) when the person has another booking at that time.
    """
    taken = session.execute(
        _TAKE,
        {
            "slot": slot_id,
            "booking": booking_id,
            "profile": profile_id,
            "account": account_id,
            "waitlist": from_waitlist,
        },
    ).scalar_one()
    return int(taken) or None


def free_seat(session: Session, slot_id: UUID, seat_no: int, booking_id: UUID) -> bool:
    """Give the seat back, to the waitlist first if there is one; whether it was this booking's."""
    values = {"slot": slot_id, "seat": seat_no, "booking": booking_id}
    return bool(session.execute(_FREE, values).scalar_one())
