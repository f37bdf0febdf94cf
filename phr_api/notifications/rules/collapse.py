"""Which push takes the place of which.

An id a thing that replaces itself: on the phone the newest state of a booking stands where the one
before it stood, and a repeat where its first did. What happened, rather than what something is now,
keeps a place of its own.

FCM keeps pushes for an Android phone that is offline by collapse key, and only for four different
keys, whichever they are (Firebase, "Non-collapsible and collapsible messages"). So there are four
keys: of each the newest waits for the phone, and none of them is lost to a fifth.
"""

from collections.abc import Mapping
from uuid import UUID, uuid5

WAITING: Mapping[str, str] = {
    "booking": "booking",
    "offer": "offer",
    "reminder": "visit-day",
    "queue": "visit-day",
    "record": "news",
    "correction": "news",
    "access": "news",
    "account": "news",
}
EVENTS = frozenset({"access"})


def collapse_id(
    notification_id: UUID, *, category: str, profile_id: UUID | None, ref_id: UUID | None
) -> str:
    """Return the id of a push's place: 36 characters, and without hyphens the 32 of a web topic."""
    if ref_id is None or category in EVENTS:
        return str(notification_id)
    return str(uuid5(ref_id, f"{category} {profile_id}"))
