"""The rows of the inbox, devices, phone sign-in."""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from tests.factories.notifications import make_notification
from tests.factories.people import Citizen

PUBLIC = {"POST /v1/sign-in/phone"}
SETTINGS = {
    "language": "vi",
    "quietFrom": "21:00",
    "quietUntil": "07:00",
    "opened": "first",
    "remindDayBefore": True,
    "remindTwoHours": True,
    "channels": [],
}
MINE: dict[str, Any] = {
    "GET /v1/events": None,
    "GET /v1/me/notification-settings": None,
    "GET /v1/notifications": None,
    "POST /v1/me/sms-phone": {"phone": "+84900000000"},
    "POST /v1/me/sms-phone/proof": {"code": "000000"},
    "POST /v1/notifications/read": {"upTo": str(uuid4())},
    "PUT /v1/me/notification-settings": SETTINGS,
}
PERSONAL: dict[str, Any] = {
    "DELETE /v1/devices/{device_id}/push-token": None,
    "POST /v1/notifications/{notification_id}/read": None,
    "PUT /v1/devices/{device_id}/push-token": {"token": "abc", "platform": "android"},
}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    told = make_notification(session, profile_id=victim.profile.id)
    return {"notification_id": str(told.id)}
