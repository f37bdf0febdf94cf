"""Reads of slots and of what is free in them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Seat, Slot
from phr_api.kit.clock import VIETNAM
from phr_api.kit.problems import NotFound

NOON = 12


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A slot, and how many of its seats anybody may take."""

    id: UUID
    schedule_id: UUID
    facility_code: str
    service_id: UUID
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    capacity: int
    left: int
    status: str


def get_slot(session: Session, slot_id: UUID) -> SlotRow:
    """Return this slot, or raise NotFound; by primary key, its free seats by ix_seat_free."""
    row = session.execute(_slots().where(Slot.id == slot_id)).first()
    if row is None:
        raise NotFound
    return SlotRow(*row)


def is_open(session: Session, slot_id: UUID | None) -> bool:
    """Whether this slot is there and the clinic has not closed it; by primary key."""
    return session.scalar(select(Slot.status).where(Slot.id == slot_id)) == "open"


def find_next_free(
    session: Session, service_id: UUID, *, after: datetime, at: datetime, limit: int = 3
) -> list[SlotRow]:
    """The first slots after `after` with a free seat that can be booked at `at`.

    Walks ix_slot_service_id_starts_at.
    """
    query = _slots().where(
        Slot.service_id == service_id, Slot.starts_at > after, *can_be_booked(at)
    )
    return [SlotRow(*row) for row in session.execute(query.order_by(Slot.starts_at).limit(limit))]


def find_nearest_free(
    session: Session, slot: SlotRow, *, at: datetime, but: UUID | None = None, limit: int = 3
) -> list[SlotRow]:
    """The slots of its service nearest to this one that can be booked at `at`, the nearest first.

    `but`: not this one. Walks ix_slot_service_id_starts_at from there both ways.
    """
    query = _slots().where(
        Slot.service_id == slot.service_id, Slot.id.is_distinct_from(but), *can_be_booked(at)
    )
    later = query.where(Slot.starts_at >= slot.starts_at).order_by(Slot.starts_at, Slot.id)
    sooner = query.where(Slot.starts_at < slot.starts_at).order_by(Slot.starts_at.desc(), Slot.id)
    found = [SlotRow(*row) for way in (later, sooner) for row in session.execute(way.limit(limit))]
    return sorted(found, key=lambda each: abs(each.starts_at - slot.starts_at))[:limit]


def find_free_on_days(
    session: Session, service_id: UUID, days: tuple[date, date], part: str, *, at: datetime
) -> list[SlotRow]:
    """The first three slots of these days, both included, that can be booked at `at`.

    `part` of the day in Viet Nam: any, morning or afternoon. Walks ix_slot_service_id_starts_at.
    """
    since = datetime.combine(days[0], time(), VIETNAM)
    until = datetime.combine(days[1] + timedelta(days=1), time(), VIETNAM)
    query = _slots().where(
        Slot.service_id == service_id,
        Slot.starts_at >= max(since, at),
        Slot.starts_at < until,
        *can_be_booked(at),
    )
    if part != "any":
        hour = func.extract("hour", func.timezone(VIETNAM.key, Slot.starts_at))
        query = query.where(hour < NOON if part == "morning" else hour >= NOON)
    return [SlotRow(*row) for row in session.execute(query.order_by(Slot.starts_at).limit(3))]


def can_be_booked(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a slot that can be booked at `at`: open, released, with a free seat."""
    is_free = select(Seat.slot_id).where(Seat.slot_id == Slot.id, *_FREE).exists()
    return (Slot.status == "open", Slot.opens_at <= at, Slot.closes_at > at, is_free)


_FREE: tuple[ColumnElement[bool], ...] = (Seat.booking_id.is_(None), ~Seat.for_waitlist)


def _slots() -> Select[*tuple[Any, ...]]:
    left = (
        select(func.count())
        .where(Seat.slot_id == Slot.id, *_FREE)
        .correlate(Slot)
        .scalar_subquery()
    )
    return select(
        Slot.id,
        Slot.schedule_id,
        Slot.facility_code,
        Slot.service_id,
        Slot.starts_at,
        Slot.ends_at,
        Slot.opens_at,
        Slot.closes_at,
        Slot.capacity,
        left,
        Slot.status,
    )
