"""The rows of the matrix, one file a room: an operation is in one of four tables.

PUBLIC: for everybody. MINE: one's own, without an id in the address. PERSONAL: somebody's, by id.
FACILITY: a facility's, and which of its roles. QUERIES: what an address needs behind it.
"""

from typing import Any

from sqlalchemy.orm import Session

from tests.contract.rows import base, bookings, clinics, notifications, pages, queue
from tests.factories.people import Citizen

ROOMS = (base, clinics, bookings, queue, notifications, pages)

PUBLIC: set[str] = set()
MINE: dict[str, Any] = {}
PERSONAL: dict[str, Any] = {}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {}
QUERIES: dict[str, str] = {}
for _room in ROOMS:
    PUBLIC |= _room.PUBLIC
    MINE |= _room.MINE
    PERSONAL |= _room.PERSONAL
    FACILITY |= _room.FACILITY
    QUERIES |= _room.QUERIES


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """What every room made for the victim, by the names in the addresses."""
    made: dict[str, str] = {}
    for room in ROOMS:
        made |= room.extra_ids(session, victim)
    return made
