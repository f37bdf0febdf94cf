"""Whether seats and bookings say the same: no foreign key holds them together on the hot path."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# One statement, one snapshot: what is just being booked is seen with both its rows or with none.
_DIFFERENCES = text(
    "SELECT (SELECT count(*) FROM seat s LEFT JOIN booking b ON b.id = s.booking_id"
    "  WHERE s.booking_id IS NOT NULL AND (b.id IS NULL OR b.state IN ('declined', 'cancelled')"
    "   OR ((b.slot_id, b.seat_no) IS DISTINCT FROM (s.slot_id, s.seat_no)"
    "    AND (b.proposed_slot_id, b.proposed_seat_no) IS DISTINCT FROM (s.slot_id, s.seat_no)))),"
    " (SELECT count(*) FROM booking b WHERE b.starts_at > :at AND b.slot_id IS NOT NULL"
    "  AND b.state NOT IN ('declined', 'cancelled')"
    "  AND NOT EXISTS (SELECT 1 FROM seat s WHERE s.slot_id = b.slot_id"
    "   AND s.seat_no = b.seat_no AND s.booking_id = b.id)),"
    " (SELECT count(*) FROM booking b WHERE b.proposed_slot_id IS NOT NULL"
    "  AND b.proposed_starts_at > :at"
    "  AND NOT EXISTS (SELECT 1 FROM seat s WHERE s.slot_id = b.proposed_slot_id"
    "   AND s.seat_no = b.proposed_seat_no AND s.booking_id = b.id))"
)


@dataclass(frozen=True, slots=True)
class Differences:
    """How many seats nobody's booking knows, and bookings and proposals that have no seat."""

    seats: int
    bookings: int
    proposals: int

    def __bool__(self) -> bool:
        return bool(self.seats or self.bookings or self.proposals)


def find_differences(session: Session, at: datetime) -> Differences:
    """Compare seats and bookings of all facilities; the worker's role sees them all."""
    return Differences(*session.execute(_DIFFERENCES, {"at": at}).one())
