"""How long what was told is kept."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from phr_api.notifications.models import (
    Delivery,
    InboxMark,
    Notification,
    PushToken,
    SmsCode,
    SmsDay,
)

TOKENS_KEPT = timedelta(days=270)  # FCM lets a token of an app that was not opened so long expire
DELIVERIES_KEPT = timedelta(days=90)
INBOX_KEPT = timedelta(days=400)
SMS_COUNTS_KEPT = timedelta(days=2)
BATCH = 10_000


def trim(session: Session, at: datetime) -> None:
    """Delete tokens, deliveries and messages of long ago; a periodic task of the worker."""
    session.execute(delete(PushToken).where(PushToken.seen_at < at - TOKENS_KEPT))
    session.execute(
        delete(Delivery).where(Delivery.state != "due", Delivery.updated_at < at - DELIVERIES_KEPT)
    )
    session.execute(delete(SmsCode).where(SmsCode.expires_at < at))
    session.execute(delete(SmsDay).where(SmsDay.on_date < (at - SMS_COUNTS_KEPT).date()))
    old = (
        select(Notification.id)
        .where(
            Notification.created_at < at - INBOX_KEPT,
            Notification.relayed_at.is_not(None),
            ~select(Delivery.id)
            .where(Delivery.notification_id == Notification.id, Delivery.state == "due")
            .exists(),
        )
        .limit(BATCH)
    )
    ids = list(session.scalars(old))
    session.execute(delete(InboxMark).where(InboxMark.notification_id.in_(ids)))
    session.execute(delete(Notification).where(Notification.id.in_(ids)))
