"""The one way in which a booking changes its state."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.rules.states import By, State


def transition(
    session: Session,
    booking_id: UUID,
    *,
    allowed: frozenset[State],
    expected: int | None,
    values: Mapping[str, Any],
    what: str,
    actor: By,
    note: str | None = None,
) -> Booking:
    """Change a booking that is in one of `allowed` and has version `expected`, in one UPDATE.

    Its event is written, and who has to know is told.
    """
    raise NotImplementedError
