"""What does not live for ever: attempts, assertion ids, ended sessions, idle limits."""

from datetime import datetime, timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from phr_api.identity.models import ClientJti, SignInAttempt
from phr_api.kit import limits

ATTEMPTS_KEPT = timedelta(days=1)
SESSIONS_KEPT = timedelta(days=90)

_SESSIONS = text("SELECT trim_sessions(:before)")


def trim(session: Session, at: datetime) -> None:
    """Delete attempts a day after their end, sessions 90 days after theirs, and spent counters.

    A periodic task of the worker.
    """
    session.execute(delete(SignInAttempt).where(SignInAttempt.expires_at < at - ATTEMPTS_KEPT))
    session.execute(delete(ClientJti).where(ClientJti.expires_at < at))
    session.scalar(_SESSIONS, {"before": at - SESSIONS_KEPT})
    limits.trim(session, at)
