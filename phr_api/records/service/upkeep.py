"""What intake keeps only for a while: the reports of validate-only files, seven days."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from phr_api.kit.db import set_scope
from phr_api.records.models import Submission, SubmissionEntry

REPORTS_KEPT = timedelta(days=7)
A_TIME = 100


def trim_reports(session: Session, at: datetime) -> int:
    """Delete reports that ended seven days before `at`; how many. A periodic task of the worker."""
    old = session.execute(
        select(Submission.id, Submission.facility_code)
        .where(Submission.validate_only, Submission.finished_at < at - REPORTS_KEPT)
        .limit(A_TIME)
    ).all()
    for submission_id, facility_code in old:
        set_scope(session, facility_id=facility_code)
        session.execute(
            delete(SubmissionEntry).where(SubmissionEntry.submission_id == submission_id)
        )
        session.execute(delete(Submission).where(Submission.id == submission_id))
    return len(old)
