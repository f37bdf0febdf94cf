"""Positions in the line at the clinic, as the people who wait there follow them.

The rooms that have the line say how it is read (`use_positions`); what is here wakes the streams of
those whom a change concerns and sends each what is new to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.identity import Principal
from phr_api.kit.db import run

BATCH = 1000
OVER = frozenset({"done", "left"})

_TAKE = (
    "DELETE FROM line_change WHERE id IN (SELECT c.id FROM line_change c ORDER BY c.id"
    " LIMIT %(most)s FOR UPDATE SKIP LOCKED) RETURNING queue_id, on_date, ticket_id"
)
_ACCOUNTS = (
    "SELECT a::text FROM line_accounts(%(queues)s::uuid[], %(days)s::date[], %(tickets)s::uuid[],"
    " %(at)s) AS a ORDER BY a"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far one number is; `ahead` and `estimated_at` while it waits."""

    ticket_id: UUID
    booking_id: UUID
    profile_id: UUID | None
    label: str
    state: str
    room: str | None
    ahead: int | None
    estimated_at: datetime | None

    @property
    def place(self) -> tuple[object, ...]:
        """What makes it news: the estimate alone moves with every minute."""
        return self.label, self.state, self.room, self.ahead


Places = dict[UUID, tuple[object, ...]]
Read = Callable[[Session, Principal], list[Position]]


class _Process:
    read: Read = staticmethod(lambda _session, _principal: [])


def use_positions(read: Read) -> None:
    """Take how positions are read, under the right of the session that asks."""
    _Process.read = staticmethod(read)


def find_concerned(session: Session, at: datetime) -> list[str]:
    """Take what changed in the lines, and return the accounts whose positions may have."""
    changes = run(session, _TAKE, {"most": BATCH})
    if not changes:
        return []
    queues, days, tickets = (list(column) for column in zip(*changes, strict=True))
    values = {"queues": queues, "days": days, "tickets": tickets, "at": at}
    return [row[0] for row in run(session, _ACCOUNTS, values)]


def find_news(session: Session, principal: Principal, known: Places) -> Iterator[Position]:
    """Yield the positions that differ from those `known`, which then has them.

    One that is over is news only to who followed it.
    """
    for one in _Process.read(session, principal):
        before = known.get(one.ticket_id)
        known[one.ticket_id] = one.place
        if before != one.place and not (before is None and one.state in OVER):
            yield one
