"""The change feed of one person, as far as a scope sees it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope


@dataclass(frozen=True, slots=True)
class Change:
    """A row came or changed (upsert), or is not there any more (tombstone)."""

    seq: int
    kind: str
    id: UUID
    op: str
    section: str


@dataclass(frozen=True, slots=True)
class FeedEnds:
    """The oldest change that is kept, and the newest one that this scope sees (0: none)."""

    oldest: int
    newest: int


def find_changes(session: Session, scope: RecordScope, *, after: int, limit: int) -> list[Change]:
    """Changes after a position, oldest first; walks the primary key. Policies hide the rest."""
    rows = session.execute(
        text(
            "SELECT seq, kind, id, op, section FROM record_change"
            " WHERE profile_id = :profile AND seq > :after ORDER BY seq LIMIT :limit"
        ),
        {"profile": scope.profile_id, "after": after, "limit": limit},
    )
    return [Change(*row) for row in rows]


def feed_ends(session: Session, scope: RecordScope) -> FeedEnds:
    """Where this scope's feed begins and ends; both ends of the primary key."""
    row = session.execute(
        text(
            "SELECT r.oldest_seq, coalesce((SELECT max(c.seq) FROM record_change c"
            " WHERE c.profile_id = r.profile_id), 0) FROM record r WHERE r.profile_id = :profile"
        ),
        {"profile": scope.profile_id},
    ).one()
    return FeedEnds(*row)
