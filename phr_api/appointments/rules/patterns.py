"""The language of schedules: on which days a service is given, and the times it is cut into.

Pure arithmetic on dates of Viet Nam (UTC+7, no summer time); holidays and exceptions are data.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from phr_api.kit.clock import VIETNAM

Pattern = Literal["weekly", "month-day", "nth-weekday", "dates"]
LAST = -1
DAYS_MADE_AT_LEAST = 14
DAYS_BEYOND_RELEASE = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a schedule says, as a desk writes it."""

    service_id: UUID
    practitioner_id: UUID | None = None
    room: str | None = None
    name: str
    pattern: Pattern
    weekdays: Sequence[int] = ()
    month_days: Sequence[int] = ()
    nths: Sequence[int] = ()
    starts: time
    ends: time
    slot_minutes: int
    capacity: int
    valid_from: date
    valid_until: date | None = None
    works_on_holidays: bool = False
    release_days: int = 30
    release_time: time = time(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """An exception that concerns the schedule: days closed, or an extra sitting on each day."""

    kind: Literal["closed", "extra"]
    from_on: date
    until_on: date
    starts: time | None = None
    ends: time | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A stretch of one day in which the service is given."""

    on: date
    starts: time
    ends: time
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSlot:
    """A slot as it should be."""

    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    capacity: int


def days(
    plan: Plan,
    exceptions: Collection[Dated],
    holidays: Collection[date],
    since: date,
    until: date,
) -> Iterator[Sitting]:
    """Sittings of the plan from `since` to `until`, both included, in order.

    A holiday has no regular sitting; an extra one stands on whatever day it was given. A closed day
    has neither.
    """
    first = max(since, plan.valid_from)
    last = until if plan.valid_until is None else min(until, plan.valid_until)
    for on in _each(since, until):
        today = [each for each in exceptions if each.from_on <= on <= each.until_on]
        if any(each.kind == "closed" for each in today):
            continue
        is_off = on in holidays and not plan.works_on_holidays
        if first <= on <= last and not is_off and _is_day(plan, on):
            yield Sitting(on=on, starts=plan.starts, ends=plan.ends, capacity=plan.capacity)
        for each in today:
            if each.starts is not None and each.ends is not None:
                capacity = each.capacity or plan.capacity
                yield Sitting(on=on, starts=each.starts, ends=each.ends, capacity=capacity)


def _each(since: date, until: date) -> Iterator[date]:
    for number in range((until - since).days + 1):
        yield since + timedelta(days=number)


def _is_day(plan: Plan, on: date) -> bool:
    match plan.pattern:
        case "weekly":
            return on.isoweekday() in plan.weekdays
        case "month-day":
            return on.day in plan.month_days  # the 31st is not in a short month, and not moved
        case "nth-weekday":
            is_last = (on + timedelta(days=7)).month != on.month
            nth = (on.day - 1) // 7 + 1
            return on.isoweekday() in plan.weekdays and (
                nth in plan.nths or (is_last and LAST in plan.nths)
            )
        case "dates":
            return False


def slots(
    plan: Plan, sittings: Collection[Sitting] | Iterator[Sitting], *, lead_minutes: int
) -> dict[datetime, PlannedSlot]:
    """The slots of these sittings by their start; an overlapping sitting widens none twice.

    Booking opens `release_days` before the day at `release_time`, and closes `lead_minutes` before
    the slot starts. What is left of a sitting after the last whole slot is nobody's.
    """
    made: dict[datetime, PlannedSlot] = {}
    length = timedelta(minutes=plan.slot_minutes)
    for sitting in sittings:
        opens_at = _moment(sitting.on - timedelta(days=plan.release_days), plan.release_time)
        start, end = _moment(sitting.on, sitting.starts), _moment(sitting.on, sitting.ends)
        while start + length <= end:
            made.setdefault(
                start,
                PlannedSlot(
                    starts_at=start,
                    ends_at=start + length,
                    opens_at=opens_at,
                    closes_at=start - timedelta(minutes=lead_minutes),
                    capacity=sitting.capacity,
                ),
            )
            start += length
    return made


def horizon(plan: Plan, today: date) -> date:
    """The last day for which slots are made: what can be booked, and two weeks of warning."""
    ahead = max(plan.release_days, DAYS_MADE_AT_LEAST) + DAYS_BEYOND_RELEASE
    return today + timedelta(days=ahead)


def faults(plan: Plan) -> dict[str, list[str]]:
    """What is wrong with a plan, by member as it is called on the wire; empty when nothing is."""
    found: dict[str, list[str]] = {}
    needed = {
        "weekly": ("weekdays",),
        "month-day": ("month_days",),
        "nth-weekday": ("weekdays", "nths"),
        "dates": (),
    }[plan.pattern]
    wire = {"weekdays": "weekdays", "month_days": "monthDays", "nths": "nths"}
    for member, name in wire.items():
        if (member in needed) != bool(getattr(plan, member)):
            message = "Needed for this pattern." if member in needed else "Not for this pattern."
            found[name] = [message]
    if plan.starts >= plan.ends:
        found["ends"] = ["Must be after starts."]
    elif (_minutes(plan.ends) - _minutes(plan.starts)) < plan.slot_minutes:
        found["slotMinutes"] = ["Longer than the sitting."]
    if plan.valid_until is not None and plan.valid_until < plan.valid_from:
        found["validUntil"] = ["Before validFrom."]
    return found


def _minutes(of: time) -> int:
    return of.hour * 60 + of.minute


def _moment(on: date, at: time) -> datetime:
    return datetime.combine(on, at, VIETNAM)
