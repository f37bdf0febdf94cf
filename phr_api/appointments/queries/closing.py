"""What a day's end is about: who was expected and did not come, who still waited."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, DayClosing, Slot, Ticket
from phr_api.appointments.queries.checkin import day_of
from phr_api.consent import FacilityScope
from phr_api.kit.problems import NotFound


def find_absent(
    session: Session, scope: FacilityScope, on: date, *, at: datetime
) -> list[tuple[UUID, int]]:
    """Return (id, version) of the day's confirmed bookings whose time has come, in order of id.

    Walks ix_booking_facility_code_starts_at.
    """
    since, until = day_of(on)
    query = select(Booking.id, Booking.version).where(
        Booking.facility_code == scope.facility_code,
        Booking.starts_at >= since,
        Booking.starts_at < min(until, at),
        Booking.state == "confirmed",
    )
    return [(row.id, row.version) for row in session.execute(query.order_by(Booking.id))]


def find_rest(session: Session, scope: FacilityScope, on: date, *, at: datetime) -> list[UUID]:
    """Return the day's open slots that begin after `at`. Walks ix_slot_facility_code_starts_at."""
    since, until = day_of(on)
    query = select(Slot.id).where(
        Slot.facility_code == scope.facility_code,
        Slot.starts_at > max(since, at),
        Slot.starts_at < until,
        Slot.status == "open",
    )
    return list(session.scalars(query))


def lock_open_tickets(session: Session, scope: FacilityScope, on: date) -> list[Ticket]:
    """Return the day's tickets that have not ended, until the transaction ends, in order of id."""
    query = select(Ticket).where(
        Ticket.facility_code == scope.facility_code,
        Ticket.on_date == on,
        Ticket.state.in_(("waiting", "called", "skipped", "in-room")),
    )
    return list(session.scalars(query.order_by(Ticket.id).with_for_update()))


def lock_tickets(session: Session, scope: FacilityScope, ids: list[UUID]) -> dict[UUID, Ticket]:
    """Return these tickets of this facility until the transaction ends."""
    query = select(Ticket).where(Ticket.id.in_(ids), Ticket.facility_code == scope.facility_code)
    rows = session.scalars(query.order_by(Ticket.id).with_for_update())
    return {ticket.id: ticket for ticket in rows}


def find_people(session: Session, scope: FacilityScope, ids: list[UUID]) -> set[UUID]:
    """Return whose these bookings of this facility are; guests are nobody of ours."""
    query = select(Booking.profile_id).where(
        Booking.id.in_(ids),
        Booking.facility_code == scope.facility_code,
        Booking.profile_id.is_not(None),
    )
    return {person for person in session.scalars(query) if person is not None}


def get_closing(
    session: Session, scope: FacilityScope, closing_id: UUID, *, is_locked: bool = False
) -> DayClosing:
    """Return a closing of this facility, or raise NotFound."""
    query = select(DayClosing).where(
        DayClosing.id == closing_id, DayClosing.facility_code == scope.facility_code
    )
    if is_locked:
        query = query.with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound
    return found


def lock_live(session: Session, scope: FacilityScope, on: date) -> DayClosing | None:
    """Return the closing that holds for a day until the transaction ends; None for an open day."""
    query = select(DayClosing).where(
        DayClosing.facility_code == scope.facility_code,
        DayClosing.on_date == on,
        DayClosing.undone_at.is_(None),
    )
    return session.scalars(query.with_for_update()).first()
