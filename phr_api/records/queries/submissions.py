"""Reads of submissions and their entries, under the facility's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from phr_api.kit.clock import VIETNAM
from phr_api.kit.problems import NotFound
from phr_api.records.models import Outcome, Submission, SubmissionEntry


@dataclass(frozen=True, slots=True)
class EntryRow:
    """What became of one visit; reasons in both languages, never a received value."""

    submission_id: UUID
    ordinal: int
    ma_lk: str | None
    ma_bn: str | None
    outcome: str
    reasons: list[dict[str, Any]]
    entered_at: datetime
    visit_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """What a facility sent on one day (Viet Nam), validate-only files left out."""

    day: date
    files: int
    refused_files: int
    counts: dict[str, int]


ENTRY_COLUMNS = (
    SubmissionEntry.submission_id,
    SubmissionEntry.ordinal,
    SubmissionEntry.ma_lk,
    SubmissionEntry.ma_bn,
    SubmissionEntry.outcome,
    SubmissionEntry.reasons,
    SubmissionEntry.entered_at,
    SubmissionEntry.visit_id,
)


def get_submission(session: Session, facility_code: str, submission_id: UUID) -> Submission:
    """Return a submission of the facility with its counts so far; NotFound otherwise."""
    found = session.scalar(
        select(Submission).where(
            Submission.id == submission_id, Submission.facility_code == facility_code
        )
    )
    if found is None:
        raise NotFound
    if found.finished_at is None:
        session.expunge(found)  # the counts so far are shown, not stored
        found.counts = count_outcomes(session, submission_id)
    return found


def count_outcomes(session: Session, submission_id: UUID) -> dict[str, int]:
    """Entries by outcome; a walk over the submission's part of the primary key."""
    rows = session.execute(
        select(SubmissionEntry.outcome, func.count())
        .where(SubmissionEntry.submission_id == submission_id)
        .group_by(SubmissionEntry.outcome)
    )
    return {row[0]: row[1] for row in rows}


def find_submissions(
    session: Session,
    facility_code: str,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    state: str | None = None,
) -> list[Submission]:
    """Newest first, by keyset; served by ix_submission_timeline."""
    query = select(Submission).where(Submission.facility_code == facility_code)
    if state:
        query = query.where(Submission.state == state)
    if before:
        query = query.where(tuple_(Submission.received_at, Submission.id) < before)
    newest_first = (Submission.received_at.desc(), Submission.id.desc())
    return list(session.scalars(query.order_by(*newest_first).limit(limit)))


def find_entries(
    session: Session,
    submission_id: UUID,
    *,
    limit: int,
    after: int | None = None,
    outcome: str | None = None,
) -> list[EntryRow]:
    """Entries of one submission in the order of the file; served by the primary key."""
    query = select(*ENTRY_COLUMNS).where(SubmissionEntry.submission_id == submission_id)
    if after is not None:
        query = query.where(SubmissionEntry.ordinal > after)
    if outcome:
        query = query.where(SubmissionEntry.outcome == outcome)
    rows = session.execute(query.order_by(SubmissionEntry.ordinal).limit(limit))
    return [EntryRow(*row) for row in rows]


def find_rejections(
    session: Session,
    facility_code: str,
    *,
    limit: int,
    after: tuple[datetime, UUID, int] | None = None,
    day: date | None = None,
) -> list[EntryRow]:
    """Refused visits that no later sending settled, oldest first; by ix_submission_entry_open."""
    place = (
        SubmissionEntry.entered_at,
        SubmissionEntry.submission_id,
        SubmissionEntry.ordinal,
    )
    query = select(*ENTRY_COLUMNS).where(
        SubmissionEntry.facility_code == facility_code, SubmissionEntry.is_open
    )
    if day:
        starts = datetime.combine(day, time(), VIETNAM)
        query = query.where(
            SubmissionEntry.entered_at >= starts,
            SubmissionEntry.entered_at < starts + timedelta(days=1),
        )
    if after:
        query = query.where(tuple_(*place) > after)
    return [EntryRow(*row) for row in session.execute(query.order_by(*place).limit(limit))]


def count_open_rejections(session: Session, facility_code: str) -> int:
    """How many refused visits wait for a corrected file."""
    query = select(func.count()).where(
        SubmissionEntry.facility_code == facility_code, SubmissionEntry.is_open
    )
    return session.scalar(query) or 0


def find_totals(
    session: Session, facility_code: str, *, first: date, last: date
) -> Sequence[DayTotals]:
    """Files and outcomes by day of arrival, both days included; by ix_submission_timeline.

    A file that is being processed counts as a file and not yet by its visits.
    """
    starts = datetime.combine(first, time(), VIETNAM)
    ends = datetime.combine(last + timedelta(days=1), time(), VIETNAM)
    day = func.date(func.timezone(str(VIETNAM), Submission.received_at))
    sums = [func.sum(func.coalesce(Submission.counts[o.value].as_integer(), 0)) for o in Outcome]
    rows = session.execute(
        select(day, func.count(), func.count().filter(Submission.state == "refused"), *sums)
        .where(
            Submission.facility_code == facility_code,
            Submission.received_at >= starts,
            Submission.received_at < ends,
            Submission.validate_only.is_(False),
        )
        .group_by(day)
        .order_by(day)
    )
    return [
        DayTotals(
            day=row[0],
            files=row[1],
            refused_files=row[2],
            counts=dict(zip([o.value for o in Outcome], map(int, row[3:]), strict=True)),
        )
        for row in rows
    ]
