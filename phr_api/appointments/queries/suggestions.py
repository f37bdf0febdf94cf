"""What is booked already, and what could be, for days on which the book asks to come back."""

from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Schedule, Seat, Slot
from phr_api.appointments.queries.slots import SlotRow, can_be_booked, get_slot
from phr_api.appointments.rules.fitting import Choice, Days
from phr_api.consent import RecordScope
from phr_api.kit import clock

STANDS = ("requested", "confirmed", "arrived", "in-room", "done")


def find_booked(
    session: Session, scope: RecordScope, *, since: datetime
) -> list[tuple[UUID, datetime]]:
    """Return (service, start) of this person's bookings that stand; by ix_booking_profile_id."""
    query = select(Booking.service_id, Booking.starts_at).where(
        Booking.profile_id == scope.profile_id,
        Booking.starts_at >= since,
        Booking.state.in_(STANDS),
    )
    return [(row.service_id, row.starts_at) for row in session.execute(query)]


def find_nearest(
    session: Session, scope: RecordScope, choice: Choice, days: Days, *, at: datetime
) -> SlotRow | None:
    """Return the free time of these services that is nearest to the day and can be booked at `at`.

    None at which this person has a seat already. Walks ix_slot_service_id_starts_at.
    """
    is_engaged = exists().where(
        Seat.profile_id == scope.profile_id,
        Seat.during.op("&&")(func.tstzrange(Slot.starts_at, Slot.ends_at)),
    )
    query = select(Slot.id).where(
        Slot.service_id.in_(choice.services),
        Slot.starts_at >= datetime.combine(days.since, time(), clock.VIETNAM),
        Slot.starts_at < datetime.combine(days.until + timedelta(days=1), time(), clock.VIETNAM),
        *can_be_booked(at),
        ~is_engaged,
    )
    if choice.practitioners:
        given = select(Schedule.id).where(Schedule.practitioner_id.in_(choice.practitioners))
        query = query.where(Slot.schedule_id.in_(given))
    if days.is_last:
        day = func.date_trunc("day", func.timezone("Asia/Ho_Chi_Minh", Slot.starts_at))
        query = query.order_by(day.desc())
    slot_id = session.scalar(query.order_by(Slot.starts_at, Slot.id).limit(1))
    return get_slot(session, slot_id) if slot_id else None
