"""The one way in which a booking changes its state."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, BookingEvent
from phr_api.appointments.problems.bookings import StateChanged, WrongState
from phr_api.appointments.queries.bookings import get_booking
from phr_api.appointments.rules.states import By, State
from phr_api.appointments.service.seats import free_seat
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.notifications import Tell, tell

OPEN: frozenset[State] = frozenset({"requested", "confirmed"})

# What happened -> what is told to whoever may see the booking; the rest is told to nobody.
TELLS = {
    "requested": "booking.requested",
    "confirmed": "booking.confirmed",
    "declined": "booking.declined",
    "proposed": "booking.proposed",
    "moved": "booking.moved",
    "cancelled": "booking.cancelled",
    "no-show": "booking.no-show",
}
CANCELLED_BY_CLINIC = "booking.cancelled-by-clinic"
BY_SMS = frozenset({"confirmed", "declined", "proposed", "moved"})  # and what the clinic cancels
# what quiet hours hold back although a person did it; whatever the worker does by a rule, they do
CAN_WAIT = frozenset({"requested", "no-show"})
# news of a booking whose time has passed
TOLD_AFTERWARDS = timedelta(days=2)

NO_PROPOSAL: dict[str, None] = {
    "proposed_slot_id": None,
    "proposed_seat_no": None,
    "proposed_starts_at": None,
    "proposed_ends_at": None,
    "proposal_until": None,
    "proposal_by": None,
}

_WORDS = text("SELECT booking_words(:service, :starts)")
_REMIND = text("SELECT plan_reminders(:id, :starts, :asks, :at)")
_FORGET = text("DELETE FROM booking_due WHERE booking_id = :id")
_RESPOND_BY = text("SELECT respond_by(:at, :starts, :minutes, :lead)")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('booking/' || :who, 0))")


def transition(
    session: Session,
    booking_id: UUID,
    *,
    allowed: frozenset[State],
    expected: int | None,
    values: Mapping[str, Any],
    what: str,
    actor: By,
    note: str | None = None,
) -> Booking:
    """Change a booking that is in one of `allowed` and has version `expected`; compare and swap.

    Its event is written, and who has to know is told, in the same transaction. Raises NotFound,
    and StateChanged or WrongState with what it is now: two who change it at once meet at its row,
    and one of them wins. ISSUE 4 §2.
    """
    booking = get_booking(session, booking_id, is_locked=True)
    check_state(booking, allowed, expected)
    at, before = clock.now(), booking.state
    for name, value in values.items():
        setattr(booking, name, value)
    booking.version += 1
    if booking.state != before:
        booking.state_at = at
    session.add(_event(booking, before, what, actor, note, at))
    session.flush()  # the seats that are freed next are no longer this booking's
    if what in TELLS:
        kind = TELLS[what]
        if what == "cancelled" and actor.kind != "citizen":
            kind = CANCELLED_BY_CLINIC
        tell_of(
            session,
            booking,
            kind,
            note=note,
            by_sms=what in BY_SMS or kind == CANCELLED_BY_CLINIC,
            is_urgent=actor.kind != "worker" and what not in CAN_WAIT,
        )
    return booking


def check_state(booking: Booking, allowed: frozenset[State], expected: int | None) -> None:
    """Raise StateChanged when it is another version by now, WrongState when it allows this not."""
    is_other = expected not in {None, booking.version}
    if is_other or booking.state not in allowed:
        kind = StateChanged if is_other else WrongState
        raise kind(id=str(booking.id), state=booking.state, version=booking.version)


def tell_of(
    session: Session,
    booking: Booking,
    kind: str,
    *,
    note: str | None,
    by_sms: bool = False,
    is_urgent: bool = False,
) -> None:
    """Write news of this booking to its person, or its phone's account; guests are called."""
    if booking.profile_id is None and not booking.via_phone:
        return
    at, starts, more = clock.now(), booking.starts_at, {}
    ends = starts if starts > at else at + TOLD_AFTERWARDS
    if kind == "booking.proposed" and booking.proposed_starts_at and booking.proposal_until:
        starts = booking.proposed_starts_at
        more = {"until": booking.proposal_until.astimezone(clock.VIETNAM).isoformat()}
        ends = booking.proposal_until
    elif kind in {"booking.declined", CANCELLED_BY_CLINIC}:
        more = {"reason": note or ""}
    tell(
        session,
        Tell(
            category=kind.partition(".")[0],
            kind=kind,
            ref_kind="booking",
            ref_id=booking.id,
            profile_id=booking.profile_id,
            account_id=booking.account_id if booking.via_phone else None,
            via_phone=booking.via_phone,
            params=words_of(session, booking.service_id, starts) | more,
            classes=booking.classes,
            is_urgent=is_urgent,
            wants_sms=by_sms,
            expires_at=ends,
        ),
    )


def words_of(session: Session, service_id: UUID, starts: datetime) -> dict[str, str]:
    """Return service, facility and time as the words of news name them."""
    found: dict[str, str] = session.scalar(_WORDS, {"service": service_id, "starts": starts}) or {}
    return found


def lock_person(session: Session, booking: Booking) -> None:
    """Wait for others who take seats for the same person; before the booking's row is locked."""
    who = booking.profile_id or (booking.account_id if booking.via_phone else None)
    if who is not None:
        lock_people(session, [who])


def lock_people(session: Session, ids: Iterable[UUID]) -> None:
    """Wait for others who take seats for these people or phones' accounts, in order of id."""
    for who in sorted(ids):
        session.execute(_LOCK, {"who": str(who)})


def free_seats(session: Session, booking: Booking) -> None:
    """Give back the booking's seat, and the one of a proposal."""
    if booking.slot_id is not None and booking.seat_no is not None:
        free_seat(session, booking.slot_id, booking.seat_no, booking.id)
    free_proposed(session, booking)


def free_proposed(session: Session, booking: Booking) -> None:
    """Give back the seat of the booking's proposal, if it has one."""
    if booking.proposed_slot_id is not None and booking.proposed_seat_no is not None:
        free_seat(session, booking.proposed_slot_id, booking.proposed_seat_no, booking.id)


def plan_reminders(session: Session, booking: Booking, *, asks: bool) -> None:
    """Plan what is due before the booking, in place of what was planned."""
    values = {"id": booking.id, "starts": booking.starts_at, "asks": asks, "at": clock.now()}
    session.execute(_REMIND, values)


def forget_reminders(session: Session, booking_id: UUID) -> None:
    """Nothing is due before this booking any more."""
    session.execute(_FORGET, {"id": booking_id})


def respond_by(session: Session, starts: datetime, *, minutes: int, lead: int) -> datetime:
    """Return until when a request made now is answered; the rule is the SQL function's."""
    values = {"at": clock.now(), "starts": starts, "minutes": minutes, "lead": lead}
    found: datetime = session.execute(_RESPOND_BY, values).scalar_one()
    return found


def _event(
    booking: Booking, before: str, what: str, actor: By, note: str | None, at: datetime
) -> BookingEvent:
    return BookingEvent(
        id=new_row_id(),
        booking_id=booking.id,
        facility_code=booking.facility_code,
        profile_id=booking.profile_id,
        classes=booking.classes,
        at=at,
        from_state=before,
        to_state=booking.state,
        what=what,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        note=note,
    )
