"""Bookings as they are shown."""

from typing import Any

from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.consent import FacilityScope, RecordScope


def booking_view(
    session: Session, scope: RecordScope | FacilityScope, booking: Booking
) -> dict[str, Any]:
    """Return what an answer shows of a booking to whoever opened this scope."""
    raise NotImplementedError
