"""Positions in a person's change feed, as cursors that one account can use and nobody can read.

A cursor holds the position and the classes that its maker saw. When the caller sees less now, the
answer says `accessLost`; when more, what was hidden before lies behind the cursor: start again.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from phr_api.kit import cursor
from phr_api.kit.problems import InvalidCursor
from phr_api.vocab import SensitivityClass

# In this order for ever: the position in the list is the bit in a cursor.
CLASSES = (
    SensitivityClass.HIV,
    SensitivityClass.TB,
    SensitivityClass.MENTAL,
    SensitivityClass.REPRODUCTIVE,
)
LAYOUT = struct.Struct(">QB")


@dataclass(frozen=True, slots=True)
class Position:
    """The last change that was told, and the classes that were visible then."""

    seq: int
    classes: frozenset[SensitivityClass]


def position_cursor(account_id: UUID, profile_id: UUID, seq: int, classes: Collection[str]) -> str:
    """Return the cursor of this account for this person's feed; the same position, same text."""
    bits = sum(1 << bit for bit, name in enumerate(CLASSES) if name in classes)
    return cursor.seal(_kind(account_id, profile_id), LAYOUT.pack(seq, bits))


def read_position(account_id: UUID, profile_id: UUID, text: str) -> Position:
    """Return what `position_cursor` was given; InvalidCursor if it made no such cursor."""
    raw = cursor.unseal(_kind(account_id, profile_id), text)
    if len(raw) != LAYOUT.size:
        raise InvalidCursor
    seq, bits = LAYOUT.unpack(raw)
    return Position(seq, frozenset(name for bit, name in enumerate(CLASSES) if bits >> bit & 1))


def _kind(account_id: UUID, profile_id: UUID) -> str:
    return f"changes/{account_id}/{profile_id}"
