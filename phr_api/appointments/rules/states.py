"""The states of a booking, and who changes them."""

from dataclasses import dataclass
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
