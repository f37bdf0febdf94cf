"""Telling people of a card or a paper that ends soon."""

from datetime import datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.kit.clock import VIETNAM
from phr_api.notifications.service.telling import Tell, tell

_EXPIRING = text(
    "SELECT kind, profile_id, ref_id, ends_on, facility, classes FROM expiring(:today, :at)"
)


def tell_expiring(session: Session, at: datetime) -> None:
    """Tell of insurance cards a month, of papers three days before they end; a periodic task.

    Each end is told once. What is told expires with the card or paper itself.
    """
    today = at.astimezone(VIETNAM).date()
    news = []
    for row in session.execute(_EXPIRING, {"today": today, "at": at}):
        over = datetime.combine(row.ends_on + timedelta(days=1), time(), VIETNAM)
        params = {"when": row.ends_on.isoformat()}
        if row.facility:
            params["facility"] = row.facility
        news.append(
            Tell(
                category="account",
                kind=row.kind,
                ref_kind="paper" if row.kind == "account.paper-expiring" else "coverage",
                ref_id=row.ref_id,
                profile_id=row.profile_id,
                params=params,
                classes=row.classes,
                expires_at=over,
            )
        )
    tell(session, *news)
