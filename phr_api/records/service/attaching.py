"""Whose a visit is, and writing it into that person's book.

A visit whose person is named as before stays where it is: a decision of the facility's staff, or a
re-attachment, holds until the file names somebody else. Then it is matched anew, and it may move:
both records are locked in id order, the old one gets a tombstone (FINDINGS 4).
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit, clinics, consent, healthbook, identity, notifications
from phr_api.kit import clock
from phr_api.kit.db import do
from phr_api.kit.ids import new_row_id
from phr_api.records import rules
from phr_api.records.service.arrival import Arrival, Intake
from phr_api.vocab import ProfileId

# A hospital's old files are no news; what nobody read within a month is none either.
NEWS, KEPT_FOR = timedelta(days=14), timedelta(days=30)
_LOCK_RECORDS = "SELECT lock_records(CAST(%(people)s AS uuid[]))"


@dataclass(frozen=True, slots=True)
class Found:
    """What is kept of a matched person; None of a new one."""

    known: identity.KnownPerson | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose book a visit belongs in; nobody's while it waits for a decision.

    `kind`: matched, new, kept, needs-review, decided-same, decided-different, reattached.
    `reasons` name the facts that disagree; `without` the systems of numbers not to write. `found`
    is what was read along with a match at arrival, whose scope is set then; else it is read later.
    """

    kind: str
    profile_id: UUID | None = None
    candidate_id: UUID | None = None
    reasons: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    found: Found | None = None

    @property
    def is_waiting(self) -> bool:
        return self.profile_id is None


def find_kept(current: dict[str, Any] | None, person: bytes) -> Place | None:
    """Return where the visit is if it names the same person as before; None: it is matched."""
    if current and rules.from_hex(current["person_sha256"]) == person:
        return Place(
            kind="kept",
            profile_id=UUID(current["profile_id"]),
            without=current["match_without"],
        )
    return None


def match(session: Session, intake: Intake, arrival: Arrival) -> Place:
    """Match the received person (R10-R12); their numbers stay locked until the transaction ends."""
    matched = identity.match_received(
        session, arrival.person, intake.facility_code, clock.now(), actor=intake.actor
    )
    return to_place(matched)


def to_place(match: identity.Match, found: Found | None = None) -> Place:
    """Return the place that a match gives a visit."""
    return Place(
        kind=match.outcome,
        profile_id=match.profile_id,
        candidate_id=match.candidate_id,
        reasons=list(match.reasons),
        without=sorted(match.without),
        found=found,
    )


def attach(
    session: Session,
    intake: Intake,
    arrival: Arrival,
    place: Place,
    current: dict[str, Any] | None,
) -> UUID:
    """Write the visit into the book of `place`, after what it was before; the encounter's id."""
    if place.profile_id is None:
        raise ValueError("a visit that waits is in nobody's book")
    profile_id = ProfileId(place.profile_id)
    earlier = UUID(current["encounter_id"]) if current else None
    if current and UUID(current["profile_id"]) != place.profile_id:
        old_owner = detach(session, intake, current, place.profile_id)
        audit.add_subjects(session, intake.event_id, [old_owner])
        earlier = None
    scope = consent.open_for_intake(
        session, intake.actor, intake.facility_code, profile_id, is_set=place.found is not None
    )
    known = place.found.known if place.found else identity.find_known(session, profile_id)
    person = identity.add_to_person(
        session,
        profile_id,
        arrival.person,
        known,
        facility_code=intake.facility_code,
        at=clock.now(),
        without=frozenset(place.without),
    )
    encounter_id = new_row_id()
    healthbook.write_visit(
        session,
        scope,
        arrival.visit,
        encounter_id=encounter_id,
        supersedes=earlier,
        submission_id=intake.submission_id,
        source_state=intake.source_state,
        person=person,
        event_id=intake.event_id,
    )
    if earlier is not None:
        healthbook.supersede_visit(session, scope, earlier, by=encounter_id)
    elif known is not None and arrival.visit.encounter.started_at >= clock.now() - NEWS:
        _tell_of_visit(session, profile_id, arrival.visit, encounter_id)
    return encounter_id


def _tell_of_visit(
    session: Session, profile_id: ProfileId, visit: healthbook.Visit, encounter_id: UUID
) -> None:
    """Put a new visit into the inbox of who reads this book; somebody new has no readers yet."""
    code = visit.encounter.facility_code
    name = clinics.find_facility_names(session, [code]).get(code, code)
    # a paper that is hidden from who sees the visit is no news to them (R18)
    shown = [paper for paper in visit.papers if paper.classes <= visit.encounter.classes]
    notifications.tell(
        session,
        notifications.Tell(
            category="record",
            kind="record.paper" if shown else "record.visit",
            ref_kind="encounter",
            ref_id=encounter_id,
            profile_id=profile_id,
            params={"facility": name},
            classes=sorted(visit.encounter.classes),
            expires_at=clock.now() + KEPT_FOR,
        ),
    )


def detach(session: Session, intake: Intake, current: dict[str, Any], new_owner: UUID) -> UUID:
    """Leave a tombstone in the book that the visit leaves; returns whose book that was."""
    old_owner = UUID(current["profile_id"])
    do(session, _LOCK_RECORDS, {"people": [old_owner, new_owner]})
    scope = consent.open_for_intake(
        session, intake.actor, intake.facility_code, ProfileId(old_owner)
    )
    healthbook.supersede_visit(session, scope, UUID(current["encounter_id"]), by=None)
    return old_owner
