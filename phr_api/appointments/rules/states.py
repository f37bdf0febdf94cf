"""The states of a booking, and who changes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

State = Literal[
    "held",
    "requested",
    "confirmed",
    "declined",
    "cancelled",
    "no-show",
    "arrived",
    "in-room",
    "done",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who changes a booking; staff by the name of their own membership, never another's."""

    kind: Literal["citizen", "staff", "worker"]
    id: UUID | None = None
    name: str | None = None


def is_late(at: datetime, starts: datetime, *, notice_minutes: int) -> bool:
    """Whether a seat given up at this moment is given up late, by the rule of its service."""
    return at > starts - timedelta(minutes=notice_minutes)
