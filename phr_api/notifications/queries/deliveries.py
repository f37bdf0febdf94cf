"""Deliveries in sets: a batch is claimed by one statement and recorded by one.

Rows come as columns, no objects of the ORM: a push costs little more than its HTTP request.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from phr_api.kit.db import do, run
from phr_api.notifications.models import Delivery, PushToken

# What cannot arrive in time any more is expired here, and never sent; nor is what would take the
# place of something newer on its phone. Where each of the others goes
# is read by the same statement: the rights are those of the moment of sending. Several devices of
# an account are one SMS. Who opened a record is behind sign-in, as in the inbox.
_CLAIM = """
WITH due AS (
    SELECT c.id, EXISTS (
        SELECT FROM delivery newer
        WHERE newer.token_id = c.token_id AND newer.collapse_id = c.collapse_id
          AND newer.notification_id > c.notification_id
          AND (newer.state = 'handed' OR newer.state = 'due' AND newer.expires_at > %(at)s)
    ) AS is_superseded
    FROM delivery c
    WHERE c.state = 'due' AND c.due_at <= %(at)s AND c.channel = %(channel)s
    ORDER BY c.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery d SET due_at = %(until)s, attempts = d.attempts + 1, updated_at = %(at)s,
           state = CASE WHEN d.expires_at <= %(at)s THEN 'expired'
                        WHEN due.is_superseded THEN 'dead' ELSE d.state END,
           reason = CASE WHEN d.expires_at <= %(at)s THEN coalesce(d.reason, 'too-late')
                         WHEN due.is_superseded THEN 'superseded' ELSE d.reason END
    FROM due WHERE d.id = due.id
    RETURNING d.*
)
SELECT DISTINCT ON (c.id)
       c.id, c.state, c.attempts, c.expires_at, c.token_id, c.notification_id, c.collapse_id,
       n.kind, n.category, n.is_urgent, n.ref_kind,
       CASE WHEN n.category <> 'access' THEN n.ref_id END,
       n.profile_id, t.platform, t.language,
       CASE c.channel WHEN 'push' THEN t.token ELSE t.sms_phone END
FROM claimed c
JOIN notification n ON n.id = c.notification_id
LEFT JOIN notification_targets(
    ARRAY (SELECT notification_id FROM claimed WHERE state = 'due'), %(at)s
) t ON c.state = 'due' AND t.notification_id = c.notification_id AND t.account_id = c.account_id
   AND (c.channel = 'sms' OR t.token_id = c.token_id)
ORDER BY c.id
"""
# what another worker has claimed since is left to it
_RECORD = (
    "UPDATE delivery d SET state = r.state, due_at = r.due_at, reason = r.reason,"
    " updated_at = %(at)s, handed_at = CASE WHEN r.state = 'handed' THEN %(at)s END"
    " FROM json_to_recordset(CAST(%(rows)s AS json)) AS r (id uuid, attempts integer, state text,"
    " due_at timestamptz, reason text)"
    " WHERE d.id = r.id AND d.attempts = r.attempts AND d.state = 'due'"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker may send until its claim passes.

    `state` is "due", or "expired" or "dead" for one that ended here. Without an `address` nobody
    has a right to it any more, or the device is gone.
    """

    id: UUID
    state: str
    attempts: int
    expires_at: datetime
    token_id: UUID | None
    notification_id: UUID
    collapse_id: str
    kind: str
    category: str
    is_urgent: bool
    ref_kind: str | None
    ref_id: UUID | None
    profile_id: UUID | None
    platform: str | None
    language: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one sending ended; `attempts` tells its claim, so that a later one is left alone."""

    id: UUID
    attempts: int
    state: str
    due_at: datetime
    reason: str | None


def claim(
    session: Session, channel: str, *, at: datetime, until: datetime, most: int
) -> list[Claim]:
    """Take the deliveries of a channel that are due longest, until `until`; expired ones end."""
    parameters = {"at": at, "until": until, "channel": channel, "most": most}
    return [Claim(*row) for row in run(session, _CLAIM, parameters)]


def record(session: Session, ends: Sequence[End], at: datetime) -> None:
    """Write how sendings ended."""
    if ends:
        rows = orjson.dumps(list(ends)).decode()
        do(session, _RECORD, {"rows": rows, "at": at})


def forget_tokens(session: Session, sent_to: Collection[tuple[UUID, str]]) -> set[UUID]:
    """Delete push tokens whose app is gone, each by its id and the token that was sent to.

    Returns the ids that have another token: their app renewed it while the old one was sent to.
    """
    if not sent_to:
        return set()
    held = tuple_(PushToken.id, PushToken.token)
    # it waits for an app that renews just now, and leaves its token then
    session.execute(delete(PushToken).where(held.in_(sent_to)))
    ids = {token_id for token_id, _ in sent_to}
    return set(session.scalars(select(PushToken.id).where(PushToken.id.in_(ids))))


def find_deliveries(
    session: Session, *, state: str | None, since: datetime, most: int = 1000
) -> list[Delivery]:
    """Return deliveries by how they ended, newest first: no addresses, no words."""
    query = select(Delivery).where(Delivery.updated_at >= since)
    if state is not None:
        query = query.where(Delivery.state == state)
    return list(session.scalars(query.order_by(Delivery.updated_at.desc()).limit(most)))
