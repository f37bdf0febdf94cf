"""Holding seats and booking what is held: one round trip each, by the functions of revision 0011.

Both may be called without a transaction: the statement is one, and commits itself.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.appointments.problems.bookings import (
    HoldExists,
    Overlapping,
    SlotFull,
    SlotNotOpen,
)
from phr_api.appointments.queries.slots import SlotRow, find_nearest_free, get_slot
from phr_api.appointments.service.expired import free_expired
from phr_api.appointments.service.refusals import raising, wire_slots
from phr_api.consent import refuse
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work, write_row
from phr_api.kit.idempotency import Attempt, mac_of
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotAllowed, NotFound, NotSignedIn
from phr_api.vocab import ProfileId

HOLD_LASTS = timedelta(minutes=10)
QR_BYTES = 16

TAKE_HOLD = f"SELECT take_hold({', '.join(['%s'] * 14)})"
BOOK_HOLD = f"SELECT book_hold({', '.join(['%s'] * 8)})"
_HOLD = text("SELECT hold_wire(:account, :session, :hold, :at)")
_LIVE_HOLDS = text(
    "SELECT id FROM hold WHERE account_id = :account AND booked_at IS NULL"
    " AND released_at IS NULL AND expires_at > :at"
)
_LIVE_OFFERS = text("SELECT person, relation, wire FROM live_offers(:account, :session, :at)")
_GO = text(
    "SELECT set_config('phr.account_id', CAST(:account AS text), true),"
    " set_config('phr.session_id', CAST(:session AS text), true),"
    " live_session(:account, :session, :at) IS NOT NULL AS is_live"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestPerson:
    """Whom a phone session books for: a name, and what the clinic may want to know."""

    full_name: str
    birth: str | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """Which seats are wanted: for people whose record the caller may book for, or a phone's."""

    service_id: UUID
    slot_id: UUID
    people: Sequence[UUID] = ()
    person: GuestPerson | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookItem:
    """What is told about one of the held bookings when it becomes one."""

    id: UUID
    reason: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    card_number: str | None = None
    shows_names: bool = False


def hold(principal: Principal, new: NewHold, attempt: Attempt) -> str:
    """Hold a seat for each person, all or none; returns the hold as JSON.

    Raises NotSignedIn, RecordSignInNeeded, NotAllowed, NotFound (no right, or no such slot: not
    told apart), SlotNotOpen, SlotFull with the nearest free slots, HoldExists, Overlapping,
    QuotaReached, and the two of idempotency. ISSUE 4 §2.
    """
    _check_account(principal)
    at, count = clock.now(), max(1, len(new.people))
    person = new.person
    values = (
        principal.account_id,
        principal.session_id,
        new_row_id(),
        new.service_id,
        new.slot_id,
        _joined(new.people),
        _joined([new_row_id() for _ in range(count)]),
        _joined([new_row_id() for _ in range(count)]),
        json.dumps(
            {"full_name": person.full_name, "birth": person.birth, "sex": person.sex}
            if person
            else {}
        ),
        attempt.route,
        attempt.key,
        mac_of(attempt),
        at,
        at + HOLD_LASTS,
    )
    try:
        return _take(principal, new.people, values, at)
    except NotFound:
        _refuse(principal, new.people, "booking.hold")
    except SlotFull as full:
        raise SlotFull(alternatives=wire_slots(_nearest(new.slot_id))) from full
    except SlotNotOpen as closed:
        raise SlotNotOpen(opensAt=_opens_at(new.slot_id)) from closed
    raise AssertionError  # refusing raises


def book(principal: Principal, hold_id: UUID, items: Sequence[BookItem], attempt: Attempt) -> str:
    """Book everything that this hold holds; returns `{"items": […]}` as JSON.

    Raises as `hold` does, and HoldExpired, StateChanged when it is booked already (the same key
    replays), AnswersNeeded, InvalidRequest when `items` are not what is held or an answer is not
    of the kind that is asked for.
    """
    _check_account(principal)
    sent = [
        {
            "id": str(item.id),
            "place": place,
            "reason": item.reason,
            "answers": dict(item.answers),
            "card_number": item.card_number,
            "shows_names": item.shows_names,
            "qr_secret": secrets.token_urlsafe(QR_BYTES),
            "event": str(new_row_id()),
            "notice": str(new_row_id()),
            "trace": str(new_row_id()),
        }
        for place, item in enumerate(items)
    ]
    values = (
        principal.account_id,
        principal.session_id,
        hold_id,
        json.dumps(sent, ensure_ascii=False),
        attempt.route,
        attempt.key,
        mac_of(attempt),
        clock.now(),
    )
    try:
        with raising():
            return _only(write_row(BOOK_HOLD, values))
    except NotFound:
        _refuse(principal, (), "booking.create")
    raise AssertionError  # refusing raises


def open_account(session: Session, principal: Principal) -> UUID:
    """Set the caller's account as the scope of its holds; NotSignedIn when the session ended."""
    _check_account(principal)
    right = session.execute(_GO, _who(principal)).one()
    if not right.is_live:
        raise NotSignedIn
    return principal.principal_id


def find_holds(session: Session, principal: Principal) -> list[dict[str, Any]]:
    """Return the account's open holds and its people's offers, those that end first, first.

    What is for a person whom the account may no longer book for is left out. Offers of others than
    oneself leave a trace: they are the person's, not of the account that joined the line.
    """
    open_account(session, principal)
    found = session.scalars(_LIVE_HOLDS, _who(principal)).all()
    shown = []
    for hold_id in found:
        try:
            with raising(), session.begin_nested():
                shown.append(session.scalar(_HOLD, _who(principal) | {"hold": hold_id}))
        except NotFound:
            continue
    with raising():
        offers = session.execute(_LIVE_OFFERS, _who(principal)).all()
    others = {offer.person for offer in offers if offer.relation != "self"}
    if others:
        audit.record(session, principal.actor, action="waitlist.offers", subjects=others)
    shown += [offer.wire for offer in offers]
    return sorted((each for each in shown if each), key=lambda each: each["expiresAt"])


def _take(
    principal: Principal, people: Sequence[UUID], values: tuple[Any, ...], at: datetime
) -> str:
    """Take the hold in one round trip; when the person has another one, old holds go first."""
    try:
        with raising():
            return _only(write_row(TAKE_HOLD, values))
    except (HoldExists, Overlapping):
        with raising(), unit_of_work() as session:
            free_expired(session, principal, people, made_before=at - HOLD_LASTS)
            taken = session.connection().exec_driver_sql(TAKE_HOLD, values)
            return str(taken.scalar_one())


def _who(principal: Principal) -> dict[str, Any]:
    return {
        "account": principal.account_id,
        "session": principal.session_id,
        "at": clock.now(),
    }


def _check_account(principal: Principal) -> None:
    if principal.account_id is None:
        raise NotAllowed


def _joined(ids: Sequence[UUID]) -> str:
    return ",".join(str(each) for each in ids)


def _only(row: tuple[Any, ...] | None) -> str:
    if row is None:
        raise AssertionError
    return str(row[0])


def _refuse(principal: Principal, people: Sequence[UUID], action: str) -> None:
    """Put the refusal on record for the first of them, and raise NotFound."""
    refuse(principal.actor, action=action, profile_id=ProfileId(people[0]) if people else None)


def _nearest(slot_id: UUID) -> list[SlotRow]:
    with unit_of_work() as session:
        return find_nearest_free(session, get_slot(session, slot_id), at=clock.now())


def _opens_at(slot_id: UUID) -> str:
    with unit_of_work() as session:
        return get_slot(session, slot_id).opens_at.astimezone(clock.VIETNAM).isoformat()
