"""Ids: UUIDv7 (RFC 9562 §5.7) for rows, so that indexes grow at one end; v4 for people.

A profile's, share's or public id says nothing of when it was made.
"""

import os
from uuid import UUID, uuid4

from phr_api.kit import clock


def new_row_id() -> UUID:
    """Return a UUIDv7 of the present millisecond: 48 bits of time, 74 random."""
    milliseconds = int(clock.now().timestamp() * 1000)
    random = int.from_bytes(os.urandom(10)) >> 6
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | random >> 62
    low = 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=high << 64 | low)


def new_public_id() -> UUID:
    """Return a UUIDv4: says nothing of when, for profiles, accounts and what is shared."""
    return uuid4()
