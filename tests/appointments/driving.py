"""The model's commands on the real thing, and the real thing as a world of the model.

Each command runs as the application runs it: its own transaction, under the caller's scope.
"""

import json
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from datetime import time as day_time
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.appointments import By
from phr_api.appointments.problems.bookings import TooLate
from phr_api.appointments.service import desk, due, holds, lapsing, mine, moving, waiting
from phr_api.consent import FacilityRole, RecordScope, open_facility, open_record
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Attempt
from phr_api.kit.problems import Problem
from phr_api.vocab import ProfileId
from tests.appointments import commands as do
from tests.appointments.model import ANSWER_MINUTES, Command, Outcome, Service, Slot
from tests.factories.appointments import make_schedule, make_service, make_slot
from tests.factories.consent import make_carer
from tests.factories.people import FACILITY, Citizen, make_citizen, make_profile, make_staff

MINUTE = timedelta(minutes=1)
PATIENCE_SECONDS = 10.0
LOCK_NOT_AVAILABLE = "55P03"
# the worker's steps work for everybody: here is nobody else
ALONE = (
    text("UPDATE seat SET for_waitlist = false WHERE for_waitlist"),
    text("UPDATE waitlist_entry SET state = 'ended' WHERE state IN ('waiting', 'offered')"),
)
LINE_LASTS = timedelta(days=9)
MORNING = day_time(9)
DAY = 24 * 60
DESK: frozenset[FacilityRole] = frozenset({"desk"})
# Two adults, and a child in the care of both. The times of the first service adjoin; the first of
# the second service overlaps them both.
CARED_FOR = {"an": ("an", "chi"), "binh": ("binh", "chi")}
SERVICES = {
    "asked": Service(is_sure=False, most_open=2),
    "sure": Service(is_sure=True, most_open=2, has_waitlist=True),
}
SLOTS = {
    "asked-1": Slot(service="asked", starts=2 * DAY, ends=2 * DAY + 15, capacity=1),
    "asked-2": Slot(service="asked", starts=2 * DAY + 15, ends=2 * DAY + 30, capacity=2),
    "sure-1": Slot(service="sure", starts=2 * DAY + 5, ends=2 * DAY + 20, capacity=2),
    "sure-2": Slot(service="sure", starts=3 * DAY, ends=3 * DAY + 15, capacity=2),
}


Step = Callable[[Session, datetime], bool]
LAPSES: tuple[Step, ...] = (lapsing.lapse_holds, due.lapse_proposals, due.answer_unanswered)
OFFERS: tuple[Step, ...] = (waiting.offer_freed,)


class Clinic:
    """A clinic with a world's services and times, its people, and who works for it."""

    def __init__(self, engines: dict[str, Engine]) -> None:
        self.engines = engines
        self._base = _until_morning()  # nobody is offered anything at night
        self.began = clock.now() + self._base
        self.now = 0
        self.ids: dict[str, UUID] = {}
        self.names: dict[UUID, str] = {}
        self.holders: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        test = Session(engines["phr_test"], expire_on_commit=False)
        with self.in_time(), test as session:
            for statement in ALONE:
                session.execute(statement)
            self._make_people(session)
            for name, service in SERVICES.items():
                self._make_times(session, name, service)

    def _make_people(self, session: Session) -> None:
        self.citizens: dict[str, Citizen] = {}
        for name in ("an", "binh"):
            self.citizens[name] = make_citizen(session)
            self.know(name, self.citizens[name].profile.id)
        child = make_profile(session, birth="2021-01-01")
        self.know("chi", child.id)
        for citizen in self.citizens.values():
            make_carer(session, account=citizen.account, child=child)
        self.accounts = {c.account.id: name for name, c in self.citizens.items()}
        self._clerk = make_staff(session)
        self._clerk_by = By(kind="staff", id=self._clerk.account.id, name="Nhân viên thử")

    def _make_times(self, session: Session, name: str, service: Service) -> None:
        row = make_service(
            session,
            confirms_itself=service.is_sure,
            most_open=service.most_open,
            has_waitlist=service.has_waitlist,
            respond_minutes=ANSWER_MINUTES,
        )
        self.know(name, row.id)
        schedule = make_schedule(session, service=row)
        for slot_name, slot in SLOTS.items():
            if slot.service == name:
                made = make_slot(
                    session,
                    schedule=schedule,
                    starts_at=self.began + slot.starts * MINUTE,
                    minutes=slot.ends - slot.starts,
                    capacity=slot.capacity,
                )
                self.know(slot_name, made.id)

    def know(self, name: str, row_id: UUID) -> None:
        self.ids[name], self.names[row_id] = row_id, name

    def in_time(self) -> AbstractContextManager[None]:
        """In this thread it is as late as it is in this world."""
        return clock.moved(self._base + self.now * MINUTE)

    def at_once(self, commands: Sequence[Command]) -> list[Outcome]:
        """Run the commands at the same moment, a thread each; what each was told, in order."""
        gate = Barrier(len(commands))

        def run(command: Command) -> Outcome:
            with self.in_time():
                gate.wait(timeout=30)
                return self.run(command)

        with ThreadPoolExecutor(len(commands)) as threads:
            return list(threads.map(run, commands))

    def run(self, command: Command) -> Outcome:
        """Run one command as the application does; what its caller is told.

        Who waits too long for somebody's lock is told to try again, and does.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return VERBS[type(command)](self, command)
            except Problem as problem:
                more = problem.extensions
                changed = (more["state"], more["version"]) if "version" in more else ()
                return ("refused", problem.slug.rpartition("/")[2], *changed)
            except DBAPIError as error:
                is_slow = getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE
                if not is_slow or time.monotonic() > until:
                    raise

    def sweep(self, *steps: Step) -> None:
        """Let the worker do these steps alone and to the end."""
        with self.in_time():
            while sum(self._work(step) for step in steps):
                pass

    def _work(self, step: Step) -> bool:
        with Session(self.engines["phr_worker"]) as session, session.begin():
            return step(session, clock.now())

    # the verbs

    def take_hold(self, command: do.TakeHold) -> Outcome:
        service = self.ids[SLOTS[command.slot].service]
        slot = self.ids[command.slot]
        people = [self.ids[person] for person in command.people]
        new = holds.NewHold(service_id=service, slot_id=slot, people=people)
        principal = self.citizens[command.account].principal
        attempt = _attempt(principal.principal_id, "POST /v1/holds")
        told = json.loads(holds.hold(principal, new, attempt))
        self.know(command.name, UUID(told["id"]))
        self.holders[command.name] = command.account
        for line in told["bookings"]:
            person = self.names[UUID(line["profileId"])]
            self.know(f"{command.name}/{person}", UUID(line["id"]))
        return ("held", *(self.names[UUID(line["slot"]["id"])] for line in told["bookings"]))

    def book_hold(self, command: do.BookHold) -> Outcome:
        principal = self._principal_of(command.hold)
        items = [
            holds.BookItem(id=self.ids[f"{command.hold}/{person}"]) for person in command.people
        ]
        attempt = _attempt(principal.principal_id, f"POST /v1/holds/{command.hold}/booking")
        told = json.loads(holds.book(principal, self.ids[command.hold], items, attempt))["items"]
        lines = [(self.names[UUID(i["id"])], i["state"], i["version"]) for i in told]
        return ("booked", *sorted(lines))

    def release(self, command: do.Release) -> Outcome:
        with unit_of_work() as session:
            lapsing.release(session, self._principal_of(command.hold), self.ids[command.hold])
        return ("done",)

    def lapse(self, _command: do.Lapse) -> Outcome:
        for step in LAPSES:
            self._work(step)
        return ("done",)

    def join(self, command: do.Join) -> Outcome:
        today = clock.today()
        new = waiting.NewEntry(
            service_id=self.ids[command.service], from_on=today, until_on=today + LINE_LASTS
        )
        with unit_of_work() as session:
            row = waiting.join(session, self._scope(session, command.by, command.person), new)
        self.know(command.name, row.id)
        self.waiting[command.name] = command.person
        return ("done",)

    def leave(self, command: do.Leave) -> Outcome:
        try:
            with unit_of_work() as session:
                scope = self._scope(session, command.by, self.waiting[command.name])
                waiting.leave(session, scope, self.ids[command.name])
        except TooLate:  # an offer was made, or taken, between two looks: who is told so asks again
            return self.leave(command)
        return ("done",)

    def offer(self, _command: do.Offer) -> Outcome:
        self._work(waiting.offer_freed)
        return ("done",)

    def _scope(self, session: Session, by: str, person: str) -> RecordScope:
        """The person's record, opened by one who may book for them."""
        principal, profile_id = self.citizens[by].principal, ProfileId(self.ids[person])
        return open_record(session, principal, profile_id, action="booking.change", power="book")

    def end(self, command: do.End) -> Outcome:
        booking_id, version = self.ids[command.booking], command.version
        with self._opened(command.by, command.booking) as (session, by):
            if command.action == "cancel":
                row = mine.cancel(session, booking_id, reason=None, expected=version, actor=by)
            elif command.action == "not-coming":
                row = mine.say_still_coming(session, booking_id, coming=False, actor=by)
            else:
                at_desk = desk.decline if command.action == "decline" else desk.cancel
                row = at_desk(session, booking_id, reason="bận", expected=version, actor=by)
        return ("done", row.state, row.version)

    def confirm(self, command: do.Confirm) -> Outcome:
        with self._opened("desk", command.booking) as (session, by):
            row = desk.confirm(
                session, self.ids[command.booking], expected=command.version, actor=by
            )
        return ("done", row.state, row.version)

    def move(self, command: do.Move) -> Outcome:
        with self._opened(command.by, command.booking) as (session, by):
            row = moving.reschedule(
                session,
                self.ids[command.booking],
                self.ids[command.slot],
                expected=command.version,
                actor=by,
            )
        return ("done", row.state, row.version)

    def propose(self, command: do.Propose) -> Outcome:
        with self._opened("desk", command.booking) as (session, by):
            row = moving.propose(
                session,
                self.ids[command.booking],
                self.ids[command.slot],
                until=self.began + command.until * MINUTE,
                expected=command.version,
                actor=by,
            )
        return ("done", row.state, row.version)

    def answer(self, command: do.Answer) -> Outcome:
        with self._opened(command.by, command.booking) as (session, by):
            row = moving.answer_proposal(
                session,
                self.ids[command.booking],
                accept=command.accept,
                expected=command.version,
                actor=by,
            )
        return ("done", row.state, row.version)

    def book_guest(self, command: do.BookGuest) -> Outcome:
        service = self.ids[SLOTS[command.slot].service]
        new = desk.GuestBooking(
            service_id=service, slot_id=self.ids[command.slot], full_name="Khách Thử"
        )
        with unit_of_work() as session:
            scope = open_facility(session, self._clerk.principal, FACILITY, roles=DESK)
            row = desk.book_guest(session, scope, new, actor=self._clerk_by)
        self.know(command.name, row.id)
        return ("done", row.state, row.version)

    @contextmanager
    def _opened(self, by: str, booking: str) -> Generator[tuple[Session, By]]:
        """A transaction in the scope of whoever does this: the desk, or one who may book."""
        with unit_of_work() as session:
            if by == "desk":
                open_facility(session, self._clerk.principal, FACILITY, roles=DESK)
                yield session, self._clerk_by
                return
            self._scope(session, by, booking.rpartition("/")[2])
            yield session, By(kind="citizen", id=self.citizens[by].account.id)

    def _principal_of(self, hold: str) -> Principal:
        return self.citizens[self.holders[hold]].principal


def _until_morning() -> timedelta:
    now = clock.now().astimezone(clock.VIETNAM)
    tomorrow = now.date() + timedelta(days=1)
    return datetime.combine(tomorrow, MORNING, clock.VIETNAM) - now


def _attempt(principal_id: UUID, route: str) -> Attempt:
    return Attempt(principal_id=principal_id, route=route, key=uuid4().hex, body=b"")


VERBS: dict[type[Command], Callable[[Clinic, Any], Outcome]] = {
    do.TakeHold: Clinic.take_hold,
    do.BookHold: Clinic.book_hold,
    do.Release: Clinic.release,
    do.Lapse: Clinic.lapse,
    do.Join: Clinic.join,
    do.Leave: Clinic.leave,
    do.Offer: Clinic.offer,
    do.End: Clinic.end,
    do.Confirm: Clinic.confirm,
    do.Move: Clinic.move,
    do.Propose: Clinic.propose,
    do.Answer: Clinic.answer,
    do.BookGuest: Clinic.book_guest,
}
