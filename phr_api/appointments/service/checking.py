"""A nightly look at whether seats and bookings still say the same."""

import logging
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from phr_api.appointments.queries.checks import find_differences

log = logging.getLogger(__name__)


def check_seats(session: Session, at: datetime) -> tuple[int, int]:
    """Log an alarm when a seat has no booking, or a booking or proposal no seat; mends nothing.

    Returns how many of either there are.
    """
    found = find_differences(session, at)
    if found:
        log.error("seats and bookings differ", extra=asdict(found))
    return found.seats, found.bookings + found.proposals
