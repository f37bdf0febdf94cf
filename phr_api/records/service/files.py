"""One file from the queue into the books.

Twice over the sealed bytes. The first pass writes nothing: it finds a file that is broken anywhere,
has too many visits, is another facility's or wrongly signed, so that no half of such a file is ever
entered. The second enters the visits, several in flight, each in a transaction of its own.
"""

import hashlib
import logging
from threading import Event
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.records import rules
from phr_api.records.models import IntakeWork, Original, Submission, SubmissionState
from phr_api.records.queries.submissions import count_outcomes
from phr_api.records.reader import FileRefused
from phr_api.records.service import entering_files, keys, metrics, originals, reading, trial
from phr_api.records.service.job import Job
from phr_api.records.service.reading import Checked

log = logging.getLogger(__name__)


def process(submission_id: UUID, facility_code: str, *, is_resumed: bool, stop: Event) -> bool:
    """Take one file in; False when `stop` was set before its end, and it waits for the next worker.

    The caller holds the file's lock. Database errors are the caller's: the file stays.
    """
    began = perf_counter()
    job = _start(submission_id, facility_code)
    if job is None:
        return True
    try:
        checked = reading.check(job.chunks, facility_code, keys.current().trust_store)
    except FileRefused as refused:
        _end(
            job, SubmissionState.REFUSED, refusal={"code": refused.code, "message": refused.message}
        )
        return True
    if job.validate_only:
        if not trial.report(job, checked, stop):
            return False
        _end(job, SubmissionState.DONE, checked=checked)
    else:
        remainder = entering_files.enter_all(job, checked, is_resumed=is_resumed, stop=stop)
        if remainder is None:
            return False
        _end(job, SubmissionState.DONE, checked=checked, remainder=remainder)
    metrics.file_seconds.observe(perf_counter() - began)
    return True


def give_up(submission_id: UUID, facility_code: str) -> None:
    """Put a file aside that has ended its worker again and again; what it entered stays.

    Its sealed bytes stay too: `reprocess` puts it back into the queue.
    """
    job = _start(submission_id, facility_code)
    if job is not None:
        failed = {name: rules.FAILED[name] for name in ("code", "message")}
        _end(job, SubmissionState.REFUSED, refusal=failed, keeps_upload=True)


def _start(submission_id: UUID, facility_code: str) -> Job | None:
    """Mark the file as being processed; its event in the trace is written once."""
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        row = session.get(Submission, submission_id)
        if row is None or row.wrapped_key is None or row.finished_at is not None:
            session.execute(delete(IntakeWork).where(IntakeWork.id == submission_id))
            return None
        actor = audit.Actor(
            kind="system" if row.client_id else "operator",
            id=row.client_id,
            facility_code=facility_code,
        )
        row.state = SubmissionState.PROCESSING
        row.started_at = row.started_at or clock.now()
        if row.event_id is None and not row.validate_only:
            row.event_id = audit.record(
                session,
                actor,
                action="visit.sent",
                subjects=[],
                details={"submission": str(submission_id)},
            )
        return Job(
            submission_id=submission_id,
            facility_code=facility_code,
            actor=actor,
            wrapped_key=row.wrapped_key,
            validate_only=row.validate_only,
            event_id=row.event_id,
        )


def _end(
    job: Job,
    state: SubmissionState,
    *,
    checked: Checked | None = None,
    refusal: dict[str, Any] | None = None,
    remainder: bytes | None = None,
    keeps_upload: bool = False,
) -> None:
    """Close the file in one transaction: counts, remainder, and the waiting bytes destroyed."""
    with unit_of_work() as session:
        set_scope(session, facility_id=job.facility_code)
        row = session.get_one(Submission, job.submission_id)
        row.state = state
        row.refusal = refusal
        row.finished_at = clock.now()
        row.counts = count_outcomes(session, job.submission_id)
        if checked is not None:
            if sum(row.counts.values()) != checked.visit_count:
                raise RuntimeError("a visit of the file has no entry: its bytes are not given up")
            row.inflated_sha256 = checked.sha256
            row.inflated_bytes = checked.size
            row.source_state = checked.source_state
            row.declared_count = checked.declared_count
            row.visit_count = checked.visit_count
        if remainder is not None:
            row.remainder_id = _keep(session, job, remainder)
        if not keeps_upload:
            originals.forget_upload(session, row)
        session.execute(delete(IntakeWork).where(IntakeWork.id == job.submission_id))
    metrics.files.labels(state).inc()
    log.info(
        "file finished",
        extra={"submission": str(job.submission_id), "state": state, "counts": row.counts},
    )


def _keep(session: Session, job: Job, remainder: bytes) -> UUID:
    original_id = new_row_id()
    session.execute(
        insert(Original).values(
            id=original_id,
            facility_code=job.facility_code,
            submission_id=job.submission_id,
            sha256=hashlib.sha256(remainder).digest(),
            plain_bytes=len(remainder),
            **originals.sealed_row(keys.current().sealer, remainder),
        )
    )
    return original_id
