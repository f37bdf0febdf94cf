"""From deliveries to senders.

A batch is claimed in one transaction, sent without one, and recorded in another. A worker that dies
in between leaves its claim to pass, and the message is sent once more with the same collapse id.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import do, run, unit_of_work
from phr_api.notifications.models import Delivery, Notification, PushToken
from phr_api.notifications.rules import policy
from phr_api.notifications.rules.policy import Sent, Verdict
from phr_api.notifications.rules.shown import words
from phr_api.notifications.service.outbox import Target, find_targets
from phr_api.notifications.service.sending import ConsoleSender, Message, Sender

log = logging.getLogger(__name__)

# FCM takes a hundred at once; SMS go one by one, and all of a batch must end within its claim
BATCHES = {"push": 100, "sms": 5}
CLAIMED_FOR = timedelta(seconds=60)

# What cannot arrive in time any more is expired here, and never sent.
_CLAIM = """
UPDATE delivery d SET due_at = %(until)s, attempts = d.attempts + 1, updated_at = %(at)s,
       state = CASE WHEN d.expires_at <= %(at)s THEN 'expired' ELSE d.state END,
       reason = CASE WHEN d.expires_at <= %(at)s THEN coalesce(d.reason, 'too-late')
                     ELSE d.reason END
FROM (SELECT c.id FROM delivery c
      WHERE c.state = 'due' AND c.due_at <= %(at)s AND c.channel = %(channel)s
      ORDER BY c.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) claimed
WHERE d.id = claimed.id
RETURNING d.id, d.notification_id, d.account_id, d.token_id, d.attempts, d.expires_at, d.state
"""
# all of a batch in one statement; what another worker has claimed since is left to it
_RECORD = (
    "UPDATE delivery d SET state = r.state, due_at = r.due_at, reason = r.reason,"
    " updated_at = r.at, handed_at = CASE WHEN r.state = 'handed' THEN r.at END"
    " FROM json_to_recordset(CAST(%(rows)s AS json)) AS r (id uuid, attempts integer, state text,"
    " due_at timestamptz, reason text, at timestamptz)"
    " WHERE d.id = r.id AND d.attempts = r.attempts AND d.state = 'due'"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker may send until its claim passes."""

    id: UUID
    notification_id: UUID
    account_id: UUID
    token_id: UUID | None
    attempts: int
    expires_at: datetime
    state: str


class _Process:
    """The senders of this process, and until when a channel rests since its service said so."""

    senders: Mapping[str, Sender] = {"push": ConsoleSender(), "sms": ConsoleSender()}
    not_before: dict[str, datetime] = {}  # noqa: RUF012 - the process's own


def use(senders: Mapping[str, Sender]) -> None:
    """Take the senders of this process, by channel; nothing rests any more."""
    _Process.senders = senders
    _Process.not_before = {}


def deliver_once() -> bool:
    """Hand a batch of due deliveries to their senders; whether there was anything to do."""
    return sum(deliver(channel) for channel in _Process.senders) > 0


def deliver(channel: str) -> int:
    """Send one batch of a channel; how many deliveries it had. None while the channel rests."""
    at = clock.now()
    if at < _Process.not_before.get(channel, at):
        return 0
    with unit_of_work() as session:
        claims = claim(session, channel, at)
        ready = address(session, channel, claims, at)
    if not ready:
        return len(claims)
    # no connection is held while the network is waited for
    outcomes = _Process.senders[channel].send([message for _, message in ready], at)
    after = clock.now()
    with unit_of_work() as session:
        record(session, channel, list(zip(ready, outcomes, strict=True)), after)
    return len(claims)


def claim(session: Session, channel: str, at: datetime) -> list[Claim]:
    """Take a batch of due deliveries for CLAIMED_FOR; expired ones end here."""
    most = BATCHES[channel]
    rows = run(
        session, _CLAIM, {"at": at, "until": at + CLAIMED_FOR, "channel": channel, "most": most}
    )
    return [one for one in (Claim(*row) for row in rows) if one.state == "due"]


def address(
    session: Session, channel: str, claims: Sequence[Claim], at: datetime
) -> list[tuple[Claim, Message]]:
    """Read where each goes now; who has no right or no such device any more gets nothing.

    That ends the delivery as dead with the reason `no-recipient`.
    """
    ids = sorted({one.notification_id for one in claims})
    told = {one.id: one for one in session.scalars(select(Notification).where(_among(ids)))}
    targets = {_place(channel, target): target for target in find_targets(session, ids, at)}
    ready: list[tuple[Claim, Message]] = []
    for one in claims:
        target = targets.get((one.notification_id, one.account_id, one.token_id))
        where = None if target is None else _where(channel, target)
        if target is None or where is None:
            verdict = Verdict(state="dead", due_at=at, reason="no-recipient")
            _record(session, [_values(one, verdict, at)])
        else:
            ready.append((one, _message(channel, told[one.notification_id], target, where)))
    return ready


def _among(ids: Sequence[UUID]) -> Any:
    return Notification.id.in_(ids)


def _where(channel: str, target: Target) -> str | None:
    return target.token if channel == "push" else target.sms_phone


def _place(channel: str, target: Target) -> tuple[UUID, UUID, UUID | None]:
    token_id = target.token_id if channel == "push" else None
    return target.notification_id, target.account_id, token_id


def _message(channel: str, told: Notification, target: Target, where: str) -> Message:
    return Message(
        notification_id=told.id,
        channel=channel,
        address=where,
        platform=target.platform,
        language=target.language,
        kind=told.kind,
        category=told.category,
        is_urgent=told.is_urgent,
        text=words(told.kind, target.language).push,
        ref_kind=told.ref_kind,
        ref_id=told.ref_id,
        profile_id=told.profile_id,
        expires_at=told.expires_at,
    )


def record(
    session: Session,
    channel: str,
    outcomes: Sequence[tuple[tuple[Claim, Message], Sent]],
    at: datetime,
) -> None:
    """Write how each sending ended, by the policy; a service that asks for rest gets it."""
    rest = max((policy.rest_asked(sent) for _, sent in outcomes), default=timedelta())
    if rest:
        _Process.not_before[channel] = at + rest
    forgotten: list[UUID] = []
    values = []
    for (one, _), sent in outcomes:
        verdict = policy.judge(
            sent,
            attempts=one.attempts,
            at=at,
            expires_at=one.expires_at,
            jitter=random.uniform(-0.2, 0.2),  # noqa: S311 - spreads retries, no secret
        )
        values.append(_values(one, verdict, at))
        if verdict.forgets_token and one.token_id is not None:
            forgotten.append(one.token_id)
        if verdict.is_alarm:
            extra = {"channel": channel, "reason": verdict.reason, "delivery": str(one.id)}
            log.error("sending needs somebody", extra=extra)
    _record(session, values)
    if forgotten:
        session.execute(delete(PushToken).where(PushToken.id.in_(forgotten)))


def _record(session: Session, values: list[dict[str, Any]]) -> None:
    do(session, _RECORD, {"rows": orjson.dumps(values).decode()})


def _values(one: Claim, verdict: Verdict, at: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "attempts": one.attempts,
        "state": verdict.state,
        "due_at": verdict.due_at,
        "reason": verdict.reason,
        "at": at,
    }


def find_deliveries(
    session: Session, *, state: str | None, since: datetime, most: int = 1000
) -> list[Delivery]:
    """Return deliveries by how they ended, newest first: no addresses, no words."""
    query = select(Delivery).where(Delivery.updated_at >= since)
    if state is not None:
        query = query.where(Delivery.state == state)
    return list(session.scalars(query.order_by(Delivery.updated_at.desc()).limit(most)))
