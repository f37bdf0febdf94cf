"""What becomes due for bookings: the worker's steps, each `(session, at)`, in batches.

A booking's row is locked before anything that hangs on it, as everybody else does, and one that
somebody works on is passed by until the next time.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, select, text
from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking, BookingDue
from phr_api.appointments.queries.slots import find_next_free, is_open
from phr_api.appointments.rules.states import By
from phr_api.appointments.service.changing import tell_of, transition
from phr_api.appointments.service.desk import CONFIRMED, confirm, decline
from phr_api.appointments.service.moving import drop_proposal

BATCH = 100
WORKER = By(kind="worker")
NO_ANSWER = "Cơ sở không trả lời kịp thời / No answer in time"

REMINDERS = {
    "remind-day": "reminder.day",
    "remind-2h": "reminder.two-hours",
    "still-coming": "reminder.still-coming",
}

# half of the time to answer has passed: the desk's list marks it
_REMIND_DESKS = text(
    "UPDATE booking SET desk_reminded_at = :at WHERE id IN (SELECT b.id FROM booking b"
    " WHERE b.state = 'requested' AND b.desk_reminded_at IS NULL AND b.proposal_until IS NULL"
    " AND b.respond_by - (b.respond_by - b.state_at) / 2 <= :at"
    " ORDER BY b.respond_by LIMIT :batch FOR UPDATE SKIP LOCKED)"
)


def lapse_proposals(session: Session, at: datetime) -> bool:
    """End proposals that nobody answered: their seats are free, the bookings stay where they are.

    One of a replan stays too, with its seat of the closed slot: the desk calls.
    """
    due = _locked(session, select(Booking).where(Booking.proposal_until <= at))
    for booking in due:
        drop_proposal(session, booking, what="proposal-lapsed", actor=WORKER)
    return bool(due)


def remind_desks(session: Session, at: datetime) -> bool:
    """Mark requests of whose time to answer half has passed; whether there were any."""
    marked = session.execute(_REMIND_DESKS, {"at": at, "batch": BATCH})
    return bool(marked.rowcount)  # type: ignore[attr-defined]


def answer_unanswered(session: Session, at: datetime) -> bool:
    """Answer requests in the clinic's place, as the service's rule says.

    A refusal names the next three free times, and is the answer for a time that the clinic closed
    or that has begun, as when a proposal lapsed with it. A proposal is the clinic's answer: while
    it is open the person's is awaited.
    """
    unanswered = select(Booking).where(
        Booking.state == "requested", Booking.respond_by <= at, Booking.proposal_until.is_(None)
    )
    due = _locked(session, unanswered)
    services = clinics.find_services(session, {booking.service_id for booking in due})
    for booking in due:
        confirms = services[booking.service_id].when_unanswered == "confirm"
        if confirms and booking.starts_at > at and is_open(session, booking.slot_id):
            confirm(session, booking.id, expected=booking.version, actor=WORKER)
            continue
        free = find_next_free(session, booking.service_id, after=at, at=at)
        decline(
            session,
            booking.id,
            reason=NO_ANSWER,
            expected=booking.version,
            actor=WORKER,
            alternatives=[slot.id for slot in free],
        )
    return bool(due)


def send_due(session: Session, at: datetime) -> bool:
    """Remind of confirmed bookings, and ask who is still coming; other states need none."""
    due = session.execute(
        select(BookingDue.booking_id, BookingDue.what)
        .where(BookingDue.due_at <= at)
        .order_by(BookingDue.due_at)
        .limit(BATCH)
    ).all()
    done = [_remind(session, booking_id, what, at) for booking_id, what in due]
    return any(done)


def _remind(session: Session, booking_id: UUID, what: str, at: datetime) -> bool:
    found = _locked(session, select(Booking).where(Booking.id == booking_id))
    exists = session.scalar(select(Booking.id).where(Booking.id == booking_id)) is not None
    if not found and exists:
        return False  # somebody is at it: the next time
    gone = session.execute(
        delete(BookingDue)
        .where(BookingDue.booking_id == booking_id, BookingDue.what == what)
        .where(BookingDue.due_at <= at)
        .returning(BookingDue.what)
    ).all()
    if not gone or not found or found[0].state != "confirmed" or found[0].starts_at <= at:
        return bool(gone)
    booking = found[0]
    if what == "still-coming":
        booking = transition(
            session,
            booking.id,
            allowed=CONFIRMED,
            expected=None,
            values={"still_coming": "asked"},
            what="asked",
            actor=WORKER,
        )
    tell_of(session, booking, REMINDERS[what], note=None)
    return True


def _locked(session: Session, query: Select[Booking]) -> list[Booking]:
    """A batch of these bookings, none of them in anybody else's hands."""
    query = query.limit(BATCH).with_for_update(skip_locked=True)
    return list(session.scalars(query.execution_options(populate_existing=True)))
