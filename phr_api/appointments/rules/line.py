"""Who goes first, and what each action on a ticket starts from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from phr_api.vocab import PartialDate

TicketState = Literal["waiting", "called", "skipped", "in-room", "done", "left"]
Action = Literal["skip", "return", "room", "start", "done", "leave"]

# a booked person who comes this much after the time is still in time
IN_TIME = timedelta(minutes=15)
# somebody who missed the call is called again after so many others
AFTER_RETURN = 3
NO_PRIORITY = "none"

ALLOWED: dict[Action, frozenset[TicketState]] = {
    "skip": frozenset({"called"}),
    "return": frozenset({"skipped"}),
    "room": frozenset({"waiting", "called", "skipped", "in-room"}),
    "start": frozenset({"called"}),
    "done": frozenset({"called", "in-room"}),
    "leave": frozenset({"waiting", "called", "skipped"}),
}
# what a visit that goes on past midnight still comes to
PAST_MIDNIGHT: frozenset[tuple[str, str]] = frozenset(
    {("start", "called"), ("leave", "called"), ("done", "called"), ("done", "in-room")}
)


@dataclass(frozen=True, slots=True)
class Priority:
    """A class of people who go before others; rank 0 before all."""

    code: str
    rank: int
    min_years: int | None
    max_years: int | None

    def holds_at(self, birth: PartialDate, on: date) -> bool:
        """Whether the age alone gives this class; unknown parts count in the person's favour."""
        if self.min_years is not None:
            return _years(birth.earliest, on) >= self.min_years
        return self.max_years is not None and _years(birth.latest, on) < self.max_years


def choose_priority(
    classes: Iterable[Priority], *, stated: str, birth: str | None, on: date
) -> Priority:
    """Return the class that goes first: what the desk saw a document for, or what the age gives."""
    born = PartialDate.parse(birth) if birth else None
    held = [
        one
        for one in classes
        if one.code == stated or (born is not None and one.holds_at(born, on))
    ]
    return min(held, key=lambda one: (one.rank, one.code != stated, one.code))


def turn_of_booking(number: int, *, last_before_start: int) -> Decimal:
    """Return the turn of a booked person who came in time, among those of one rank.

    Right behind the last number that was given before the booked time, or where they are anyway.
    """
    return min(Decimal(number), last_before_start + Decimal("0.5"))


def label_of(prefix: str, number: int) -> str:
    """Return a number as tickets and screens show it."""
    return f"{prefix}{number:03}"


def estimate(at: datetime, ahead: int, pace: float | None, usual: int) -> datetime:
    """Return when a ticket is called, by today's minutes between calls or the clinic's usual."""
    return at + timedelta(minutes=(ahead + 1) * (usual if pace is None else pace))


def _years(birth: date, on: date) -> int:
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def is_over(action: str, state: str, on: date, today: date) -> bool:
    """Whether a number's day is over for this action: with midnight, but for a visit under way."""
    if (action, state) in PAST_MIDNIGHT:
        return on < today - timedelta(days=1)
    return on < today
