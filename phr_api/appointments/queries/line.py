"""Reads of the line on the day, under the facility's or the person's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import (
    Booking,
    DayClosing,
    Guest,
    NumberBlock,
    PriorityClass,
    Ticket,
)
from phr_api.appointments.rules.line import Priority
from phr_api.consent import FacilityScope
from phr_api.kit.problems import NotFound

_SHARE_DAY = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:day, 0))")
_LOCK_DAY = text("SELECT pg_advisory_xact_lock(hashtextextended(:day, 0))")
_LINE = (Ticket.rank, Ticket.turn, Ticket.number)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a ticket is, in numbers."""

    ahead: int
    calling: list[int]
    pace: float | None


@dataclass(frozen=True, slots=True)
class ScreenRow:
    """One line of a public screen; without a number for a line that is empty."""

    prefix: str
    number: int | None
    room: str | None
    state: str | None


def find_priorities(session: Session) -> list[Priority]:
    """All classes of the law, as data."""
    query = select(
        PriorityClass.code, PriorityClass.rank, PriorityClass.min_years, PriorityClass.max_years
    )
    return [Priority(*row) for row in session.execute(query)]


def find_line(session: Session, queue_id: UUID, on: date) -> list[tuple[Ticket, str | None]]:
    """A line's tickets of a day with the names: called ones first, then in calling order.

    Finds the day's by uq_ticket_queue_id_on_date_number.
    """
    order = {"called": 0, "in-room": 1, "waiting": 2, "skipped": 3, "done": 4, "left": 5}
    named = (
        select(Ticket, func.coalesce(Booking.person_name, Guest.full_name))
        .outerjoin(Booking, Booking.id == Ticket.booking_id)
        .outerjoin(Guest, Guest.id == Ticket.guest_id)
        .where(Ticket.queue_id == queue_id, Ticket.on_date == on)
        .order_by(*_LINE)
    )
    rows = [(row[0], row[1]) for row in session.execute(named)]
    return sorted(rows, key=lambda row: order[row[0].state])


def find_name(session: Session, ticket: Ticket) -> str | None:
    """Whose ticket it is, as the desk knows them; None for a number without a name."""
    name = None
    if ticket.booking_id is not None:
        query = select(Booking.person_name).where(Booking.id == ticket.booking_id)
        name = session.scalar(query)
    if name is None and ticket.guest_id is not None:
        name = session.scalar(select(Guest.full_name).where(Guest.id == ticket.guest_id))
    return name


def find_birth(session: Session, booking: Booking) -> str | None:
    """When a booked person was born, as the booking or its guest says; None when neither does."""
    if booking.person_birth is None and booking.guest_id is not None:
        return session.scalar(select(Guest.birth).where(Guest.id == booking.guest_id))
    return booking.person_birth


def count_waiting(session: Session, facility_code: str, on: date) -> dict[UUID, int]:
    """How many wait in each line of a facility; by ix_ticket_facility_code_on_date."""
    query = (
        select(Ticket.queue_id, func.count())
        .where(
            Ticket.facility_code == facility_code,
            Ticket.on_date == on,
            Ticket.state == "waiting",
        )
        .group_by(Ticket.queue_id)
    )
    return dict(session.execute(query).all())


def find_first(session: Session, queue_id: UUID, on: date, *, limit: int) -> list[Ticket]:
    """Who is called next, the first `limit`; walks ix_ticket_line."""
    return list(session.scalars(_waiting(queue_id, on).limit(limit)))


def lock_first(session: Session, queue_id: UUID, on: date) -> Ticket | None:
    """Lock who is called next; what another room is just calling is passed by."""
    query = _waiting(queue_id, on).limit(1).with_for_update(skip_locked=True)
    return session.scalars(query).first()


def _waiting(queue_id: UUID, on: date) -> Any:
    return (
        select(Ticket)
        .where(Ticket.queue_id == queue_id, Ticket.on_date == on, Ticket.state == "waiting")
        .order_by(*_LINE)
    )


def lock_ticket(session: Session, scope: FacilityScope, ticket_id: UUID) -> Ticket:
    """Return this facility's ticket until the transaction ends, or raise NotFound."""
    query = select(Ticket).where(
        Ticket.id == ticket_id, Ticket.facility_code == scope.facility_code
    )
    ticket = session.scalars(query.with_for_update()).first()
    if ticket is None:
        raise NotFound
    return ticket


def get_ticket(session: Session, scope: FacilityScope, ticket_id: UUID) -> Ticket:
    """Return this facility's ticket as it is now, or raise NotFound; by primary key."""
    query = select(Ticket).where(
        Ticket.id == ticket_id, Ticket.facility_code == scope.facility_code
    )
    ticket = session.scalars(query).first()
    if ticket is None:
        raise NotFound
    return ticket


def find_ticket_of(session: Session, booking_id: UUID) -> Ticket | None:
    """Return a booking's ticket that was not given up; by uq_ticket_booking_id."""
    query = select(Ticket).where(Ticket.booking_id == booking_id, Ticket.state != "left")
    return session.scalars(query).first()


def find_last_ticket(session: Session, booking_id: UUID) -> Ticket | None:
    """Return the newest ticket of a booking, a given-up one too, if it is in scope."""
    query = select(Ticket).where(Ticket.booking_id == booking_id)
    return session.scalars(query.order_by(Ticket.created_at.desc()).limit(1)).first()


def find_last_number(session: Session, queue_id: UUID, on: date, *, before: datetime) -> int:
    """Return the last number of a line that was given before a moment; 0 when there is none."""
    query = select(func.max(Ticket.number)).where(
        Ticket.queue_id == queue_id, Ticket.on_date == on, Ticket.created_at < before
    )
    return session.scalar(query) or 0


def find_place(session: Session, ticket: Ticket) -> Place:
    """How far a ticket is; counts and numbers alone leave the other tickets."""
    row = session.execute(text("SELECT * FROM queue_place(:ticket)"), {"ticket": ticket.id}).one()
    return Place(row.ahead, row.calling, row.pace)


def find_screen(session: Session, screen_key: str, on: date) -> Sequence[ScreenRow]:
    """Lines of a public screen; none for a key that is nobody's."""
    rows = session.execute(
        text("SELECT prefix, number, room, state FROM screen(:key, :on)"),
        {"key": screen_key, "on": on},
    )
    return [ScreenRow(*row) for row in rows]


def get_block(
    session: Session, scope: FacilityScope, block_id: UUID, *, is_locked: bool = False
) -> NumberBlock:
    """Return a block of numbers of this facility, or raise NotFound.

    Whoever is at the desk by then may tell of them: clerks hand over. `is_locked`: nobody else
    tells of them until this transaction ends.
    """
    query = select(NumberBlock).where(
        NumberBlock.id == block_id,
        NumberBlock.facility_code == scope.facility_code,
    )
    block = session.scalars(query.with_for_update() if is_locked else query).first()
    if block is None:
        raise NotFound
    return block


def find_numbers(session: Session, block: NumberBlock) -> dict[int, Ticket]:
    """Return the block's tickets that are known already, by number."""
    query = select(Ticket).where(
        Ticket.queue_id == block.queue_id,
        Ticket.on_date == block.on_date,
        Ticket.number.between(block.first, block.last),
    )
    return {ticket.number: ticket for ticket in session.scalars(query)}


def share_day(session: Session, facility_code: str, on: date) -> None:
    """Keep a facility's day from being closed or opened until this transaction ends.

    For whoever puts somebody into a line, before any row is locked: who closes the day waits.
    """
    session.execute(_SHARE_DAY, {"day": _name(facility_code, on)})


def lock_day(session: Session, facility_code: str, on: date) -> None:
    """Wait for all who share the day, and keep others out until this transaction ends."""
    session.execute(_LOCK_DAY, {"day": _name(facility_code, on)})


def _name(facility_code: str, on: date) -> str:
    return f"line/{facility_code}/{on}"


def is_closed(session: Session, facility_code: str, on: date) -> bool:
    """Whether the desk has closed this day; by uq_day_closing_live."""
    query = select(DayClosing.id).where(
        DayClosing.facility_code == facility_code,
        DayClosing.on_date == on,
        DayClosing.undone_at.is_(None),
    )
    return session.scalar(query) is not None
