"""Which of a clinic's services, and which days, a reason to come back asks for; pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from phr_api.clinics import ServiceRow
from phr_api.healthbook import FollowUp
from phr_api.kit import clock

# a time so far from the day still answers it
NEAR = timedelta(days=14)
# what to look for first; nothing else is what the book asks for
VISITS = {
    "follow-up": ("follow-up", "consultation"),
    "medicines-end": ("consultation", "follow-up"),
}


@dataclass(frozen=True, slots=True)
class Days:
    """From which day to which; `is_last`: rather the last of them than the first."""

    since: date
    until: date
    is_last: bool = False


def days_of(one: FollowUp, today: date) -> tuple[Days, ...]:
    """The day or soon after it; before medicines end, or else soon after; soon, when it has passed.

    The best first: the next is for when the ones before have no free time.
    """
    if one.on < today:
        return (Days(today, today + NEAR),)
    after = Days(one.on, one.on + NEAR)
    if one.kind == "medicines-end":
        return Days(max(today, one.on - NEAR), one.on, is_last=True), after
    return (after,)


@dataclass(frozen=True, slots=True)
class Choice:
    """Services of which any will do, with these practitioners or, without any, whoever gives it."""

    services: tuple[UUID, ...]
    practitioners: frozenset[UUID] = frozenset()


def choices_of(
    one: FollowUp, services: Iterable[ServiceRow], doctors: Collection[UUID]
) -> list[Choice]:
    """What answers this reason, the best first: its doctor, then the kind of visit it asks for.

    A service for some departments is not for a record that names none of them.
    """
    kinds = VISITS[one.kind]
    able = [row for row in services if row.visit_kind in kinds]
    fitting = [
        row
        for row in able
        if not row.departments or not set(row.departments).isdisjoint(one.departments)
    ]
    own = Choice(tuple(row.id for row in able), frozenset(doctors))
    rest = [Choice(tuple(row.id for row in fitting if row.visit_kind == kind)) for kind in kinds]
    return [choice for choice in ([own] if doctors else []) + rest if choice.services]


def is_booked(
    one: FollowUp, choices: Iterable[Choice], booked: Iterable[tuple[UUID, datetime]], today: date
) -> bool:
    """Whether one of these (service, start) answers it: a service that does, near the day."""
    fitting = {service for choice in choices for service in choice.services}
    since, until = one.on - NEAR, max(one.on, today) + NEAR
    return any(
        service in fitting and since <= starts_at.astimezone(clock.VIETNAM).date() <= until
        for service, starts_at in booked
    )
