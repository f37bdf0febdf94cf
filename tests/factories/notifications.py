"""What was told, and the devices that hear it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.notifications.models import Notification, PushToken
from tests.factories.people import SignedIn


def make_notification(session: Session, **given: Any) -> Notification:
    """Save one that is due now, about nothing in particular; say whose it is."""
    at = clock.now()
    values: dict[str, Any] = {
        "id": new_row_id(),
        "category": "booking",
        "kind": "booking.confirmed",
        "params": {},
        "classes": [],
        "is_urgent": True,
        "created_at": at,
        "due_at": at,
        "expires_at": at + timedelta(days=1),
    }
    row = Notification(**(values | given))
    session.add(row)
    session.commit()
    return row


def make_token(session: Session, who: SignedIn, *, language: str = "vi", token: str = "") -> UUID:
    """Save the push token of the device that this session is on."""
    at, value = clock.now(), token or f"token-{uuid4().hex}"
    row = PushToken(
        id=new_row_id(),
        account_id=who.account.id,
        session_id=who.session.id,
        device_id=who.session.device_id,
        token=value,
        token_hash=value.encode(),
        platform="android",
        language=language,
        created_at=at,
        seen_at=at,
    )
    session.add(row)
    session.commit()
    return row.id
