"""What is booked already, and what could be, for days on which the book asks to come back."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Seat, Slot
from phr_api.appointments.queries.slots import SlotRow, get_slot
from phr_api.consent import RecordScope

STANDS = ("requested", "confirmed", "arrived", "in-room", "done")


def find_booked(
    session: Session, scope: RecordScope, *, since: datetime
) -> list[tuple[str, datetime]]:
    """Return (facility, start) of this person's bookings that stand; by ix_booking_profile_id."""
    query = select(Booking.facility_code, Booking.starts_at).where(
        Booking.profile_id == scope.profile_id,
        Booking.starts_at >= since,
        Booking.state.in_(STANDS),
    )
    return [(row.facility_code, row.starts_at) for row in session.execute(query)]


def find_first_free(
    session: Session,
    facility_code: str,
    *,
    after: datetime,
    until: datetime,
    at: datetime,
    hidden: Collection[UUID] = (),
) -> SlotRow | None:
    """Return a facility's first slot with a free seat that can be booked at `at`, of any service.

    `hidden`: services that this view does not reach. Walks ix_slot_facility_code_starts_at.
    """
    is_free = (
        select(Seat.slot_id)
        .where(Seat.slot_id == Slot.id, Seat.booking_id.is_(None), ~Seat.for_waitlist)
        .exists()
    )
    query = select(Slot.id).where(
        Slot.facility_code == facility_code,
        Slot.starts_at >= after,
        Slot.starts_at < until,
        Slot.status == "open",
        Slot.opens_at <= at,
        Slot.closes_at > at,
        Slot.service_id.not_in(hidden),
        is_free,
    )
    slot_id = session.scalar(query.order_by(Slot.starts_at, Slot.id).limit(1))
    return get_slot(session, slot_id) if slot_id else None
