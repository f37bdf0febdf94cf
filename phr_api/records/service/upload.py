"""Taking a file: the submission, its sealed chunks and the worker's task, in one transaction."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.records import rules
from phr_api.records.models import (
    IntakeWork,
    Submission,
    SubmissionState,
    UploadChunk,
    WorkKind,
)
from phr_api.records.problems import FileInProgress, TooManyDisagreements
from phr_api.records.service.spool import Spool

CHUNKS_A_STATEMENT = 64  # 4 MiB
_DISAGREED = text(
    "SELECT count FROM disagreement"
    " WHERE facility_code = :facility AND client_id = :sender AND day = :day"
)


def refuse_guessers(session: Session, actor: audit.Actor, facility_code: str) -> None:
    """TooManyDisagreements when this sender reached the day's limit (R11, R24)."""
    sender = {"facility": facility_code, "sender": actor.id, "day": clock.today()}
    if rules.is_guessing(actor.kind, session.scalar(_DISAGREED, sender) or 0):
        raise TooManyDisagreements(retry_after_seconds=_seconds_to_midnight())


def take_file(
    session: Session,
    spool: Spool,
    *,
    facility_code: str,
    client_id: UUID | None,
    validate_only: bool,
) -> Submission:
    """Keep a file for the worker; the caller has set the facility's scope.

    Raises FileInProgress when the same bytes of this facility are not done yet.
    """
    submission = Submission(
        id=new_row_id(),
        facility_code=facility_code,
        client_id=client_id,
        state=SubmissionState.RECEIVED,
        validate_only=validate_only,
        sent_sha256=spool.sha256,
        sent_bytes=spool.size,
        wrapped_key=spool.wrapped_key,
        counts={},
        received_at=clock.now(),
    )
    _insert_once(session, submission)
    for rows in _batches(spool, submission):
        session.execute(insert(UploadChunk), rows)
    session.execute(
        insert(IntakeWork).values(
            id=submission.id,
            kind=WorkKind.FILE,
            facility_code=facility_code,
            received_at=submission.received_at,
            due_at=submission.received_at,
        )
    )
    return submission


def _insert_once(session: Session, submission: Submission) -> None:
    """Insert the row unless the same file is in progress (uq_submission_in_progress)."""
    columns = {
        column.key: getattr(submission, column.key)
        for column in Submission.__table__.columns
        if getattr(submission, column.key) is not None
    }
    is_new = session.scalar(
        pg_insert(Submission).values(columns).on_conflict_do_nothing().returning(Submission.id)
    )
    if is_new is None:
        other = session.scalar(
            select(Submission.id).where(
                Submission.facility_code == submission.facility_code,
                Submission.sent_sha256 == submission.sent_sha256,
                Submission.state.in_([SubmissionState.RECEIVED, SubmissionState.PROCESSING]),
                Submission.validate_only.is_(False),
            )
        )
        raise FileInProgress(submissionId=str(other) if other else None)


def _batches(spool: Spool, submission: Submission) -> Iterator[list[dict[str, Any]]]:
    numbered = enumerate(spool.chunks())
    while batch := list(islice(numbered, CHUNKS_A_STATEMENT)):
        yield [
            {
                "submission_id": submission.id,
                "ordinal": ordinal,
                "facility_code": submission.facility_code,
                "sealed": sealed,
            }
            for ordinal, sealed in batch
        ]


def _seconds_to_midnight() -> int:
    tomorrow = _midnight(clock.today() + timedelta(days=1))
    return max(1, int((tomorrow - clock.now()).total_seconds()))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.VIETNAM)
