"""Whether a seat that a person gives up counts against them."""

from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.queries.slots import get_slot
from phr_api.appointments.rules.states import is_late
from phr_api.kit import clock


def counts_as_late(session: Session, booking: Booking, *, notice_minutes: int) -> bool:
    """Whether the booking is late once its seat is given up now, by a move or a cancellation.

    Never for a time that the clinic closed: nobody else could have had that seat. One that was
    moved late stays late. ISSUE 4 §2.
    """
    if booking.is_late or booking.slot_id is None:
        return booking.is_late
    if get_slot(session, booking.slot_id).status != "open":
        return False
    return is_late(clock.now(), booking.starts_at, notice_minutes=notice_minutes)
