"""Running visits again from the kept bytes: what was refused, and what waits for a decision.

A reader that has learned something, or a number that was verified since, may settle them.
"""

from collections import Counter
from threading import Event
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.records.models import (
    IntakeWork,
    Original,
    ReceivedVisit,
    Submission,
    SubmissionEntry,
    SubmissionState,
    VisitState,
    WorkKind,
)
from phr_api.records.service import entering_files, keys, originals, queue
from phr_api.records.service.arrival import Intake, Piece


def reprocess(facility_code: str) -> Counter[str]:
    """Run every open refusal and every waiting visit of a facility again; counts by outcome.

    Files that were put aside are taken up first, as if they had just come. The operator's reading
    of the originals is one event in the trace.
    """
    outcomes: Counter[str] = Counter()
    for submission_id in _put_back(facility_code):
        queue.work_on(submission_id, Event())
        with unit_of_work() as session:
            set_scope(session, facility_id=facility_code)
            outcomes.update(session.get_one(Submission, submission_id).counts)
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        places = _places(session, facility_code)
        actor = audit.Actor(kind="operator", id=None, facility_code=facility_code)
        event_id = audit.record(
            session,
            actor,
            action="visit.reprocessed",
            subjects=[],
            details={"visits": len(places)},
        )
    for submission_id, ordinal in places:
        with unit_of_work() as session:
            set_scope(session, facility_id=facility_code)
            piece = _piece(session, submission_id, ordinal)
            source = session.get_one(Submission, submission_id).source_state or "absent"
        intake = Intake(
            submission_id=submission_id,
            facility_code=facility_code,
            actor=actor,
            event_id=event_id,
            source_state=source,
            sealer=keys.current().sealer,
        )
        _, do = entering_files.work_of(intake, piece)
        outcome = entering_files.run(intake, piece, do)
        if outcome is not None:
            outcomes[outcome] += 1
    return outcomes


def _put_back(facility_code: str) -> list[UUID]:
    """Put files whose bytes wait still, though they were given up, back into the queue."""
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        aside = list(
            session.scalars(
                select(Submission)
                .where(Submission.facility_code == facility_code)
                .where(Submission.state == SubmissionState.REFUSED)
                .where(Submission.wrapped_key.is_not(None))
                .order_by(Submission.received_at)
            )
        )
        for row in aside:
            row.state, row.refusal, row.finished_at = SubmissionState.RECEIVED, None, None
            work = IntakeWork(
                id=row.id,
                kind=WorkKind.FILE,
                facility_code=facility_code,
                received_at=row.received_at,
                due_at=clock.now(),
                attempts=1,  # some of its visits may be entered
            )
            session.add(work)
        return [row.id for row in aside]


def _places(session: Session, facility_code: str) -> list[tuple[UUID, int]]:
    """Where the bytes lie, oldest first: open refusals, then the visits that wait."""
    refused = session.execute(
        select(SubmissionEntry.submission_id, SubmissionEntry.ordinal)
        .where(SubmissionEntry.facility_code == facility_code, SubmissionEntry.is_open)
        .where(SubmissionEntry.original_id.is_not(None))
        .order_by(SubmissionEntry.entered_at, SubmissionEntry.ordinal)
    )
    waiting = session.execute(
        select(ReceivedVisit.submission_id, ReceivedVisit.ordinal)
        .where(ReceivedVisit.facility_code == facility_code)
        .where(ReceivedVisit.state == VisitState.NEEDS_REVIEW)
        .order_by(ReceivedVisit.received_at, ReceivedVisit.id)
    )
    return [(row[0], row[1]) for row in (*refused, *waiting)]


def _piece(session: Session, submission_id: UUID, ordinal: int) -> Piece:
    entry = session.get_one(SubmissionEntry, (submission_id, ordinal))
    kept = session.get_one(Original, entry.original_id)
    raw = originals.open_original(session, keys.current().sealer, kept.id)
    return Piece(
        ordinal=ordinal, start=entry.start_byte, raw=raw, sha256=kept.sha256, original_id=kept.id
    )
