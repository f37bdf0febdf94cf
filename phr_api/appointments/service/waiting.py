"""The waitlist: one offer at a time, in the order of coming, never at night, next in line at once.

A seat that is freed while somebody waits for such a time is kept for the line (`for_waitlist`)
until it was offered to all whom it fits; then it is everybody's.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking, Hold, Seat, Slot, WaitlistEntry
from phr_api.appointments.problems.bookings import (
    HoldExists,
    NoWaitlist,
    Overlapping,
    QuotaReached,
    RoomLeft,
    TooLate,
)
from phr_api.appointments.queries.slots import NOON, find_free_on_days
from phr_api.appointments.queries.waiting import LIVE, get_entry
from phr_api.appointments.service.changing import words_of
from phr_api.appointments.service.lapsing import give_back
from phr_api.appointments.service.refusals import raising, wire_slots
from phr_api.appointments.service.seats import take_seat
from phr_api.consent import RecordScope
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import InvalidRequest, NotFound
from phr_api.notifications import Tell, tell
from phr_api.vocab import Section

NIGHT_FROM, NIGHT_UNTIL = time(21), time(7)
LONGEST = timedelta(days=180)
BATCH = 50

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended('booking/' || :who, 0))")
_PERSON = text("SELECT full_name, birth, sex FROM profile WHERE id = :id")
_IS_AWAITED = text("SELECT is_awaited(:service, :starts)")
_QUOTA = text(
    "SELECT check_quota(NULL, :person, v, :at) FROM clinic_service v WHERE v.id = :service"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """Which service, on which days, at what part of them."""

    service_id: UUID
    from_on: date
    until_on: date
    part_of_day: str = "any"


def join(session: Session, scope: RecordScope, new: NewEntry) -> WaitlistEntry:
    """Put the person in the line of a service.

    Raises NotFound for a service that is none or is not for this view (R18), NoWaitlist,
    InvalidRequest for days that are over, OnWaitlist, QuotaReached: an offer could not be booked.
    """
    service = clinics.find_service(session, new.service_id)
    if service is None or service.ended_at is not None:
        raise NotFound
    if not set(service.classes) <= scope.classes:
        raise NotFound
    if not service.has_waitlist:
        raise NoWaitlist
    today = clock.today()
    if not today <= new.until_on <= today + LONGEST or new.until_on < new.from_on:
        raise InvalidRequest(errors={"json": {"untilOn": ["Within 180 days, after fromOn."]}})
    entry = WaitlistEntry(
        id=new_row_id(),
        profile_id=scope.profile_id,
        account_id=scope.actor.id,
        facility_code=service.facility_code,
        service_id=service.id,
        from_on=new.from_on,
        until_on=new.until_on,
        part_of_day=new.part_of_day,
        classes=service.classes,
        state="waiting",
        created_at=clock.now(),
    )
    session.add(entry)
    with raising():
        _check_quota(session, entry)
        session.flush()  # the unique index says whether the person is in this line already
    return entry


def check_full(session: Session, new: NewEntry) -> None:
    """Raise RoomLeft with times that can be booked now: the line is asked of freed seats alone."""
    days = (new.from_on, new.until_on)
    free = find_free_on_days(session, new.service_id, days, new.part_of_day, at=clock.now())
    if free:
        raise RoomLeft(alternatives=wire_slots(free))


def _check_quota(session: Session, entry: WaitlistEntry) -> None:
    asked = {"person": entry.profile_id, "service": entry.service_id, "at": clock.now()}
    session.execute(_QUOTA, asked)


def leave(session: Session, scope: RecordScope, entry_id: UUID) -> None:
    """Leave the line; an open offer is declined. Raises NotFound, TooLate when just taken."""
    entry = get_entry(session, entry_id)
    if entry.profile_id != scope.profile_id or entry.state not in LIVE:
        raise NotFound
    if entry.hold_id is not None:
        # the hold first, as everybody locks them
        offer = session.scalar(select(Hold).where(Hold.id == entry.hold_id).with_for_update())
        if offer is None or offer.booked_at is not None:
            raise TooLate
        if offer.released_at is None:
            give_back(session, offer)
            offer.released_at = clock.now()
    entry = session.scalars(
        select(WaitlistEntry)
        .where(WaitlistEntry.id == entry_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if entry.state not in {"waiting", "passed"}:
        raise TooLate  # an offer was made, or taken, meanwhile
    entry.state = "left"
    entry.version += 1
    session.flush()  # the seat that was freed looks for the next in line


def end_entries(session: Session, at: datetime) -> bool:
    """End the waiting for days that are over."""
    today = at.astimezone(clock.VIETNAM).date()
    over = (
        update(WaitlistEntry)
        .where(WaitlistEntry.state == "waiting", WaitlistEntry.until_on < today)
        .values(state="ended", version=WaitlistEntry.version + 1)
    )
    return bool(session.execute(over).rowcount)  # type: ignore[attr-defined]


class Answer(Enum):
    """What came of asking the line."""

    OFFERED = auto()
    NOBODY = auto()
    BUSY = auto()


def offer_freed(session: Session, at: datetime) -> bool:
    """Offer each seat kept for the line to the next whom it fits, or give it to everybody.

    At night the line is left in peace; a seat that would be too late in the morning, or that nobody
    waits for any more, is everybody's.
    """
    free = session.execute(
        select(Seat, Slot)
        .join(Slot, Slot.id == Seat.slot_id)
        .where(Seat.booking_id.is_(None), Seat.for_waitlist)
        .order_by(Slot.starts_at, Seat.seat_no)
        .limit(BATCH)
        .with_for_update(of=Seat, skip_locked=True)
    ).all()
    services = clinics.find_services(session, {slot.service_id for _, slot in free})
    done = False
    for seat, slot in free:
        service = services[slot.service_id]
        ends = _asked_until(at, slot.starts_at, service.lead_minutes, service.offer_minutes)
        if ends is not None and ends <= at and _is_awaited(session, slot):
            continue  # it is night, and morning is soon enough
        if slot.status != "open" or ends is None or ends <= at:
            answer = Answer.NOBODY
        else:
            answer = _offer(session, slot, at, ends)
        if answer is Answer.BUSY:
            continue  # somebody in line books at this moment: the next turn asks again
        if answer is Answer.NOBODY:
            seat.for_waitlist = False
            session.flush()  # a seat that is everybody's
        done = True
    return done


def _is_awaited(session: Session, slot: Slot) -> bool:
    asked = {"service": slot.service_id, "starts": slot.starts_at}
    return bool(session.scalar(_IS_AWAITED, asked))


def _asked_until(at: datetime, starts: datetime, lead: int, minutes: int) -> datetime | None:
    """Until when an offer made now is kept; `at` itself at night; None when there is no time."""
    local = at.astimezone(clock.VIETNAM)
    asked = at
    if local.time() >= NIGHT_FROM or local.time() < NIGHT_UNTIL:
        day = local.date() + timedelta(days=local.time() >= NIGHT_FROM)
        asked = datetime.combine(day, NIGHT_UNTIL, clock.VIETNAM)
    if asked + timedelta(minutes=minutes) > starts - timedelta(minutes=lead):
        return None
    return at if asked != at else at + timedelta(minutes=minutes)


def _offer(session: Session, slot: Slot, at: datetime, ends: datetime) -> Answer:
    """Offer a seat of this slot to the next in line whom it fits.

    Whoever is at work on their place in line, or on a booking, is not passed by: BUSY.
    """
    local = slot.starts_at.astimezone(clock.VIETNAM)
    part = "morning" if local.hour < NOON else "afternoon"
    waiting = (
        select(WaitlistEntry)
        .where(
            WaitlistEntry.service_id == slot.service_id,
            WaitlistEntry.state == "waiting",
            WaitlistEntry.from_on <= local.date(),
            WaitlistEntry.until_on >= local.date(),
            WaitlistEntry.part_of_day.in_(["any", part]),
        )
        # who let an offer pass keeps the place, behind those who were not asked yet
        .order_by(WaitlistEntry.offers, WaitlistEntry.place)
        .limit(BATCH)
    )
    line = session.scalars(waiting.with_for_update(skip_locked=True)).all()
    if len(line) < session.scalars(select(func.count()).select_from(waiting.subquery())).one():
        return Answer.BUSY
    for entry in line:
        answer = _offer_to(session, entry, slot, at, ends)
        if answer is not Answer.NOBODY:
            return answer
    return Answer.NOBODY


def _offer_to(
    session: Session, entry: WaitlistEntry, slot: Slot, at: datetime, ends: datetime
) -> Answer:
    """Hold the seat for this person and tell them.

    NOBODY when they hold or have one then, or have as many bookings as they may.
    """
    if not session.scalar(_TRY, {"who": str(entry.profile_id)}):
        return Answer.BUSY
    try:
        with session.begin_nested(), raising():
            is_held = _hold_for(session, entry, slot, at, ends)
    except (HoldExists, Overlapping, QuotaReached):
        is_held = False
    return Answer.OFFERED if is_held else Answer.NOBODY


def _hold_for(
    session: Session, entry: WaitlistEntry, slot: Slot, at: datetime, ends: datetime
) -> bool:
    held = select(func.count()).where(
        Booking.profile_id == entry.profile_id,
        Booking.service_id == slot.service_id,
        Booking.state == "held",
    )
    if session.scalar(held):
        return False
    _check_quota(session, entry)
    hold_id, booking_id = new_row_id(), new_row_id()
    seat_no = take_seat(
        session,
        slot.id,
        booking_id,
        profile_id=entry.profile_id,
        account_id=None,
        from_waitlist=True,
    )
    if seat_no is None:
        return False
    _write_offer(session, entry, slot, (hold_id, booking_id, seat_no), at, ends)
    entry.state, entry.hold_id, entry.offer_until = "offered", hold_id, ends
    entry.offers += 1
    entry.version += 1
    session.flush()  # the indexes have their say inside the savepoint
    _tell(session, entry, slot, hold_id, ends)
    return True


def _write_offer(
    session: Session,
    entry: WaitlistEntry,
    slot: Slot,
    made: tuple[UUID, UUID, int],
    at: datetime,
    ends: datetime,
) -> None:
    """The hold and the held booking of an offer: no account's, until one that may takes it.

    The person's name is read in their scope.
    """
    hold_id, booking_id, seat_no = made
    set_scope(
        session, profile_id=entry.profile_id, sections=[Section.PROFILE], classes=entry.classes
    )
    person = session.execute(_PERSON, {"id": entry.profile_id}).one()
    session.add(
        Hold(
            id=hold_id,
            facility_code=slot.facility_code,
            service_id=slot.service_id,
            kind="offer",
            people=[entry.profile_id],
            waitlist_entry_id=entry.id,
            created_at=at,
            expires_at=ends,
        )
    )
    session.add(
        Booking(
            id=booking_id,
            hold_id=hold_id,
            facility_code=slot.facility_code,
            service_id=slot.service_id,
            profile_id=entry.profile_id,
            person_name=person.full_name,
            person_birth=person.birth,
            person_sex=person.sex,
            slot_id=slot.id,
            seat_no=seat_no,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            state="held",
            classes=entry.classes,
            source="waitlist",
            created_at=at,
            state_at=at,
        )
    )


def _tell(
    session: Session, entry: WaitlistEntry, slot: Slot, hold_id: UUID, ends: datetime
) -> None:
    until = {"until": ends.astimezone(clock.VIETNAM).isoformat()}
    tell(
        session,
        Tell(
            category="offer",
            kind="offer.made",
            ref_kind="hold",
            ref_id=hold_id,
            profile_id=entry.profile_id,
            params=words_of(session, slot.service_id, slot.starts_at) | until,
            classes=entry.classes,
            wants_sms=True,
            expires_at=ends,
        ),
    )
