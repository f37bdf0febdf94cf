"""Bookings as they are shown."""

from typing import Any

from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.queries.bookings import get_wire
from phr_api.consent import FacilityScope, PhoneScope, RecordScope
from phr_api.kit import clock


def booking_view(
    session: Session, scope: RecordScope | FacilityScope | PhoneScope, booking: Booking
) -> dict[str, Any]:
    """Return what an answer shows of a booking to whoever opened this scope, as JSON members."""
    is_desk = isinstance(scope, FacilityScope)
    return get_wire(session, booking.id, is_desk=is_desk, at=clock.now())
