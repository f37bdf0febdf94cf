"""What a sender is given, what it answers, and the sender of machines without credentials."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from phr_api.notifications.rules.policy import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on its way to one device or phone: neutral words and ids (R26)."""

    delivery_id: UUID  # one device or phone, whatever the number of tries
    notification_id: UUID
    channel: str
    address: str  # the device's token, or the phone's number; never printed
    platform: str | None
    language: str
    kind: str
    category: str
    is_urgent: bool
    text: str
    ref_kind: str | None
    ref_id: UUID | None
    profile_id: UUID | None
    collapse_id: str  # the place on the phone: the same for a repeat, and for the next state
    expires_at: datetime


class Sender(Protocol):
    """Hands messages over; answers one Sent for each, in their order, and raises nothing."""

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]: ...


class ConsoleSender:
    """Print what would be sent, where there are no credentials: a laptop."""

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:  # noqa: ARG002
        for one in messages:
            sys.stdout.write(f"{one.channel} [{one.kind}, {one.language}] {one.text}\n")
        sys.stdout.flush()
        return [Sent() for _ in messages]


class NoSender:
    """Where a way out is not configured, messages end as dead and can be listed; none is lost."""

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:  # noqa: ARG002
        return [Sent(reason="not-configured") for _ in messages]
