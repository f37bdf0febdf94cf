"""From what the database refuses to problems: by SQLSTATE and constraint, never by guess."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from phr_api.appointments.problems.bookings import (
    AnswersNeeded,
    HoldExists,
    HoldExpired,
    OnWaitlist,
    Overlapping,
    QuotaReached,
    SlotFull,
    SlotNotOpen,
)
from phr_api.consent import RecordSignInNeeded
from phr_api.kit.problems import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    RequestInProgress,
    TooManyRequests,
)

HOLD_SECONDS = 600

RAISED: dict[str, Callable[[], Problem]] = {
    "PH001": NotSignedIn,
    "PH002": RequestInProgress,
    "PH003": IdempotencyKeyReused,
    "PH004": NotFound,
    "PH005": RecordSignInNeeded,
    "PH006": NotAllowed,
    "PH011": SlotNotOpen,
    "PH013": QuotaReached,
    "PH014": SlotFull,
    "PH015": HoldExpired,
    "PH016": lambda: TooManyRequests(retry_after_seconds=HOLD_SECONDS),
    "PH017": AnswersNeeded,
    "PH018": lambda: InvalidRequest(errors={"json": {"bookings": ["Not what is held."]}}),
}
CONSTRAINTS: dict[str, Callable[[], Problem]] = {
    "uq_booking_held": HoldExists,
    "ex_seat_person": Overlapping,
    "uq_waitlist_entry_live": OnWaitlist,
}


@contextmanager
def raising() -> Generator[None]:
    """Turn what the SQL of bookings refuses into its problem; anything else stays as it is."""
    try:
        yield
    except DBAPIError as error:
        problem = problem_of(error)
        if problem is None:
            raise
        raise problem from error


def problem_of(error: DBAPIError) -> Problem | None:
    """Return the problem that this error stands for, if it is one of ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    made = RAISED.get(state) or CONSTRAINTS.get(constraint)
    return made() if made else None
