"""Carrying out what a facility ordered: withdrawal, decision, re-attachment (R13).

One transaction an order, under the visit's lock. What cannot be done any more is refused with a
code that the facility can read; nothing is left half done.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from phr_api import audit, consent, healthbook
from phr_api.identity import ReceivedPerson
from phr_api.kit import clock
from phr_api.kit.db import retrying, set_scope
from phr_api.kit.ids import new_public_id
from phr_api.records import rules
from phr_api.records.models import (
    IntakeWork,
    OrderKind,
    OrderState,
    ReceivedVisit,
    VisitOrder,
    VisitState,
)
from phr_api.records.reader import VisitRefused
from phr_api.records.service import attaching, entering, keys, reading, writing
from phr_api.records.service.arrival import Intake, Known
from phr_api.records.service.attaching import Place
from phr_api.vocab import PartialDate, ProfileId, Sex, classify_person_number

NOWHERE = -1  # an order has no place in a file
MOST_SEEN = 200

_ATTACHED = text(
    "UPDATE received_visit SET state = 'current', profile_id = :profile, encounter_id = :encounter,"
    " match_kind = :kind, match_without = CAST(:without AS jsonb), attached_at = :at"
    " WHERE id = :visit"
)


class CannotBeDone(Exception):
    """The order does not fit the visit any more; the code is for the facility."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PersonDisagrees(CannotBeDone):
    """The person given disagrees with a known number: the trace and the count of it stay (R11)."""

    def __init__(self) -> None:
        super().__init__("person-disagrees")


def carry_out(order_id: UUID, facility_code: str) -> None:
    """Carry out a waiting order and take it off the queue."""
    try:
        retrying(lambda session: _carry_out(session, order_id, facility_code))
    except CannotBeDone as refused:
        code = refused.code
    except VisitRefused:  # read again, what is kept of the visit is no longer accepted
        code = "visit-refused"
    else:
        return
    retrying(lambda session: _refuse(session, order_id, facility_code, code))


def give_up(order_id: UUID, facility_code: str) -> None:
    """Refuse an order that failed again and again through no fault of the facility."""
    code = rules.FAILED["code"]
    retrying(lambda session: _refuse(session, order_id, facility_code, code))


def _carry_out(session: Session, order_id: UUID, facility_code: str) -> None:
    set_scope(session, facility_id=facility_code)
    order = session.get(VisitOrder, order_id)
    if order is None or order.state != OrderState.WAITING:
        _off_the_queue(session, order_id)
        return
    visit = session.get_one(ReceivedVisit, order.visit_id)
    actor = audit.Actor(
        kind=cast("audit.ActorKind", order.actor_kind),
        id=order.actor_id,
        facility_code=facility_code,
    )
    event_id = audit.record(
        session,
        actor,
        action=f"visit.{order.kind}",
        subjects=[],
        reason=order.reason,
        details={"visit": str(visit.id), "decision": order.decision},
    )
    intake = Intake(
        submission_id=visit.submission_id,
        facility_code=facility_code,
        actor=actor,
        event_id=event_id,
        source_state=visit.source_state,
        sealer=keys.current().sealer,
    )
    known = entering.begin(session, intake, visit.ma_lk, NOWHERE)
    try:
        _DO[order.kind](session, intake, order, known)
    except PersonDisagrees as disagrees:
        _close(session, order, OrderState.REFUSED, disagrees.code)
    else:
        _close(session, order, OrderState.DONE)


def _refuse(session: Session, order_id: UUID, facility_code: str, code: str) -> None:
    set_scope(session, facility_id=facility_code)
    order = session.get(VisitOrder, order_id)
    if order is not None and order.state == OrderState.WAITING:
        _close(session, order, OrderState.REFUSED, code)
    _off_the_queue(session, order_id)


def _close(
    session: Session, order: VisitOrder, state: OrderState, refusal: str | None = None
) -> None:
    """End an order; the person whom it named is blanked."""
    order.state = state
    order.refusal = refusal
    order.finished_at = clock.now()
    order.person = None
    _off_the_queue(session, order.id)


def _off_the_queue(session: Session, order_id: UUID) -> None:
    session.execute(delete(IntakeWork).where(IntakeWork.id == order_id))


def _withdraw(session: Session, intake: Intake, _order: VisitOrder, known: Known) -> None:
    """Mark what stands of the visit as withdrawn: in the book, and what waits for a decision."""
    at = clock.now()
    if known.current is None and known.waiting is None:
        raise CannotBeDone("visit-not-current")
    if known.current is not None:
        owner = UUID(known.current["profile_id"])
        scope = consent.open_for_intake(
            session, intake.actor, intake.facility_code, ProfileId(owner)
        )
        healthbook.withdraw_visit(session, scope, UUID(known.current["encounter_id"]))
        audit.add_subjects(session, intake.event_id, [owner])
        writing.end_version(session, known.current["id"], VisitState.WITHDRAWN, at)
    if known.waiting is not None:
        writing.end_version(session, known.waiting["id"], VisitState.WITHDRAWN, at)


def _decide(session: Session, intake: Intake, order: VisitOrder, known: Known) -> None:
    """Attach a waiting visit to the holder of its number, or to a person of its own."""
    waiting = known.waiting
    if waiting is None or UUID(waiting["id"]) != order.visit_id:
        raise CannotBeDone("review-decided")
    if order.decision == "same-person":
        if waiting["candidate_id"] is None:
            raise CannotBeDone("ambiguous-number")  # more than one holder: which is not decided
        place = Place(kind="decided-same", profile_id=UUID(waiting["candidate_id"]))
    else:
        place = Place(
            kind="decided-different",
            profile_id=new_public_id(),
            without=waiting["match_without"],
        )
    arrival = reading.kept_arrival(session, intake, waiting)
    encounter_id = attaching.attach(session, intake, arrival, place, known.current)
    at = clock.now()
    if known.current is not None:
        writing.end_version(session, known.current["id"], VisitState.SUPERSEDED, at)
    session.execute(
        _ATTACHED,
        {
            "visit": waiting["id"],
            "profile": place.profile_id,
            "encounter": encounter_id,
            "kind": place.kind,
            "without": writing.as_json(place.without),
            "at": at,
        },
    )


def _reattach(session: Session, intake: Intake, order: VisitOrder, known: Known) -> None:
    """Move a visit to whom it belongs: tombstone for one, new for the other, both told (R13)."""
    current = known.current
    if current is None or UUID(current["id"]) != order.visit_id:
        raise CannotBeDone("visit-not-current")
    if order.person is None:
        raise CannotBeDone("person-missing")
    kept = reading.kept_arrival(session, intake, current)
    arrival = replace(kept, person=corrected(kept.person, order.person))
    if rules.is_guessing(intake.actor.kind, known.disagreements):
        raise CannotBeDone(rules.TOO_MANY_DISAGREEMENTS["code"])
    place = attaching.match(session, intake, arrival)
    if place.is_waiting:
        raise PersonDisagrees
    old_owner = UUID(current["profile_id"])
    if place.profile_id == old_owner:
        raise CannotBeDone("same-person")
    _tell_who_saw_it(session, intake, old_owner, current)
    place = replace(place, kind="reattached")
    encounter_id = attaching.attach(session, intake, arrival, place, current)
    at = clock.now()
    writing.end_version(session, current["id"], VisitState.SUPERSEDED, at)
    version = entering.new_version(
        arrival,
        place,
        number=known.last_version + 1,
        encounter_id=encounter_id,
        # as received: the file that named the wrong person, sent again, does not move it back
        person=rules.from_hex(current["person_sha256"]),
        original_id=UUID(current["original_id"]),
    )
    writing.add_version(session, intake, version, current, at)


def corrected(person: ReceivedPerson, given: dict[str, Any]) -> ReceivedPerson:
    """Return the person as the facility now says: what named the wrong one is left out."""
    number = given.get("number")
    found = classify_person_number(number) if number else None
    if number and found is None:
        raise CannotBeDone("number-shape")
    try:
        birth = PartialDate.parse(given["birth"])
    except ValueError:
        raise CannotBeDone("date-shape") from None
    return replace(
        person,
        full_name=given["full_name"],
        birth=birth,
        born_at=None,
        sex=Sex(given["sex"]),
        number=found,
        is_newborn=False,
        mother_number=None,
        cards=(),
        phone=None,
        address=None,
    )


def _tell_who_saw_it(
    session: Session, intake: Intake, owner: UUID, current: dict[str, Any]
) -> None:
    """Write into the trace who opened the wrong record while the visit lay in it."""
    consent.open_for_intake(session, intake.actor, intake.facility_code, ProfileId(owner))
    seen = audit.find_access_events(session, ProfileId(owner), limit=MOST_SEEN)
    since = datetime.fromisoformat(current["attached_at"])
    events = [str(event.id) for event in seen if event.at >= since]
    audit.record(
        session,
        intake.actor,
        action="visit.seen-meanwhile",
        subjects=[owner],
        details={"visit": current["id"], "events": events},
    )


_DO: dict[str, Callable[[Session, Intake, VisitOrder, Known], None]] = {
    OrderKind.WITHDRAWAL: _withdraw,
    OrderKind.DECISION: _decide,
    OrderKind.REATTACHMENT: _reattach,
}
