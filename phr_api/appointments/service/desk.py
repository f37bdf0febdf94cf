"""What a clinic's desk does with bookings: confirm, decline, cancel, not come, book for a guest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking, BookingEvent, Guest
from phr_api.appointments.problems.bookings import SlotFull, SlotNotOpen, StateChanged, TooEarly
from phr_api.appointments.queries.bookings import find_bookings, get_booking
from phr_api.appointments.queries.slots import get_slot
from phr_api.appointments.rules.states import By, State
from phr_api.appointments.service.changing import (
    NO_PROPOSAL,
    OPEN,
    forget_reminders,
    free_proposed,
    free_seats,
    transition,
)
from phr_api.appointments.service.seats import take_seat
from phr_api.consent import FacilityScope
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotFound
from phr_api.vocab import search_key

REQUESTED: frozenset[State] = frozenset({"requested"})
CONFIRMED: frozenset[State] = frozenset({"confirmed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestBooking:
    """Somebody without an account, and the time that they get."""

    service_id: UUID
    slot_id: UUID
    full_name: str
    phone: str | None = None
    birth: str | None = None
    sex: str | None = None
    reason: str | None = None


def start_of_today() -> datetime:
    """The moment from which on a desk sees bookings (R7)."""
    return datetime.combine(clock.today(), time(), clock.VIETNAM)


def get_at_desk(session: Session, booking_id: UUID) -> Booking:
    """Return a booking of today or later of the facility in scope, or raise NotFound (R7)."""
    booking = get_booking(session, booking_id)
    if booking.starts_at < start_of_today():
        raise NotFound
    return booking


def confirm(session: Session, booking_id: UUID, *, expected: int | None, actor: By) -> Booking:
    """Confirm a request; a proposal that waits beside it is withdrawn. Raises StateChanged."""
    before = get_booking(session, booking_id, is_locked=True)
    free_proposed(session, before)
    return transition(
        session,
        booking_id,
        allowed=REQUESTED,
        expected=expected,
        values={
            "state": "confirmed",
            "respond_by": None,
            "sequence": before.sequence + 1,
            **NO_PROPOSAL,
        },
        what="confirmed",
        actor=actor,
    )


def confirm_all(
    session: Session, items: Sequence[tuple[UUID, int]], *, actor: By
) -> list[dict[str, Any]]:
    """Confirm many requests, each on its own; returns an outcome a row, in the order asked.

    One of a day that is over is not found, as when it is read (R7).
    Worked on in the order of ids, so that two desks with the same rows do not block each other.
    """
    outcomes: dict[tuple[UUID, int], tuple[str, str | None, int | None]] = {}
    for booking_id, version in sorted(set(items)):
        try:
            with session.begin_nested():
                get_at_desk(session, booking_id)
                booking = confirm(session, booking_id, expected=version, actor=actor)
            outcomes[booking_id, version] = ("confirmed", booking.state, booking.version)
        except StateChanged as lost:
            now = lost.extensions
            outcomes[booking_id, version] = ("state-changed", now["state"], now["version"])
        except NotFound:
            outcomes[booking_id, version] = ("not-found", None, None)
    return [
        dict(zip(("id", "outcome", "state", "version"), (item[0], *outcomes[item]), strict=True))
        for item in items
    ]


def tell_outcomes(
    session: Session, items: Sequence[tuple[UUID, int]], outcomes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what became of each of these requests then, with its state and version as it is now.

    One of a day that is over by now has none (R7).
    """
    found = find_bookings(session, [booking_id for booking_id, _ in items])
    seen = {key: row for key, row in found.items() if row.starts_at >= start_of_today()}
    rows = []
    for (booking_id, _), outcome in zip(items, outcomes, strict=True):
        now = seen.get(booking_id) if outcome != "not-found" else None
        row = {"id": booking_id, "outcome": outcome}
        rows.append(row | {"state": now and now.state, "version": now and now.version})
    return rows


def decline(
    session: Session,
    booking_id: UUID,
    *,
    reason: str,
    expected: int | None,
    actor: By,
    alternatives: Sequence[UUID] = (),
) -> Booking:
    """Decline a request with a reason; its seats are free. Raises StateChanged."""
    return end_booking(
        session,
        booking_id,
        allowed=REQUESTED,
        expected=expected,
        values={
            "state": "declined",
            "declined_reason": reason,
            "alternatives": list(alternatives),
        },
        what="declined",
        actor=actor,
        note=reason,
    )


def cancel(
    session: Session, booking_id: UUID, *, reason: str, expected: int | None, actor: By
) -> Booking:
    """Cancel a booking from the clinic's side; never late. Raises StateChanged."""
    return end_booking(
        session,
        booking_id,
        allowed=OPEN,
        expected=expected,
        values={"state": "cancelled", "cancelled_by": actor.kind},
        what="cancelled",
        actor=actor,
        note=reason,
    )


def mark_no_show(session: Session, booking_id: UUID, *, expected: int | None, actor: By) -> Booking:
    """Note that a person with a confirmed booking did not come; the seat stays theirs.

    Raises StateChanged, and TooEarly before the booking has begun.
    """
    if get_booking(session, booking_id, is_locked=True).starts_at > clock.now():
        raise TooEarly
    return transition(
        session,
        booking_id,
        allowed=CONFIRMED,
        expected=expected,
        values={"state": "no-show"},
        what="no-show",
        actor=actor,
    )


def end_booking(
    session: Session, booking_id: UUID, *, values: dict[str, Any], **rest: Any
) -> Booking:
    """Change to a state without a seat: seats, proposal and reminders go."""
    before = get_booking(session, booking_id, is_locked=True)
    free_seats(session, before)
    changed = transition(
        session,
        booking_id,
        values=values | {"sequence": before.sequence + 1, "respond_by": None} | NO_PROPOSAL,
        **rest,
    )
    forget_reminders(session, booking_id)
    return changed


def book_guest(session: Session, scope: FacilityScope, new: GuestBooking, *, actor: By) -> Booking:
    """Book a time for somebody without an account; it is confirmed at once.

    Raises NotFound, SlotNotOpen when it is closed or has begun, SlotFull.
    """
    slot, at = get_slot(session, new.slot_id), clock.now()
    service = clinics.find_service(session, new.service_id)
    if service is None or slot.service_id != service.id:
        raise NotFound
    if service.facility_code != scope.facility_code:
        raise NotFound
    if slot.status != "open" or slot.starts_at <= at:
        raise SlotNotOpen
    guest = Guest(
        id=new_row_id(),
        facility_code=scope.facility_code,
        full_name=new.full_name,
        search_key=search_key(new.full_name),
        phone=new.phone,
        birth=new.birth,
        sex=new.sex,
        created_by=scope.actor.id,
        created_at=at,
    )
    session.add(guest)
    session.flush()  # the booking's foreign key
    booking_id = new_row_id()
    seat_no = take_seat(session, slot.id, booking_id, profile_id=None, account_id=None)
    if seat_no is None:
        raise SlotFull
    booking = Booking(
        id=booking_id,
        facility_code=scope.facility_code,
        service_id=service.id,
        guest_id=guest.id,
        slot_id=slot.id,
        seat_no=seat_no,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state="confirmed",
        reason=new.reason,
        classes=service.classes,
        source="desk",
        created_at=at,
        state_at=at,
    )
    session.add(booking)
    session.add(_booked_by_desk(booking, actor))
    session.flush()  # whoever made it reads it as it is
    return booking


def _booked_by_desk(booking: Booking, actor: By) -> BookingEvent:
    return BookingEvent(
        id=new_row_id(),
        booking_id=booking.id,
        facility_code=booking.facility_code,
        classes=booking.classes,
        at=booking.created_at,
        to_state=booking.state,
        what="booked-by-desk",
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
    )
