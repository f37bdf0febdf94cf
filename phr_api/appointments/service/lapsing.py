"""Giving held seats back: by whoever holds them, or by the worker when their time is over."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.appointments.models import Booking, Hold, WaitlistEntry
from phr_api.appointments.service.holds import open_account
from phr_api.appointments.service.refusals import raising
from phr_api.appointments.service.seats import free_seat
from phr_api.consent import refuse
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.problems import NotFound

BATCH = 100
MOST_OFFERS = 2

_OPEN = text("SELECT relation FROM open_for_booking(:account, :session, :person, :at)")
_OPEN_OFFER = text("SELECT person, relation FROM open_offer(:account, :session, :hold, :at)")


def release(session: Session, principal: Principal, hold_id: UUID) -> None:
    """Give back a hold of the caller's, or decline an offer to somebody they may book for.

    Raises NotFound when it is none such, or not open. A declined offer goes to the next in line.
    """
    account_id = open_account(session, principal)
    at = clock.now()
    who = {"account": account_id, "session": principal.session_id, "at": at}
    row = _lock_open(session, hold_id)
    if row is None:
        _decline(session, principal, hold_id, at)
        return
    people: list[UUID | None] = [*row.people] or [None]
    for person in people:
        with raising():
            session.execute(_OPEN, who | {"person": person})
        give_back(session, row)
    row.released_at = at


def _decline(session: Session, principal: Principal, hold_id: UUID, at: datetime) -> None:
    who = {"account": principal.account_id, "session": principal.session_id}
    try:
        with raising():
            opened = session.execute(_OPEN_OFFER, who | {"hold": hold_id, "at": at}).one()
    except NotFound:
        refuse(principal.actor, action="waitlist.decline", profile_id=None)
    row = _lock_open(session, hold_id)
    if row is None:
        raise NotFound
    give_back(session, row)
    row.released_at = at
    if opened.relation == "carer":
        audit.record(session, principal.actor, action="waitlist.decline", subjects=[opened.person])


def _lock_open(session: Session, hold_id: UUID) -> Hold | None:
    """The hold in scope, if it is still open, until the transaction ends."""
    query = select(Hold).where(
        Hold.id == hold_id, Hold.booked_at.is_(None), Hold.released_at.is_(None)
    )
    return session.scalar(query.with_for_update())


def lapse_holds(session: Session, at: datetime) -> bool:
    """Free the seats of holds and offers whose time is over; whether there were any."""
    due = session.scalars(
        select(Hold)
        .where(Hold.expires_at <= at, Hold.booked_at.is_(None), Hold.released_at.is_(None))
        .order_by(Hold.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for row in due:
        give_back(session, row)
        row.released_at = at
        session.flush()  # one after the other: the seats of the first may be offered on
    return bool(due)


def give_back(session: Session, row: Hold) -> None:
    """Delete the held bookings that are in scope and free their seats; the offer's entry waits."""
    if row.waitlist_entry_id is not None:
        _end_offer(session, row.waitlist_entry_id)
    gone = session.execute(
        delete(Booking)
        .where(Booking.hold_id == row.id, Booking.state == "held")
        .returning(Booking.id, Booking.slot_id, Booking.seat_no)
    ).all()
    for booking_id, slot_id, seat_no in gone:
        assert slot_id is not None and seat_no is not None  # noqa: S101, PT018 - ck_booking_needs_seat
        free_seat(session, slot_id, seat_no, booking_id)


def _end_offer(session: Session, entry_id: UUID) -> None:
    """An unanswered offer keeps its place in the line once; after the second the place is lost."""
    entry = session.scalar(
        select(WaitlistEntry).where(WaitlistEntry.id == entry_id).with_for_update()
    )
    if entry is None or entry.state != "offered":
        return
    entry.state = "passed" if entry.offers >= MOST_OFFERS else "waiting"
    entry.hold_id = None
    entry.offer_until = None
    entry.version += 1
