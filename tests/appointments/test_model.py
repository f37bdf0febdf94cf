"""Bookings under a rush: whatever happens at once could have happened in some order."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from tests.appointments import commands as do
from tests.appointments.driving import CARED_FOR, LAPSES, OFFERS, SLOTS, Clinic
from tests.appointments.model import OPEN, Command, Outcome, World, explain
from tests.appointments.reading import find_complaints, read_world

# What somebody wants: a verb and three numbers that choose among what is there when it is done, so
# that the same example asks for the same again, whichever thread was first.
KINDS = (
    *("hold",) * 2,
    *("book",) * 3,
    "release",
    "lapse",
    "confirm",
    "decline",
    "cancel",
    "not-coming",
    "desk-cancel",
    "move",
    "propose",
    "accept",
    "refuse",
    "guest",
    "join",
    "join",
    "leave",
    "offer",
    "offer",
)
WISH = st.tuples(st.sampled_from(KINDS), *(st.integers(0, 5) for _ in range(3)))
WISHES = st.integers(2, 8).flatmap(lambda n: st.lists(WISH, min_size=n, max_size=n))
Wish = tuple[str, int, int, int]
PROPOSED_FOR = 12
EXAMPLES = 25


class Rush(RuleBasedStateMachine):
    """Two to eight commands at once, again and again, against a clinic of its own."""

    engines: ClassVar[dict[str, Engine]]

    def __init__(self) -> None:
        super().__init__()
        self.clinic = Clinic(self.engines)
        self.world = read_world(self.clinic)
        self.count = 0

    @rule(minutes=st.sampled_from((0, 0, 0, 1, 4, 11)), wishes=WISHES)
    def rush(self, minutes: int, wishes: list[Wish]) -> None:
        self.clinic.now += minutes
        self.world.now += minutes
        before = self.world
        commands = [self.command(before, wish) for wish in wishes]
        done = list(zip(commands, self.clinic.at_once(commands), strict=True))
        between: list[Command] = []
        if any(isinstance(command, do.Lapse) for command in commands):
            self.clinic.sweep(*LAPSES)
            done = _each_hold(before, done)
        if any(isinstance(command, do.Offer) for command in commands):
            self.clinic.sweep(*OFFERS)
            done = [each for each in done if not isinstance(each[0], do.Offer)]
            between = [do.Offer(slot) for slot in SLOTS]
        # of a hold that met another one, which went away before it was tried again
        people = {each for c in commands if isinstance(c, do.TakeHold) for each in c.people}
        between += [do.FreeExpired(person) for person in sorted(people)]
        self.world = read_world(self.clinic)
        order = explain(before, done, self.world, between)
        assert order is not None, _story(before, done, self.world)

    @invariant()
    def every_seat_is_somebodys_or_free(self) -> None:
        assert find_complaints(self.clinic) == []

    def command(self, world: World, wish: Wish) -> Command:
        """What this wish means in this world; what it needs and is not there is held first."""
        self.count += 1
        kind, a, b, _ = wish
        open_now = sorted(name for name, hold in world.holds.items() if hold.state == "open")
        booked = sorted(n for n, row in world.bookings.items() if row.state in OPEN)
        if kind in {"accept", "refuse"}:  # rather of those that have something to answer
            booked = [name for name in booked if world.bookings[name].proposed] or booked
        line = sorted(world.entries)
        if kind == "lapse":
            found: Command = do.Lapse("")
        elif kind == "offer":
            found = do.Offer("")
        elif kind == "leave" and line:
            name = line[a % len(line)]
            found = do.Leave(name, world.entries[name].account)
        elif kind in ON_BOOKING and booked:
            found = self.change(world, booked[a % len(booked)], (kind, b, wish[3], 0))
        elif kind not in {"hold", "join", "guest"} and open_now:
            name = open_now[a % len(open_now)]
            people = world.holds[name].people
            found = do.Release(name) if kind == "release" else do.BookHold(name, people)
        else:
            found = self.begin(wish)
        return found

    def begin(self, wish: Wish) -> Command:
        """What needs nothing that is there."""
        kind, a, b, c = wish
        slot = list(SLOTS)[a % len(SLOTS)]
        account = "an" if b % 2 else "binh"
        own, child = CARED_FOR[account]
        if kind == "join":
            return do.Join(f"e{self.count}", account, (own, child)[c % 2], "sure")
        if kind == "guest":
            return do.BookGuest(f"g{self.count}", slot)
        people = ((own,), (child,), (own, child), (own,), (child, own), (child,))[c]
        return do.TakeHold(f"h{self.count}", account, slot, people)

    def change(self, world: World, name: str, wish: Wish) -> Command:
        """What somebody wants of this booking, of whose version they know."""
        kind, b, c, _ = wish
        booking = world.bookings[name]
        version, person = booking.version - (c == 0), booking.person
        able = [each for each, whose in CARED_FOR.items() if person in whose]
        by = able[c % len(able)] if able else "desk"
        slots = [each for each, slot in SLOTS.items() if slot.service == booking.service]
        return ON_BOOKING[kind](world, name, version, by, slots[b % len(slots)])


ON_BOOKING: dict[str, Callable[[World, str, int, str, str], Command]] = {
    "confirm": lambda _w, name, version, _by, _slot: do.Confirm(name, version),
    "decline": lambda _w, name, version, _by, _slot: do.End("decline", "desk", name, version),
    "desk-cancel": lambda _w, name, version, _by, _slot: do.End(
        "desk-cancel", "desk", name, version
    ),
    "cancel": lambda _w, name, version, by, _slot: do.End("cancel", by, name, version),
    "not-coming": lambda _w, name, _version, by, _slot: do.End("not-coming", by, name, None),
    "move": lambda _w, name, version, by, slot: do.Move(by, name, version, slot),
    "propose": lambda w, name, version, _by, slot: do.Propose(
        name, version, slot, w.now + PROPOSED_FOR
    ),
    "accept": lambda _w, name, version, by, _slot: do.Answer(by, name, version, accept=True),
    "refuse": lambda _w, name, version, by, _slot: do.Answer(by, name, version, accept=False),
}


def _each_hold(
    before: World, done: Sequence[tuple[Command, Outcome]]
) -> list[tuple[Command, Outcome]]:
    """The worker's step takes holds one by one, and leaves to the next what somebody has locked."""
    rest = [each for each in done if not isinstance(each[0], do.Lapse)]
    over: list[Command] = [
        do.Lapse(name)
        for name, hold in before.holds.items()
        if hold.state == "open" and hold.expires <= before.now
    ]
    over += [
        do.LapseProposal(name)
        for name, booking in before.bookings.items()
        if booking.proposed and (booking.proposal_until or 0) <= before.now
    ]
    over += [
        do.AnswerInPlace(name)
        for name, booking in before.bookings.items()
        if booking.state == "requested" and (booking.respond_by or 0) <= before.now
    ]
    return rest + [(command, ("done",)) for command in over]


def _story(before: World, done: Sequence[tuple[Command, Outcome]], after: World) -> str:
    lines = [f"{command} -> {outcome}" for command, outcome in done]
    gone, new = before.facts() - after.facts(), after.facts() - before.facts()
    return "\n".join(
        ["no order explains what happened at once:", *lines, f"{before}", f"- {gone}", f"+ {new}"]
    )


@pytest.mark.usefixtures("app")
def test_what_happens_at_once_could_have_happened_in_some_order(
    engines: dict[str, Engine], pytestconfig: pytest.Config
) -> None:
    """The same 25 examples each time; with `--hunt 500`, as many that nobody has seen."""
    hunt = int(pytestconfig.getoption("hunt"))
    machine = type("RushHere", (Rush,), {"engines": engines})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=hunt or EXAMPLES,
            stateful_step_count=10,
            derandomize=not hunt,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
