"""The line on the day: numbers are given, called, skipped, brought back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Guest, QueueDay, Ticket
from phr_api.appointments.problems.queue import DayClosed
from phr_api.appointments.queries import line
from phr_api.appointments.rules.line import (
    AFTER_RETURN,
    IN_TIME,
    NO_PRIORITY,
    choose_priority,
    label_of,
    turn_of_booking,
)
from phr_api.appointments.rules.states import By, State
from phr_api.appointments.service.changing import transition
from phr_api.clinics import QueueRow
from phr_api.consent import FacilityScope
from phr_api.identity import display_name
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import InvalidRequest
from phr_api.notifications import Tell, tell
from phr_api.vocab import search_key

TOLD_OF_THE_NEXT = 3
NEWS_LIVES = timedelta(hours=2)
AT_THE_CLINIC: frozenset[State] = frozenset({"arrived", "in-room"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGuest:
    """Somebody without an account, by what they say of themselves."""

    full_name: str
    phone: str | None = None
    birth: str | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A number to be given now: for a booking, for a guest, or for nobody in particular."""

    source: str
    priority: str = NO_PRIORITY
    booking: Booking | None = None
    guest: NewGuest | None = None


def who(session: Session, scope: FacilityScope) -> By:
    """Return the member of staff who acts, by the name of their own membership."""
    account_id = cast("UUID", scope.actor.id)
    name = display_name(session, account_id, scope.facility_code)
    return By(kind="staff", id=account_id, name=name)


def issue(session: Session, scope: FacilityScope, queue: QueueRow, new: NewTicket) -> Ticket:
    """Give the next number of today's line. Raises DayClosed.

    The class is the desk's, who sees the document, or the age's, whichever goes first.
    """
    on, at = clock.today(), clock.now()
    (number,) = take_numbers(session, queue, on, 1)
    ticket = new_ticket(session, scope, queue, new, on=on, number=number, at=at)
    booking = new.booking
    if booking is not None:
        ticket.booking_id, ticket.classes = booking.id, list(booking.classes)
        ticket.profile_id, ticket.guest_id = booking.profile_id, booking.guest_id
        ticket.via_phone, ticket.account_id = booking.via_phone, booking.account_id
        if at <= booking.starts_at + IN_TIME:
            last = line.find_last_number(session, queue.id, on, before=booking.starts_at)
            ticket.turn = turn_of_booking(number, last_before_start=last)
    session.add(ticket)
    session.flush()  # the line is read again in this transaction
    return ticket


def new_ticket(
    session: Session,
    scope: FacilityScope,
    queue: QueueRow,
    new: NewTicket,
    *,
    on: date,
    number: int,
    at: datetime,
) -> Ticket:
    """Return a ticket that waits, with its class; its guest is saved, it is not."""
    guest = add_guest(session, scope, new.guest) if new.guest else None
    birth = guest.birth if guest else None
    if new.booking is not None:
        birth = line.find_birth(session, new.booking)
    classes = line.find_priorities(session)
    chosen = choose_priority(classes, stated=new.priority, birth=birth, on=on)
    return Ticket(
        id=new_row_id(),
        facility_code=scope.facility_code,
        queue_id=queue.id,
        on_date=on,
        number=number,
        guest_id=guest.id if guest else None,
        via_phone=False,
        classes=[],
        priority=chosen.code,
        rank=chosen.rank,
        state="waiting",
        source=new.source,
        turn=Decimal(number),
        created_at=at,
        calls=0,
        by_name=who(session, scope).name,
        version=1,
    )


def add_guest(session: Session, scope: FacilityScope, new: NewGuest) -> Guest:
    """Save a guest of this facility."""
    guest = Guest(
        id=new_row_id(),
        facility_code=scope.facility_code,
        full_name=new.full_name,
        search_key=search_key(new.full_name),
        phone=new.phone,
        birth=new.birth,
        sex=new.sex,
        created_by=scope.actor.id,
        created_at=clock.now(),
    )
    session.add(guest)
    session.flush()  # tickets are read together with their guests
    return guest


def take_numbers(session: Session, queue: QueueRow, on: date, count: int) -> range:
    """Take the next `count` numbers of a line; its row keeps others waiting until the commit.

    Raises DayClosed: a day that ended gives no more numbers. Whoever has locked a row of the day
    before has shared the day before that.
    """
    line.share_day(session, queue.facility_code, on)
    if line.is_closed(session, queue.facility_code, on):
        raise DayClosed
    row = insert(QueueDay).values(
        queue_id=queue.id,
        on_date=on,
        facility_code=queue.facility_code,
        next_number=1 + count,
        version=1,
    )
    taken = row.on_conflict_do_update(
        index_elements=["queue_id", "on_date"],
        set_={"next_number": QueueDay.next_number + count, "version": QueueDay.version + 1},
    ).returning(QueueDay.next_number)
    following = session.scalars(taken).one()
    return range(following - count, following)


def call_next(session: Session, scope: FacilityScope, queue: QueueRow, room: str) -> Ticket | None:
    """Call who is first in line into a room; None when nobody waits. The next ones are told.

    Raises InvalidRequest for a room that this line does not have.
    """
    if queue.rooms and room not in queue.rooms:
        raise InvalidRequest(errors={"json": {"room": ["No such room here."]}})
    on, at = clock.today(), clock.now()
    ticket = line.lock_first(session, queue.id, on)
    if ticket is None:
        return None
    ticket.state, ticket.room, ticket.called_at = "called", room, at
    ticket.calls += 1
    _touch(session, scope, ticket)
    session.flush()  # who is first now is read under it
    tell_the_next(session, queue, on)
    return ticket


def tell_the_next(session: Session, queue: QueueRow, on: date) -> None:
    """Tell those whose turn is near how many are before them, where there is somebody to tell."""
    expires = clock.now() + NEWS_LIVES
    first = line.find_first(session, queue.id, on, limit=TOLD_OF_THE_NEXT)
    news = [
        Tell(
            category="queue",
            kind="queue.near",
            ref_kind="booking",
            ref_id=ticket.booking_id,
            profile_id=ticket.profile_id,
            account_id=ticket.account_id if ticket.via_phone else None,
            via_phone=ticket.via_phone,
            classes=ticket.classes,
            params={"label": label_of(queue.prefix, ticket.number), "ahead": str(ahead)},
            expires_at=expires,
        )
        for ahead, ticket in enumerate(first)
        if ticket.booking_id is not None and (ticket.profile_id or ticket.via_phone)
    ]
    if news:
        tell(session, *news)


def skip(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    """Pass over somebody who did not answer the call."""
    ticket.state, ticket.room = "skipped", None
    _touch(session, scope, ticket)


def bring_back(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    """Let somebody who missed the call wait again: behind the next three of their rank."""
    called = select(func.max(Ticket.turn)).where(
        Ticket.queue_id == ticket.queue_id,
        Ticket.on_date == ticket.on_date,
        Ticket.rank == ticket.rank,
        Ticket.called_at.is_not(None),
    )
    ticket.turn = (session.scalar(called) or ticket.turn) + AFTER_RETURN
    ticket.state = "waiting"
    _touch(session, scope, ticket)


def move_to_room(session: Session, scope: FacilityScope, ticket: Ticket, room: str) -> None:
    """Send somebody to another room; who has been called is called there again."""
    ticket.room = room
    if ticket.state == "called":
        ticket.called_at = clock.now()
        ticket.calls += 1
    _touch(session, scope, ticket)


def move_to_queue(session: Session, scope: FacilityScope, ticket: Ticket, queue: QueueRow) -> None:
    """Send somebody to another line, where they get its next number. Raises DayClosed."""
    (number,) = take_numbers(session, queue, ticket.on_date, 1)
    ticket.queue_id, ticket.number, ticket.turn = queue.id, number, Decimal(number)
    ticket.state, ticket.room, ticket.called_at = "waiting", None, None
    _touch(session, scope, ticket)


def start(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    """Note that the person came in; their booking says so too. Raises StateChanged."""
    ticket.state = "in-room"
    _touch(session, scope, ticket)
    _follow(session, scope, ticket, allowed=frozenset({"arrived"}), state="in-room")


def finish(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    """Note that the person was seen; their booking says so too. Raises StateChanged."""
    ticket.state, ticket.done_at = "done", clock.now()
    _touch(session, scope, ticket)
    _follow(session, scope, ticket, allowed=AT_THE_CLINIC, state="done")


def leave(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    """Note that the person went away before their turn."""
    ticket.state, ticket.room = "left", None
    _touch(session, scope, ticket)


def _follow(
    session: Session,
    scope: FacilityScope,
    ticket: Ticket,
    *,
    allowed: frozenset[State],
    state: State,
) -> None:
    if ticket.booking_id is not None:
        transition(
            session,
            ticket.booking_id,
            allowed=allowed,
            expected=None,
            values={"state": state},
            what=state,
            actor=who(session, scope),
        )


def _touch(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
    ticket.version += 1
    ticket.by_name = who(session, scope).name
