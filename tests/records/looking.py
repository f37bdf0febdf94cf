"""What tests look up behind intake's back."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phr_api.healthbook.models import Encounter
from phr_api.records.models import ReceivedVisit, SubmissionEntry


def versions(session: Session, key: str) -> list[ReceivedVisit]:
    """Every version of a visit, the oldest first."""
    session.rollback()  # what was committed since is seen
    query = select(ReceivedVisit).where(ReceivedVisit.ma_lk == key)
    return list(session.scalars(query.order_by(ReceivedVisit.version)))


def states(session: Session, key: str) -> list[str]:
    return [version.state for version in versions(session, key)]


def holder(session: Session, key: str) -> UUID:
    """Whose book the current version is in."""
    found = [v.profile_id for v in versions(session, key) if v.state == "current"]
    assert len(found) == 1
    assert found[0] is not None
    return found[0]


def encounters(session: Session, profile_id: UUID) -> dict[UUID, str]:
    """Status by id of a person's encounters."""
    session.rollback()
    rows = session.execute(
        select(Encounter.id, Encounter.status).where(Encounter.profile_id == profile_id)
    )
    return {row[0]: row[1] for row in rows}


def count(session: Session, model: Any, **columns: Any) -> int:
    """How many rows of a table have these values."""
    session.rollback()
    return session.scalar(select(func.count()).select_from(model).filter_by(**columns)) or 0


def entries(session: Session, submission_id: UUID) -> list[SubmissionEntry]:
    session.rollback()
    query = select(SubmissionEntry).where(SubmissionEntry.submission_id == submission_id)
    return list(session.scalars(query.order_by(SubmissionEntry.ordinal)))
