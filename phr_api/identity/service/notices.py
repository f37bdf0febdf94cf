"""What an account was told stays listed; here it is marked as read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api.identity.models import AccountNotice


def mark_notices_read(session: Session, account_id: UUID, at: datetime) -> None:
    """Mark what the account (its scope is set) was told until now; the first time stays."""
    session.execute(
        update(AccountNotice)
        .where(
            AccountNotice.account_id == account_id,
            AccountNotice.at <= at,
            AccountNotice.read_at.is_(None),
        )
        .values(read_at=at)
    )
