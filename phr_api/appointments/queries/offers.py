"""What can be booked: a service's slots by day, and who in a province has one soonest."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Schedule, Seat, Slot

# Slots that one walk returns: at seven in the morning all clinics of a province begin at once
WALKED = 200
MOST_WALKS = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot as a citizen chooses it."""

    id: UUID
    facility_code: str
    service_id: UUID
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    capacity: int
    left: int
    room: str | None
    practitioner_id: UUID | None

    def is_open(self, at: datetime) -> bool:
        """Whether it can be booked at `at`, as long as something is left."""
        return self.opens_at <= at < self.closes_at


_FREE = (Seat.booking_id.is_(None), ~Seat.for_waitlist)
_LEFT = (
    select(func.count()).where(Seat.slot_id == Slot.id, *_FREE).correlate(Slot).scalar_subquery()
)
_COLUMNS = (
    Slot.id,
    Slot.facility_code,
    Slot.service_id,
    Slot.starts_at,
    Slot.ends_at,
    Slot.opens_at,
    Slot.closes_at,
    Slot.capacity,
    _LEFT,
    Schedule.room,
    Schedule.practitioner_id,
)
# `clinic_service` is named here, read-only: its rows decide while the index is walked
_WALK = text(
    "SELECT l.id, l.facility_code, l.starts_at FROM slot l"
    " JOIN clinic_service v ON v.id = l.service_id AND v.ended_at IS NULL"
    " WHERE l.province = :province AND l.service_code = :service AND l.status = 'open'"
    " AND l.starts_at >= :since AND l.starts_at < :until"
    " AND l.opens_at <= :at AND l.closes_at > :at"
    " AND (CAST(:kind AS text) IS NULL OR v.kind = :kind)"
    " AND NOT (l.facility_code = ANY (CAST(:seen AS text[])))"
    " AND EXISTS (SELECT 1 FROM seat s WHERE s.slot_id = l.id"
    " AND s.booking_id IS NULL AND NOT s.for_waitlist)"
    " ORDER BY l.starts_at LIMIT :walked"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for in a province; `province` as province_key makes it."""

    province: str
    service: str
    kind: str | None
    since: datetime
    until: datetime


def find_offers(
    session: Session, service_id: UUID, *, since: datetime, until: datetime
) -> list[Offer]:
    """The service's open slots with `since` <= start < `until`, in order, full ones too.

    Walks ix_slot_service_id_starts_at; what is left by ix_seat_free.
    """
    return _offers(
        session,
        Slot.service_id == service_id,
        Slot.status == "open",
        Slot.starts_at >= since,
        Slot.starts_at < until,
    )


def find_soonest(session: Session, wanted: Wanted, *, at: datetime, limit: int) -> list[Offer]:
    """The first free slot of each of `limit` facilities, soonest first.

    Walks ix_slot_province_service_code_starts_at; a walk that met too few facilities goes on where
    it ended, past those it has.
    """
    first: dict[str, UUID] = {}
    since = wanted.since
    for _ in range(MOST_WALKS):
        values = {
            "province": wanted.province,
            "service": wanted.service,
            "kind": wanted.kind,
            "since": since,
            "until": wanted.until,
            "at": at,
            "seen": list(first),
            "walked": WALKED,
        }
        rows = session.execute(_WALK, values).all()
        for row in rows:
            first.setdefault(row.facility_code, row.id)
        if len(first) >= limit or len(rows) < WALKED:
            break
        since = rows[-1].starts_at
    return _offers(session, Slot.id.in_(list(first.values())[:limit]))


def _offers(session: Session, *conditions: ColumnElement[bool]) -> list[Offer]:
    query = select(*_COLUMNS).join(Schedule, Schedule.id == Slot.schedule_id).where(*conditions)
    return [Offer(*row) for row in session.execute(query.order_by(Slot.starts_at, Slot.id))]
