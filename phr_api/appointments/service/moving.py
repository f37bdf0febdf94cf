"""Moving bookings to other times: by the person, or proposed by the clinic and answered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking
from phr_api.appointments.problems.bookings import (
    Overlapping,
    SameTime,
    SlotFull,
    SlotNotOpen,
    TooLate,
)
from phr_api.appointments.queries.bookings import get_booking
from phr_api.appointments.queries.slots import SlotRow, find_nearest_free, get_slot
from phr_api.appointments.rules.states import By
from phr_api.appointments.service.changing import (
    NO_PROPOSAL,
    OPEN,
    check_state,
    free_proposed,
    free_seats,
    lock_person,
    plan_reminders,
    respond_by,
    transition,
)
from phr_api.appointments.service.lateness import counts_as_late
from phr_api.appointments.service.refusals import raising, wire_slots
from phr_api.appointments.service.seats import free_seat, take_seat
from phr_api.kit import clock
from phr_api.kit.problems import InvalidRequest, NotFound

PROPOSAL_LASTS = timedelta(hours=48)
MOST_ALTERNATIVES = 2


def reschedule(
    session: Session, booking_id: UUID, slot_id: UUID, *, expected: int | None, actor: By
) -> Booking:
    """Take a seat of another time of the service and free the old one, in one transaction.

    It is requested anew unless the service confirms by itself. A late move counts as a late
    cancellation does: the old seat is as hard to give to somebody else. Raises StateChanged,
    TooLate when it has begun, SameTime for the slot that it has, NotFound or SlotNotOpen for the
    slot, SlotFull with alternatives (the old seat is kept), Overlapping with another booking of the
    person.
    """
    before = _locked(session, booking_id, expected)
    at = clock.now()
    if before.starts_at <= at:
        raise TooLate
    if slot_id == before.slot_id:
        raise SameTime
    slot = _open_slot(session, before, slot_id, at)
    service = clinics.find_service(session, before.service_id)
    if service is None:
        raise NotFound
    seat_no = _take(session, before, slot)
    free_seats(session, before)
    is_sure = service.confirms_itself
    minutes, lead = service.respond_minutes, service.lead_minutes
    values: dict[str, Any] = {
        "state": "confirmed" if is_sure else "requested",
        "respond_by": None
        if is_sure
        else respond_by(session, slot.starts_at, minutes=minutes, lead=lead),
        "desk_reminded_at": None,
        "state_at": at,  # the clinic is asked anew
        "still_coming": None,
        "is_late": counts_as_late(session, before, notice_minutes=service.cancel_minutes),
    }
    moved = transition(
        session,
        booking_id,
        allowed=OPEN,
        expected=expected,
        values=values | _at(slot, seat_no, before),
        what="moved" if is_sure else "requested",
        actor=actor,
    )
    plan_reminders(session, moved, asks=service.asks_still_coming)
    return moved


def propose(
    session: Session,
    booking_id: UUID,
    slot_id: UUID,
    *,
    until: datetime | None,
    expected: int | None,
    actor: By,
    by: str = "clinic",
) -> Booking:
    """Propose another time of the service: both seats are kept until it is answered or lapses.

    At most 48 hours, and before either time; an earlier proposal is replaced. Raises StateChanged,
    InvalidRequest for an `until` that has passed, TooLate, SameTime, NotFound, SlotNotOpen,
    SlotFull, Overlapping.
    """
    before = _locked(session, booking_id, expected)
    at = clock.now()
    slot = get_slot(session, slot_id)
    if slot.service_id != before.service_id:
        raise NotFound
    if slot.id == before.slot_id:
        raise SameTime
    if slot.status != "open":
        raise SlotNotOpen
    if until is not None and until <= at:
        raise InvalidRequest(errors={"json": {"until": ["Not in the past."]}})
    ends = min(until or at + PROPOSAL_LASTS, at + PROPOSAL_LASTS, before.starts_at, slot.starts_at)
    if ends <= at:
        raise TooLate
    free_proposed(session, before)
    seat_no = _take(session, before, slot)
    return transition(
        session,
        booking_id,
        allowed=OPEN,
        expected=expected,
        values={
            "proposed_slot_id": slot.id,
            "proposed_seat_no": seat_no,
            "proposed_starts_at": slot.starts_at,
            "proposed_ends_at": slot.ends_at,
            "proposal_until": ends,
            "proposal_by": by,
        },
        what="proposed",
        actor=actor,
    )


def answer_proposal(
    session: Session, booking_id: UUID, *, accept: bool, expected: int | None, actor: By
) -> Booking:
    """Move to the proposed time, or keep the old one.

    Raises StateChanged, TooLate, SlotNotOpen when the clinic closed that time meanwhile.
    """
    before = _locked(session, booking_id, expected)
    is_open = before.proposal_until is not None and before.proposal_until > clock.now()
    if not is_open:
        raise TooLate
    if not accept:
        return drop_proposal(session, before, what="proposal-refused", actor=actor)
    if before.proposed_slot_id is None or (
        get_slot(session, before.proposed_slot_id).status != "open"
    ):
        raise SlotNotOpen
    if before.slot_id is not None and before.seat_no is not None:
        free_seat(session, before.slot_id, before.seat_no, before.id)
    service = clinics.find_service(session, before.service_id)
    moved = transition(
        session,
        booking_id,
        allowed=OPEN,
        expected=expected,
        values={
            "state": "confirmed",
            "respond_by": None,
            "slot_id": before.proposed_slot_id,
            "seat_no": before.proposed_seat_no,
            "starts_at": before.proposed_starts_at,
            "ends_at": before.proposed_ends_at,
            "sequence": before.sequence + 1,
            "still_coming": None,
            "alternatives": [],
            **NO_PROPOSAL,
        },
        what="moved",
        actor=actor,
    )
    plan_reminders(session, moved, asks=bool(service and service.asks_still_coming))
    return moved


def drop_proposal(session: Session, booking: Booking, *, what: str, actor: By) -> Booking:
    """End a proposal without a move: its seat is free, the booking, locked, stays where it is.

    A request asks the clinic anew, with all its time to answer.
    """
    free_proposed(session, booking)
    asked = _asked_anew(session, booking) if booking.state == "requested" else {}
    return transition(
        session,
        booking.id,
        allowed=frozenset({booking.state}),  # type: ignore[arg-type]  # whatever it is
        expected=booking.version,
        values=NO_PROPOSAL | asked,
        what=what,
        actor=actor,
    )


def _asked_anew(session: Session, booking: Booking) -> dict[str, Any]:
    service = clinics.find_service(session, booking.service_id)
    if service is None:
        raise NotFound
    until = respond_by(
        session, booking.starts_at, minutes=service.respond_minutes, lead=service.lead_minutes
    )
    return {"respond_by": until, "desk_reminded_at": None, "state_at": clock.now()}


def offer_alternatives(session: Session, booking: Booking, slots: Sequence[SlotRow]) -> bool:
    """Propose the first of `slots` that has a seat, name the next two; whether there was one.

    For a replan: the booking keeps its seat until the person answers. Slots in which the person
    has another booking are passed by.
    """
    for place, slot in enumerate(slots):
        try:
            with session.begin_nested():
                found = propose(
                    session,
                    booking.id,
                    slot.id,
                    until=None,
                    expected=None,
                    actor=By(kind="worker"),
                    by="replan",
                )
        except (Overlapping, SlotFull, SlotNotOpen, TooLate):
            continue
        found.alternatives = [each.id for each in slots[place + 1 :][:MOST_ALTERNATIVES]]
        session.flush()  # the booking is read by SQL next
        return True
    return False


def _locked(session: Session, booking_id: UUID, expected: int | None) -> Booking:
    """The booking, after its person and its row are locked, if it is still open and as expected."""
    lock_person(session, get_booking(session, booking_id))
    booking = get_booking(session, booking_id, is_locked=True)
    check_state(booking, OPEN, expected)
    return booking


def _open_slot(session: Session, booking: Booking, slot_id: UUID, at: datetime) -> SlotRow:
    slot = get_slot(session, slot_id)
    if slot.service_id != booking.service_id:
        raise NotFound
    if slot.status != "open" or not slot.opens_at <= at < slot.closes_at:
        raise SlotNotOpen(opensAt=slot.opens_at.astimezone(clock.VIETNAM).isoformat())
    return slot


def _take(session: Session, booking: Booking, slot: SlotRow) -> int:
    """A seat of the slot for this booking beside the one that it has, or SlotFull, Overlapping."""
    with raising():
        seat_no = take_seat(
            session,
            slot.id,
            booking.id,
            profile_id=booking.profile_id,
            account_id=booking.account_id,
        )
    if seat_no is None:
        free = find_nearest_free(session, slot, at=clock.now(), but=booking.slot_id)
        raise SlotFull(alternatives=wire_slots(free))
    return seat_no


def _at(slot: SlotRow, seat_no: int, before: Booking) -> dict[str, Any]:
    return {
        "slot_id": slot.id,
        "seat_no": seat_no,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "sequence": before.sequence + 1,
        "alternatives": [],
        **NO_PROPOSAL,
    }
