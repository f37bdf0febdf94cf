"""From what the database refuses to problems: by SQLSTATE and constraint, never by guess."""

import json
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

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
    StateChanged,
)
from phr_api.appointments.queries.slots import SlotRow
from phr_api.consent import RecordSignInNeeded
from phr_api.kit import clock
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
from phr_api.kit.web import named_safely

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
# those whose SQL tells more, as JSON
DETAILED: dict[str, Callable[[dict[str, Any]], Problem]] = {
    "PH019": lambda told: InvalidRequest(
        errors={"json": {"bookings": {str(told["place"]): wrong_answer(told["question"])}}}
    ),
    "PH020": lambda told: StateChanged(**told),
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


def wire_slots(slots: Iterable[SlotRow]) -> list[dict[str, str]]:
    """What a refusal says of slots that are free instead."""
    return [
        {
            "slotId": str(each.id),
            "startsAt": each.starts_at.astimezone(clock.VIETNAM).isoformat(),
            "endsAt": each.ends_at.astimezone(clock.VIETNAM).isoformat(),
        }
        for each in slots
    ]


def wrong_answer(question: str) -> dict[str, Any]:
    """What `errors` says of the answers to questions, by id."""
    return {"answers": named_safely({question: ["Not a question of this service, or no answer."]})}


def problem_of(error: DBAPIError) -> Problem | None:
    """Return the problem that this error stands for, if it is one of ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in DETAILED:
        return DETAILED[state](json.loads(_diag(error, "message_detail")))
    constraint = _diag(error, "constraint_name")
    made = RAISED.get(state) or CONSTRAINTS.get(constraint)
    return made() if made else None


def _diag(error: DBAPIError, name: str) -> str:
    return getattr(getattr(error.orig, "diag", None), name, None) or ""
