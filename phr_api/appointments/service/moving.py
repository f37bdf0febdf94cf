"""Moving bookings to other times."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.queries.slots import SlotRow


def offer_alternatives(session: Session, booking: Booking, slots: Sequence[SlotRow]) -> bool:
    """Propose the first of `slots` that has a seat, name the next two; whether there was one."""
    raise NotImplementedError
