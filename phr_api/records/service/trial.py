"""A validate-only file: what would be refused, and nothing written but the report (7 days)."""

import logging
from dataclasses import dataclass
from threading import Event
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import insert_rows, set_scope, unit_of_work
from phr_api.records import rules
from phr_api.records.models import Outcome, ReceivedVisit, SubmissionEntry, VisitState
from phr_api.records.reader import VisitRefused, VisitSegment, read_visit
from phr_api.records.service import reading
from phr_api.records.service.job import Job
from phr_api.records.service.reading import Checked

log = logging.getLogger(__name__)

ENTRIES_A_STATEMENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One entry of the report; tables without a summary hang on what the facility sent before."""

    row: dict[str, Any]
    is_bare: bool


def report(job: Job, checked: Checked, stop: Event) -> bool:
    """Read every visit and write one entry each; False when `stop` was set before the end.

    Nobody is matched, and no byte is kept.
    """
    with unit_of_work() as session:
        set_scope(session, facility_id=job.facility_code)
        session.execute(  # of an attempt that did not come to its end
            delete(SubmissionEntry).where(SubmissionEntry.submission_id == job.submission_id)
        )
    lines: list[_Line] = []
    for part in reading.walk(job.chunks(), checked):
        if stop.is_set():
            return False
        if isinstance(part, VisitSegment):
            lines.append(_line(job, part))
        if len(lines) == ENTRIES_A_STATEMENT:
            _write(job, lines)
            lines = []
    _write(job, lines)
    return True


def _line(job: Job, part: VisitSegment) -> _Line:
    ma_lk, ma_bn, is_bare = None, None, False
    reasons: list[dict[str, Any]] = []
    try:
        read = read_visit(part.raw)
        ma_lk, ma_bn = read.ma_lk, read.ma_bn
        is_bare = not rules.is_whole(read.table_names)
        if not is_bare:
            reading.interpreted(read, job.facility_code)
    except VisitRefused as refused:
        ma_lk, ma_bn = refused.ma_lk or ma_lk, refused.ma_bn or ma_bn
        reasons = reading.reason_rows(refused)
    except Exception as error:
        extra = {"submission": str(job.submission_id), "ordinal": part.ordinal}
        log.error("visit failed", exc_info=error, extra=extra)  # noqa: TRY400 - no message of it
        reasons = [rules.FAILED]
    row = {
        "submission_id": job.submission_id,
        "ordinal": part.ordinal,
        "facility_code": job.facility_code,
        "ma_lk": ma_lk,
        "ma_bn": ma_bn,
        "outcome": Outcome.REFUSED if reasons else Outcome.ACCEPTED,
        "reasons": reasons,
        "start_byte": part.start,
        "plain_bytes": len(part.raw),
        "is_open": False,  # a trial leaves nothing to correct
        "entered_at": clock.now(),
    }
    return _Line(row=row, is_bare=is_bare)


def _write(job: Job, lines: list[_Line]) -> None:
    with unit_of_work() as session:
        set_scope(session, facility_id=job.facility_code)
        known = _known(session, job, [line.row["ma_lk"] for line in lines if line.is_bare])
        for line in lines:
            if line.is_bare and line.row["ma_lk"] not in known:
                line.row.update(outcome=Outcome.REFUSED, reasons=[rules.NO_SUMMARY])
        insert_rows(session, SubmissionEntry, [line.row for line in lines])


def _known(session: Session, job: Job, visits: list[str]) -> set[str]:
    if not visits:
        return set()
    return set(
        session.scalars(
            select(ReceivedVisit.ma_lk).where(
                ReceivedVisit.facility_code == job.facility_code,
                ReceivedVisit.ma_lk.in_(visits),
                ReceivedVisit.state.in_([VisitState.CURRENT, VisitState.NEEDS_REVIEW]),
            )
        )
    )
