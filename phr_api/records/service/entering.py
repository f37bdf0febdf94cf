"""One visit into the books: known already, new, changed, or somebody must say whose it is.

Each visit is one transaction (the caller's). Locks are taken in the order of FINDINGS 8: the visit,
the person's numbers, the record, the rest. The entry (submission, ordinal) is written in it too, so
that a file which is begun again enters every visit once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import identity
from phr_api.kit import clock
from phr_api.kit.db import do, run
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.records import rules
from phr_api.records.models import Outcome, VisitState
from phr_api.records.service import attaching, writing
from phr_api.records.service.arrival import Arrival, Base, Intake, Known, Piece
from phr_api.records.service.attaching import Place
from phr_api.records.service.originals import sealed_row
from phr_api.records.service.writing import NewEntry, NewVersion

NOBODY = UUID(int=0)  # as identity counts disagreements: the command line sends for no client
_KNOWN = (
    "is_entered, last_version, current_visit, waiting_visit, withdrawn_contents,"
    " has_open_refusals, disagreements"
)
_BEGIN = (
    f"SELECT {_KNOWN} FROM begin_visit(%(facility)s, %(ma_lk)s, %(submission)s,"  # noqa: S608
    " %(ordinal)s, %(sender)s, %(day)s)"
)
_ARRIVE = (
    f"SELECT {_KNOWN}, outcome, person, reasons, without, known FROM arrive_visit("  # noqa: S608
    "%(facility)s, %(ma_lk)s, %(submission)s, %(ordinal)s, %(sender)s, %(day)s, %(most)s,"
    f" %(principal)s, %(new)s, {identity.MATCHING})"
)


def begin(session: Session, intake: Intake, ma_lk: str, ordinal: int) -> Known:
    """Take the visit's lock until the transaction ends and return what is known of it."""
    (row,) = run(session, _BEGIN, _place(intake, ma_lk, ordinal))
    return _known(row)


def arrive(session: Session, intake: Intake, arrival: Arrival) -> tuple[Known, Place | None]:
    """As `begin`; a visit that was never sent before is matched in the same round trip."""
    new = new_public_id()
    (row,) = run(
        session,
        _ARRIVE,
        _place(intake, arrival.ma_lk, arrival.piece.ordinal)
        | identity.matching_parameters(arrival.person)
        | {
            "most": rules.most_disagreements(intake.actor.kind),
            "principal": intake.actor.id,
            "new": new,
        },
    )
    *of_visit, outcome, person, reasons, without, kept = row
    if outcome is None:
        return _known(of_visit), None
    match = identity.read_match(
        session,
        (outcome, person, reasons, without),
        new,
        intake.facility_code,
        clock.now(),
        actor=intake.actor,
    )
    found = attaching.Found(identity.KnownPerson(**kept) if kept else None)
    return _known(of_visit), attaching.to_place(match, found)


def _place(intake: Intake, ma_lk: str, ordinal: int) -> dict[str, Any]:
    return {
        "facility": intake.facility_code,
        "ma_lk": ma_lk,
        "submission": intake.submission_id,
        "ordinal": ordinal,
        "sender": intake.actor.id or NOBODY,
        "day": clock.today(),
    }


def _known(row: Sequence[Any]) -> Known:
    return Known(
        is_entered=row[0],
        last_version=row[1],
        current=row[2],
        waiting=row[3],
        withdrawn_contents=row[4] or [],
        has_open_refusals=row[5],
        disagreements=row[6],
    )


def enter(session: Session, intake: Intake, arrival: Arrival) -> Outcome | None:
    """Enter one visit; None when this place of this file was entered before."""
    known, place = arrive(session, intake, arrival)
    if known.is_entered and arrival.piece.original_id is None:
        return None
    return enter_known(session, intake, arrival, known, place)


def enter_known(
    session: Session,
    intake: Intake,
    arrival: Arrival,
    known: Known,
    matched: Place | None = None,
) -> Outcome:
    """Enter one visit whose lock is held; refused when its sender had too many disagreements.

    `matched` is whose it is, where that was found at arrival.
    """
    repeated = None if arrival.added else _repetition(arrival, known)
    names = (arrival.ma_lk, arrival.ma_bn)
    if repeated is not None:
        outcome, visit_id, reasons = repeated
        if known.waiting and _says_what_is_current(arrival, known):
            # the facility takes back the change that waited for a decision
            writing.end_version(session, known.waiting["id"], VisitState.SUPERSEDED, clock.now())
        write_entry(session, intake, arrival.piece, names, outcome, reasons, visit_id=visit_id)
        return outcome
    person = rules.person_digest(arrival.person)
    place = matched or attaching.find_kept(known.current, person)
    if place is None:
        if rules.is_guessing(intake.actor.kind, known.disagreements):
            too_many = [rules.TOO_MANY_DISAGREEMENTS]
            write_entry(session, intake, arrival.piece, names, Outcome.REFUSED, too_many)
            return Outcome.REFUSED
        place = attaching.match(session, intake, arrival)
    if place.is_waiting and _is_waiting_still(arrival, known):
        return Outcome.NEEDS_REVIEW
    return _write(session, intake, arrival, known, place, person)


def _write(
    session: Session,
    intake: Intake,
    arrival: Arrival,
    known: Known,
    place: Place,
    person: bytes,
) -> Outcome:
    """Write the visit into its book, or put it up for review; its version, bytes and entry."""
    at = clock.now()
    encounter_id = None
    if not place.is_waiting:
        encounter_id = attaching.attach(session, intake, arrival, place, known.current)
        if known.current:
            writing.end_version(session, known.current["id"], VisitState.SUPERSEDED, at)
    if known.waiting:
        writing.end_version(session, known.waiting["id"], VisitState.SUPERSEDED, at)
    original_id = arrival.piece.original_id or new_row_id()
    version = new_version(
        arrival,
        place,
        number=known.last_version + 1,
        encounter_id=encounter_id,
        person=person,
        original_id=original_id,
    )
    outcome = _outcome(place, known)
    reasons = [rules.review_reason(name) for name in place.reasons]
    names = (arrival.ma_lk, arrival.ma_bn)
    write_entry(session, intake, arrival.piece, names, outcome, reasons, version=version, at=at)
    if known.has_open_refusals:
        writing.close_refusals(session, intake, arrival.ma_lk)
    return outcome


def _is_waiting_still(arrival: Arrival, known: Known) -> bool:
    """Whether this very visit waits for a decision; kept bytes that are run again match anew."""
    return (
        known.waiting is not None
        and not arrival.added
        and rules.from_hex(known.waiting["content_sha256"]) == arrival.content_sha256
    )


def _says_what_is_current(arrival: Arrival, known: Known) -> bool:
    return (
        known.current is not None
        and rules.from_hex(known.current["content_sha256"]) == arrival.content_sha256
    )


def _outcome(place: Place, known: Known) -> Outcome:
    if place.is_waiting:
        return Outcome.NEEDS_REVIEW
    return Outcome.SUPERSEDED if known.current else Outcome.ACCEPTED


def _repetition(
    arrival: Arrival, known: Known
) -> tuple[Outcome, UUID | None, list[dict[str, Any]]] | None:
    """Return what a visit that says nothing new comes to; None when it does."""
    content = arrival.content_sha256
    if known.current and (
        _says_what_is_current(arrival, known)
        or rules.is_late_arrival(arrival.tables, known.current["tables"])
    ):
        return Outcome.UNCHANGED, UUID(known.current["id"]), []
    is_run_again = arrival.piece.original_id is not None
    if known.waiting and _is_waiting_still(arrival, known) and not is_run_again:
        reasons = [rules.review_reason(name) for name in known.waiting["match_reasons"]]
        return Outcome.NEEDS_REVIEW, UUID(known.waiting["id"]), reasons
    if content in known.withdrawn_contents:
        # a month of files sent again must not bring back what the facility took out, nor any
        # version that went before it
        return Outcome.UNCHANGED, None, [rules.WITHDRAWN_BEFORE]
    return None


def new_version(
    arrival: Arrival,
    place: Place,
    *,
    number: int,
    encounter_id: UUID | None,
    person: bytes,
    original_id: UUID,
) -> NewVersion:
    """Return the version row of an arrival; single tables are listed beside their whole visit."""
    base = arrival.base or Base(
        original_id=original_id,
        raw_sha256=arrival.piece.sha256,
        content_sha256=arrival.content_sha256,
    )
    additions = base.additions
    if arrival.added:
        addition = {
            "original": str(original_id),
            "content": arrival.content_sha256.hex(),
            "tables": list(arrival.added),
        }
        additions = [*base.additions, addition]
    return NewVersion(
        id=new_row_id(),
        version=number,
        state=VisitState.NEEDS_REVIEW if place.is_waiting else VisitState.CURRENT,
        profile_id=place.profile_id,
        encounter_id=encounter_id,
        candidate_id=place.candidate_id,
        match_kind=place.kind,
        match_reasons=place.reasons,
        match_without=place.without,
        person_sha256=person,
        original_id=original_id,
        base=base,
        tables=list(arrival.tables),
        additions=additions,
    )


def refuse(
    session: Session,
    intake: Intake,
    piece: Piece,
    reasons: list[dict[str, Any]],
    *,
    ma_lk: str | None = None,
    ma_bn: str | None = None,
) -> Outcome | None:
    """Enter a refusal and keep the bytes; None when this place of this file was entered before."""
    known = begin(session, intake, ma_lk or "", piece.ordinal)
    if known.is_entered and piece.original_id is None:
        return None
    write_entry(session, intake, piece, (ma_lk, ma_bn), Outcome.REFUSED, reasons)
    return Outcome.REFUSED


def write_entry(  # noqa: PLR0913 - what became of a visit
    session: Session,
    intake: Intake,
    piece: Piece,
    names: tuple[str | None, str | None],
    outcome: Outcome,
    reasons: list[dict[str, Any]],
    *,
    visit_id: UUID | None = None,
    version: NewVersion | None = None,
    at: datetime | None = None,
) -> None:
    """Write the sealed bytes (unless they are kept), the version if there is one, the entry."""
    original_id = piece.original_id or (version.original_id if version else new_row_id())
    entry = NewEntry(
        ordinal=piece.ordinal,
        start=piece.start,
        plain_bytes=len(piece.raw),
        ma_lk=names[0],
        ma_bn=names[1],
        outcome=outcome,
        reasons=reasons,
        visit_id=version.id if version else visit_id,
        original_id=original_id,
        at=at or clock.now(),
    )
    parameters = entry.parameters(intake)
    if version is not None:
        parameters |= version.parameters(intake)
    if piece.original_id is None:
        parameters |= sealed_row(intake.sealer, piece.raw)
        parameters["raw_sha256"] = piece.sha256
        statement = writing.WITH_VERSION if version else writing.WITH_BYTES
    else:
        statement = writing.AGAIN_WITH_VERSION if version else writing.ENTRY
    do(session, statement, parameters)
