"""Reads of slots and of what is free in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Seat, Slot
from phr_api.kit.problems import NotFound


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
