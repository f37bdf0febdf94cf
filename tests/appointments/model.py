"""What bookings should do, without a database: a world of values, and commands that change it.

Commands are atomic here. `explain` asks whether what happened at once happened in some order.
Time is minutes since the world began; seats have no numbers, since which one is taken is chance.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

OPEN = frozenset({"requested", "confirmed"})
SEATED = OPEN | {"held"}
ANSWER_MINUTES = 8
MOST_OFFERS = 2
LIVE = frozenset({"waiting", "offered"})

Outcome = tuple[Any, ...]


class Refused(Exception):
    """The command changes nothing; `outcome` is what its caller is told."""

    def __init__(self, slug: str, *more: object) -> None:
        super().__init__(slug)
        self.outcome: Outcome = ("refused", slug, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is offered; `is_sure`: it confirms by itself."""

    is_sure: bool
    most_open: int
    has_waitlist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time of a service."""

    service: str
    starts: int
    ends: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking or, while `held`, what becomes one; person None is a guest."""

    person: str | None
    hold: str | None
    service: str
    slot: str
    state: str
    version: int = 1
    proposed: str | None = None
    proposal_until: int | None = None
    respond_by: int | None = None
    is_offer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The header of what an account holds."""

    account: str
    people: tuple[str, ...]
    expires: int
    state: str = "open"
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in a service's line."""

    person: str
    account: str
    service: str
    place: int
    state: str = "waiting"
    offers: int = 0
    hold: str | None = None


@dataclass(kw_only=True)
class World:
    """Everything there is. `kept`: free seats of a slot that the line is asked for first."""

    services: Mapping[str, Service]
    slots: Mapping[str, Slot]
    now: int = 0
    bookings: dict[str, Booking] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "World":
        return replace(
            self,
            bookings=dict(self.bookings),
            holds=dict(self.holds),
            entries=dict(self.entries),
            kept=dict(self.kept),
        )

    def facts(self) -> frozenset[tuple[str, str, object]]:
        """What two equal worlds have in common; their difference is readable."""
        kept = {slot: count for slot, count in self.kept.items() if count}
        tables: dict[str, Mapping[str, object]] = {
            "booking": self.bookings,
            "hold": self.holds,
            "entry": self.entries,
            "kept": kept,
        }
        return frozenset(
            (table, name, row) for table, rows in tables.items() for name, row in rows.items()
        )

    def taken(self, slot: str) -> int:
        return sum(
            (b.state in SEATED and b.slot == slot) + (b.proposed == slot)
            for b in self.bookings.values()
        )

    def has_free_seat(self, slot: str) -> bool:
        free = self.slots[slot].capacity - self.taken(slot) - self.kept.get(slot, 0)
        assert free >= 0
        return free > 0

    def check_seat(self, slot: str, person: str | None, but: str | None = None) -> None:
        """A seat of the slot can be taken for the person, by the booking `but` or a new one."""
        if not self.has_free_seat(slot):
            raise Refused("slot-full")
        if person is not None and any(
            self.do_overlap(slot, other)
            for name, b in self.bookings.items()
            if b.person == person and name != but
            for other in (b.slot if b.state in SEATED else None, b.proposed)
        ):
            raise Refused("overlapping")

    def asked(self, service: str) -> dict[str, object]:
        """The state after a wish for a time: confirmed, or for the clinic to answer."""
        if self.services[service].is_sure:
            return {"state": "confirmed", "respond_by": None}
        return {"state": "requested", "respond_by": self.now + ANSWER_MINUTES}

    def asked_anew(self, booking: Booking) -> dict[str, object]:
        """What the end of a proposal means: a request has all the clinic's time again."""
        return self.asked(booking.service) if booking.state == "requested" else {}

    def check_quota(self, person: str, service: str) -> None:
        """The person may have one more open booking of the service."""
        mine = [b for b in self.bookings.values() if (b.person, b.service) == (person, service)]
        if sum(b.state in OPEN for b in mine) >= self.services[service].most_open:
            raise Refused("quota-reached")

    def do_overlap(self, one: str, other: str | None) -> bool:
        if other is None:
            return False
        a, b = self.slots[one], self.slots[other]
        return a.starts < b.ends and b.starts < a.ends

    def give_back(self, slot: str | None) -> None:
        """A seat of the slot is free now: the line's, if anybody waits for it."""
        if slot is not None and self.is_awaited(self.slots[slot].service):
            self.kept[slot] = self.kept.get(slot, 0) + 1

    def free_expired(self, person: str) -> bool:
        """What holds whose time is over still keep for a person is free; whether there was any."""
        over = [
            name
            for name, b in self.bookings.items()
            if (b.person, b.state, b.is_offer) == (person, "held", False)
            and self.holds[b.hold or ""].expires <= self.now
        ]
        for name in over:
            self.give_back(self.bookings.pop(name).slot)
        return bool(over)

    def give_up(self, name: str) -> None:
        """Delete what a hold holds; a line's offer goes back to it, the second time for good."""
        hold = self.holds[name]
        self.holds[name] = replace(hold, state="released")
        if hold.entry is not None:
            entry = self.entries[hold.entry]
            state = "passed" if entry.offers >= MOST_OFFERS else "waiting"
            self.entries[hold.entry] = replace(entry, state=state, hold=None)
        for key, booking in list(self.bookings.items()):
            if booking.hold == name and booking.state == "held":
                del self.bookings[key]
                self.give_back(booking.slot)

    def is_awaited(self, service: str) -> bool:
        return self.services[service].has_waitlist and any(
            e.service == service and e.state == "waiting" for e in self.entries.values()
        )

    def find_open(self, booking: str, version: int | None, states: frozenset[str]) -> Booking:
        """The booking, if it is in one of these states and has this version: compare and swap."""
        found = self.bookings.get(booking)
        if found is None or found.state == "held":
            raise Refused("not-found")
        if version not in {None, found.version}:
            raise Refused("state-changed", found.state, found.version)
        if found.state not in states:
            raise Refused("wrong-state", found.state, found.version)
        return found

    def change(self, name: str, **values: Any) -> Outcome:
        booking = self.bookings[name]
        changed = replace(booking, version=booking.version + 1, **values)
        self.bookings[name] = changed
        return ("done", changed.state, changed.version)


class Command(ABC):
    """One request, or one step of the worker; `changes_line`: who waits is another matter then."""

    changes_line: ClassVar[bool] = False

    @abstractmethod
    def apply(self, world: World) -> Outcome:
        """Change the world and return the outcome, or raise Refused with the world half changed."""


Level = dict[tuple[int, frozenset[Any]], tuple[World, tuple[Command, ...]]]


def attempt(world: World, command: Command) -> tuple[World, Outcome]:
    """The world after the command, and its outcome; a refusal leaves the world as it was."""
    after = world.copy()
    try:
        return after, command.apply(after)
    except Refused as refused:
        return world, refused.outcome


def explain(
    before: World,
    done: Sequence[tuple[Command, Outcome]],
    after: World,
    between: Sequence[Command] = (),
) -> Sequence[Command] | None:
    """Return an order of the commands that gives these outcomes and this world, or None.

    `between` may come anywhere, as often as they change something. Walks sets of commands done so
    far, not orders: two orders that lead to one world are one.
    """
    level = _with(between, {(0, before.facts()): (before, ())})
    for _ in done:
        following: Level = {}
        for (mask, _facts), (world, order) in level.items():
            for place, (command, outcome) in enumerate(done):
                if mask & 1 << place:
                    continue
                then, told = attempt(world, command)
                if told == outcome:
                    following[mask | 1 << place, then.facts()] = (then, (*order, command))
        level = _with(between, following)
    # a hold of two seats is given back seat by seat: who joins the line meanwhile waits for one
    is_joined = any(command.changes_line for command, _ in done)
    facts = _but_kept(after.facts(), is_joined=is_joined)
    return next(
        (
            order
            for world, order in level.values()
            if _but_kept(world.facts(), is_joined=is_joined) == facts
        ),
        None,
    )


def _with(between: Sequence[Command], level: Level) -> Level:
    """The level, and all that comes of it by steps between."""
    found, rest = dict(level), list(level.items())
    while rest:
        (mask, _facts), (world, order) = rest.pop()
        for command in between:
            then, told = attempt(world, command)
            if told[0] == "done" and (mask, then.facts()) not in found:
                found[mask, then.facts()] = (then, (*order, command))
                rest.append(((mask, then.facts()), found[mask, then.facts()]))
    return found


def _but_kept(
    facts: frozenset[tuple[str, str, object]], *, is_joined: bool
) -> frozenset[tuple[str, str, object]]:
    return frozenset(each for each in facts if each[0] != "kept") if is_joined else facts
