"""The commands of the model: what citizens, desks and the worker do with bookings.

The order of checks is the application's, since a refusal's slug is part of its outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from tests.appointments.model import (
    LIVE,
    OPEN,
    Booking,
    Command,
    Entry,
    Hold,
    Outcome,
    Refused,
    World,
)

HOLD_MINUTES = 10
OFFER_MINUTES = 30
MOST_HOLDS = 10
NO_PROPOSAL: Mapping[str, None] = {"proposed": None, "proposal_until": None}
IN_THE_WAY = ("hold-exists", "overlapping")


@dataclass(frozen=True, slots=True)
class TakeHold(Command):
    """An account holds a seat for each of these people, in adjoining times if it must."""

    name: str
    account: str
    slot: str
    people: tuple[str, ...]

    def apply(self, world: World) -> Outcome:
        try:
            self._take(world.copy())
        except Refused as refused:
            for person in self.people if refused.outcome[1] in IN_THE_WAY else ():
                world.free_expired(person)
        return self._take(world)

    def _take(self, world: World) -> Outcome:
        service = world.slots[self.slot].service
        mine = [h for h in world.holds.values() if (h.account, h.state) == (self.account, "open")]
        if len(mine) >= MOST_HOLDS:
            raise Refused("too-many-requests")
        at, places = self.slot, []
        for count, person in enumerate(self.people):
            self._replace(world, service, person)
            world.check_quota(person, service)
            at = self._next(world, at, is_first=count == 0)
            world.check_seat(at, person)
            if any(_is_held(b, person, service) for b in world.bookings.values()):
                raise Refused("hold-exists")
            world.bookings[f"{self.name}/{person}"] = Booking(
                person=person, hold=self.name, service=service, slot=at, state="held"
            )
            places.append(at)
        expires = world.now + HOLD_MINUTES
        world.holds[self.name] = Hold(account=self.account, people=self.people, expires=expires)
        return ("held", *places)

    def _replace(self, world: World, service: str, person: str) -> None:
        """The account's own earlier hold for this person and service gives way."""
        for name, booking in list(world.bookings.items()):
            hold = world.holds.get(booking.hold or "")
            if not _is_held(booking, person, service) or booking.is_offer or hold is None:
                continue
            if hold.account != self.account:
                continue
            del world.bookings[name]
            if booking.slot != self.slot:  # the same time once more is theirs, not the line's
                world.give_back(booking.slot)
            rest = tuple(each for each in hold.people if each != person)
            world.holds[booking.hold or ""] = (
                replace(hold, people=rest) if rest else replace(hold, state="released")
            )

    def _next(self, world: World, at: str, *, is_first: bool) -> str:
        if is_first or world.has_free_seat(at):
            return at
        first = world.slots[at]
        following = [
            name
            for name, slot in world.slots.items()
            if slot.service == first.service and first.starts < slot.starts <= first.ends
        ]
        free = [name for name in following if world.has_free_seat(name)]
        return min(free or [at], key=lambda name: world.slots[name].starts)


@dataclass(frozen=True, slots=True)
class FreeExpired(Command):
    """What makes way for a new hold of a person: their holds whose time is over."""

    person: str

    def apply(self, world: World) -> Outcome:
        if not world.free_expired(self.person):
            raise Refused("nothing-expired")
        return ("done",)


@dataclass(frozen=True, slots=True)
class BookHold(Command):
    """Whoever holds books what they hold, as they know it."""

    hold: str
    people: tuple[str, ...]

    def apply(self, world: World) -> Outcome:
        hold = world.holds[self.hold]
        mine = {name: b for name, b in world.bookings.items() if b.hold == self.hold}
        if hold.state == "booked":  # with another key; they are told of the last one
            last = next(b for b in mine.values() if b.person == hold.people[-1])
            raise Refused("state-changed", last.state, last.version)
        if hold.state == "released" or world.now >= hold.expires:
            raise Refused("hold-expired")
        if set(hold.people) != set(self.people):
            raise Refused("invalid-request")
        for name, booking in mine.items():
            if booking.is_offer and booking.person is not None:
                world.check_quota(booking.person, booking.service)
            world.change(name, **world.asked(booking.service))
        world.holds[self.hold] = replace(hold, state="booked")
        if hold.entry is not None:
            world.entries[hold.entry] = replace(world.entries[hold.entry], state="booked")
        told = [(name, world.bookings[name].state, world.bookings[name].version) for name in mine]
        return ("booked", *sorted(told))


@dataclass(frozen=True, slots=True)
class Release(Command):
    """Whoever holds gives back."""

    hold: str

    def apply(self, world: World) -> Outcome:
        if world.holds[self.hold].state != "open":
            raise Refused("not-found")
        world.give_up(self.hold)
        return ("done",)


@dataclass(frozen=True, slots=True)
class Lapse(Command):
    """The worker frees a hold whose time is over, or has done so or leaves it for the next time."""

    hold: str

    def apply(self, world: World) -> Outcome:
        hold = world.holds[self.hold]
        if hold.state == "open" and hold.expires <= world.now:
            world.give_up(self.hold)
        return ("done",)


@dataclass(frozen=True, slots=True)
class End(Command):
    """The desk declines or cancels, or the person cancels."""

    action: str
    by: str
    booking: str
    version: int | None

    def apply(self, world: World) -> Outcome:
        is_declined = self.action == "decline"
        allowed = frozenset({"requested"}) if is_declined else OPEN
        before = world.find_open(self.booking, self.version, allowed)
        told = world.change(
            self.booking,
            state="declined" if is_declined else "cancelled",
            respond_by=None,
            **NO_PROPOSAL,
        )
        world.give_back(before.slot)
        world.give_back(before.proposed)
        return told


@dataclass(frozen=True, slots=True)
class Confirm(Command):
    """The desk confirms; a proposal beside the request is withdrawn."""

    booking: str
    version: int

    def apply(self, world: World) -> Outcome:
        before = world.find_open(self.booking, self.version, frozenset({"requested"}))
        told = world.change(self.booking, state="confirmed", respond_by=None, **NO_PROPOSAL)
        world.give_back(before.proposed)
        return told


@dataclass(frozen=True, slots=True)
class Move(Command):
    """The person takes another time of the service: new seat first, then the old ones go."""

    by: str
    booking: str
    version: int
    slot: str

    def apply(self, world: World) -> Outcome:
        before = world.find_open(self.booking, self.version, OPEN)
        if self.slot == before.slot:
            raise Refused("same-time")
        world.check_seat(self.slot, before.person, but=self.booking)
        told = world.change(
            self.booking, slot=self.slot, **world.asked(before.service), **NO_PROPOSAL
        )
        world.give_back(before.slot)
        world.give_back(before.proposed)
        return told


@dataclass(frozen=True, slots=True)
class Propose(Command):
    """The desk proposes another time, whose seat is kept beside the old one until then."""

    booking: str
    version: int
    slot: str
    until: int

    def apply(self, world: World) -> Outcome:
        before = world.find_open(self.booking, self.version, OPEN)
        if self.slot == before.slot:
            raise Refused("same-time")
        world.bookings[self.booking] = replace(before, proposed=None)
        world.give_back(before.proposed)
        world.check_seat(self.slot, before.person, but=self.booking)
        return world.change(self.booking, proposed=self.slot, proposal_until=self.until)


@dataclass(frozen=True, slots=True)
class Answer(Command):
    """The person takes the proposed time, or keeps the old one."""

    by: str
    booking: str
    version: int
    accept: bool

    def apply(self, world: World) -> Outcome:
        before = world.find_open(self.booking, self.version, OPEN)
        if before.proposed is None or (before.proposal_until or 0) <= world.now:
            raise Refused("too-late")
        moved = {"state": "confirmed", "slot": before.proposed, "respond_by": None}
        told = world.change(
            self.booking, **(moved if self.accept else world.asked_anew(before)), **NO_PROPOSAL
        )
        world.give_back(before.slot if self.accept else before.proposed)
        return told


@dataclass(frozen=True, slots=True)
class LapseProposal(Command):
    """The worker ends a proposal that nobody answered, or has done so or leaves it."""

    booking: str

    def apply(self, world: World) -> Outcome:
        before = world.bookings[self.booking]
        if before.proposed is not None and (before.proposal_until or 0) <= world.now:
            world.change(self.booking, **world.asked_anew(before), **NO_PROPOSAL)
            world.give_back(before.proposed)
        return ("done",)


@dataclass(frozen=True, slots=True)
class AnswerInPlace(Command):
    """The worker declines for a clinic that let its time pass, or has done so or leaves it.

    A proposal is the clinic's answer.
    """

    booking: str

    def apply(self, world: World) -> Outcome:
        before = world.bookings[self.booking]
        is_asked = before.state == "requested" and before.proposed is None
        if is_asked and (before.respond_by or 0) <= world.now:
            world.change(self.booking, state="declined", respond_by=None)
            world.give_back(before.slot)
        return ("done",)


@dataclass(frozen=True, slots=True)
class Join(Command):
    """A person stands in the line of a service."""

    changes_line: ClassVar[bool] = True
    name: str
    by: str
    person: str
    service: str

    def apply(self, world: World) -> Outcome:
        world.check_quota(self.person, self.service)
        line = [(e.person, e.service) for e in world.entries.values() if e.state in LIVE]
        if (self.person, self.service) in line:
            raise Refused("on-waitlist")
        world.entries[self.name] = Entry(
            person=self.person, account=self.by, service=self.service, place=len(world.entries)
        )
        return ("done",)


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """A person leaves the line; what they were offered goes to the next."""

    changes_line: ClassVar[bool] = True
    name: str
    by: str

    def apply(self, world: World) -> Outcome:
        entry = world.entries[self.name]
        if entry.state not in LIVE:
            raise Refused("not-found")
        if entry.hold is not None:
            world.give_up(entry.hold)
        world.entries[self.name] = replace(world.entries[self.name], state="left")
        return ("done",)


@dataclass(frozen=True, slots=True)
class Offer(Command):
    """The worker offers a kept seat to the first in line whom it fits, or to everybody."""

    slot: str

    def apply(self, world: World) -> Outcome:
        if not world.kept.get(self.slot):
            raise Refused("nothing-kept")
        world.kept[self.slot] -= 1
        self._offer(world)
        return ("done",)

    def _offer(self, world: World) -> None:
        slot, service = self.slot, world.slots[self.slot].service
        line = [n for n, e in world.entries.items() if (e.service, e.state) == (service, "waiting")]
        line.sort(key=lambda n: (world.entries[n].offers, world.entries[n].place))
        for name in line:
            entry = world.entries[name]
            try:
                world.check_quota(entry.person, service)
                world.check_seat(slot, entry.person)
            except Refused:
                continue
            if any(_is_held(b, entry.person, service) for b in world.bookings.values()):
                continue
            count = entry.offers + 1
            hold = f"{name}.{count}"
            expires = world.now + OFFER_MINUTES
            world.holds[hold] = Hold(
                account="", people=(entry.person,), expires=expires, entry=name
            )
            world.bookings[f"{hold}/{entry.person}"] = Booking(
                person=entry.person,
                hold=hold,
                service=service,
                slot=slot,
                state="held",
                is_offer=True,
            )
            world.entries[name] = replace(entry, state="offered", offers=count, hold=hold)
            return


@dataclass(frozen=True, slots=True)
class BookGuest(Command):
    """The desk books for somebody without an account."""

    name: str
    slot: str

    def apply(self, world: World) -> Outcome:
        world.check_seat(self.slot, None)
        world.bookings[self.name] = Booking(
            person=None,
            hold=None,
            service=world.slots[self.slot].service,
            slot=self.slot,
            state="confirmed",
        )
        return ("done", "confirmed", 1)


def _is_held(booking: Booking, person: str, service: str) -> bool:
    return (booking.person, booking.service, booking.state) == (person, service, "held")
