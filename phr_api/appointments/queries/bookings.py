"""Reads of bookings, under the scope that the caller has set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, BookingEvent
from phr_api.kit.problems import NotFound

_WIRE = text("SELECT booking_wire(b, :is_desk, true, :at) FROM booking b WHERE b.id = :id")
_LIST = (
    "SELECT b.id, b.version, b.profile_id, b.starts_at, b.state_at,"
    " booking_wire(b, {desk}, false, :at) FROM booking b"
    " WHERE {where} ORDER BY {order} LIMIT :limit"
)
_UPCOMING = text(
    _LIST.format(
        desk="false",
        where="{whose} AND b.state <> 'held' AND b.ends_at > :at AND"
        " (b.starts_at, b.id) > (:after_at, :after_id)",
        order="b.starts_at, b.id",
    ).format(whose="b.profile_id = :whose")
)
_PAST = text(
    _LIST.format(
        desk="false",
        where="b.profile_id = :whose AND b.state <> 'held' AND b.ends_at <= :at AND"
        " (b.starts_at, b.id) < (:after_at, :after_id)",
        order="b.starts_at DESC, b.id DESC",
    )
)
_PHONES = text(
    _LIST.format(
        desk="false",
        where="b.via_phone AND b.account_id = :whose AND b.state <> 'held' AND"
        " (b.starts_at, b.id) < (:after_at, :after_id)",
        order="b.starts_at DESC, b.id DESC",
    )
)
_DAY = text(
    _LIST.format(
        desk="true",
        where="b.facility_code = :whose AND b.state <> 'held' AND b.starts_at >= :since AND"
        " b.starts_at < :until AND (b.starts_at, b.id) > (:after_at, :after_id)",
        order="b.starts_at, b.id",
    )
)
_WAITING = text(
    _LIST.format(
        desk="true",
        where="b.facility_code = :whose AND b.state = 'requested' AND b.starts_at >= :since AND"
        " (b.state_at, b.id) > (:after_at, :after_id)",
        order="b.state_at, b.id",
    )
)
# the clinic closed their time, and nothing else was offered to them
_STRANDED = text(
    _LIST.format(
        desk="true",
        where="b.facility_code = :whose AND b.state IN ('requested', 'confirmed') AND"
        " b.proposal_until IS NULL AND b.slot_id IN (SELECT s.id FROM slot s WHERE"
        " s.facility_code = :whose AND s.status = 'closed' AND s.starts_at >= :since) AND"
        " (b.starts_at, b.id) > (:after_at, :after_id)",
        order="b.starts_at, b.id",
    )
)
LISTS = {
    "upcoming": _UPCOMING,
    "past": _PAST,
    "phones": _PHONES,
    "day": _DAY,
    "waiting": _WAITING,
    "stranded": _STRANDED,
}


@dataclass(slots=True)
class Line:
    """A booking of a list: whose it is, its place in the order, and its JSON."""

    id: UUID
    version: int
    profile_id: UUID | None
    starts_at: datetime
    state_at: datetime
    wire: dict[str, Any]


def find_lines(session: Session, name: str, values: dict[str, Any]) -> list[Line]:
    """Return bookings of one of LISTS; each walks the index of its where and order."""
    return [Line(*row) for row in session.execute(LISTS[name], values)]


def get_booking(session: Session, booking_id: UUID, *, is_locked: bool = False) -> Booking:
    """Return a booking that is in scope, as it is now, or raise NotFound; a mere hold is none.

    `is_locked`: nobody changes it until this transaction ends.
    """
    query = select(Booking).where(Booking.id == booking_id, Booking.state != "held")
    if is_locked:
        query = query.with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def find_last_change(session: Session, booking_id: UUID) -> datetime | None:
    """Return when anything of a booking that is in scope changed last."""
    query = select(func.max(BookingEvent.at)).where(BookingEvent.booking_id == booking_id)
    return session.scalar(query)


def find_bookings(session: Session, ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """Return those of these bookings that are in scope."""
    query = select(Booking).where(Booking.id.in_(ids), Booking.state != "held")
    return {row.id: row for row in session.scalars(query)}


def get_wire(session: Session, booking_id: UUID, *, is_desk: bool, at: datetime) -> dict[str, Any]:
    """Return a booking as it is shown, with answers and history, or raise NotFound."""
    found: dict[str, Any] | None = session.scalar(
        _WIRE, {"id": booking_id, "is_desk": is_desk, "at": at}
    )
    if found is None:
        raise NotFound
    return found
