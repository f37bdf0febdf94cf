"""Marking messages as read: one's own view of them, whoever else was told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.problems import NotFound
from phr_api.notifications.models import InboxMark, InboxState
from phr_api.notifications.queries.inbox import find_items

_TRIM = text("DELETE FROM inbox_mark WHERE account_id = :account AND notification_id <= :up_to")


def mark_read(session: Session, principal: Principal, notification_id: UUID) -> None:
    """Mark one message as read; again changes nothing. NotFound when the caller may not see it."""
    at = _require_visible(session, principal, notification_id)
    values = {
        "account_id": principal.account_id,
        "notification_id": notification_id,
        "read_at": at,
    }
    session.execute(insert(InboxMark).values(values).on_conflict_do_nothing())


def mark_read_up_to(session: Session, principal: Principal, notification_id: UUID) -> None:
    """Mark this message and all older ones as read. NotFound when the caller may not see it."""
    at = _require_visible(session, principal, notification_id)
    values = {
        "account_id": principal.account_id,
        "read_before": notification_id,
        "updated_at": at,
    }
    statement = insert(InboxState).values(values)
    later = func.greatest(InboxState.read_before, statement.excluded.read_before)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id"], set_={"read_before": later, "updated_at": at}
        )
    )
    # single marks below the line say nothing any more
    session.execute(_TRIM, {"account": principal.account_id, "up_to": notification_id})


def _require_visible(session: Session, principal: Principal, notification_id: UUID) -> datetime:
    at = clock.now()
    if not find_items(session, principal, at=at, most=1, only=notification_id):
        raise NotFound
    return at
