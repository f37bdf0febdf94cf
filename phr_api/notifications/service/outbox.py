"""From the outbox to deliveries: who gets it, on which devices, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import insert_rows, run, unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.notifications.models import Delivery
from phr_api.notifications.rules.collapse import collapse_id
from phr_api.notifications.rules.quiet import URGENT, after_quiet, may_wait
from phr_api.notifications.service.ceiling import take_sms
from phr_api.notifications.service.lines import find_concerned

BATCH = 500
CHANNEL = "phr_events"
LINES = "phr_lines"
MOST_NOTIFIED = 150  # a payload of NOTIFY is shorter than 8,000 bytes; an id has 36

# Told within the same transaction: a worker that dies leaves them in the outbox.
_TAKE = """
UPDATE notification n SET relayed_at = %(at)s
FROM (SELECT o.id FROM notification o WHERE o.relayed_at IS NULL AND o.due_at <= %(at)s
      ORDER BY o.due_at, o.id LIMIT %(most)s FOR UPDATE SKIP LOCKED) due
WHERE n.id = due.id
RETURNING n.id, n.category, n.kind, n.profile_id, n.ref_id, n.is_urgent, n.wants_sms,
          n.expires_at
"""
_TARGETS = (
    "SELECT notification_id, account_id, token_id, token, platform, language, is_push_on,"
    " is_sms_on, quiet_from, quiet_until, sms_phone"
    " FROM notification_targets(%(ids)s::uuid[], %(at)s)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A message of the outbox, as far as planning its deliveries needs it."""

    id: UUID
    category: str
    kind: str
    profile_id: UUID | None
    ref_id: UUID | None
    is_urgent: bool
    wants_sms: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """One account that a message is for, with one of its devices or none."""

    notification_id: UUID
    account_id: UUID
    token_id: UUID | None
    token: str | None
    platform: str | None
    language: str
    is_push_on: bool
    is_sms_on: bool
    quiet_from: time
    quiet_until: time
    sms_phone: str | None


def drain_once() -> bool:
    """Expand a batch of what was told into deliveries and wake who follows a line that moved.

    Returns whether there was anything to do.
    """
    at = clock.now()
    with unit_of_work() as session:  # one for both: this is asked twenty times a second
        return drain(session, at) + wake_lines(session, at) > 0


def wake_lines(session: Session, at: datetime) -> int:
    """Wake the open streams of those whom changes of lines concern; how many accounts have any."""
    concerned = find_concerned(session, at)
    _notify(session, LINES, concerned)
    return len(concerned)


def drain(session: Session, at: datetime) -> int:
    """Make the deliveries of up to BATCH due messages and tell open streams; how many there were.

    All in the caller's transaction: a worker that dies leaves them in the outbox.
    """
    told = [Told(*row) for row in run(session, _TAKE, {"at": at, "most": BATCH})]
    if not told:
        return 0
    targets = find_targets(session, [one.id for one in told], at)
    by_id = {one.id: one for one in told}
    rows = [row for target in targets for row in plan(by_id[target.notification_id], target, at)]
    planned = list({_key(row): row for row in rows}.values())
    _keep_ceiling(session, planned, targets, at)
    insert_rows(session, Delivery, planned)
    _notify(session, CHANNEL, sorted({str(target.account_id) for target in targets}))
    return len(told)


def find_targets(session: Session, ids: Sequence[UUID], at: datetime) -> list[Target]:
    """Return who these messages are for now, a row a device; the rights are read now."""
    rows = run(session, _TARGETS, {"ids": list(ids), "at": at})
    return [Target(*row) for row in rows]


def plan(told: Told, target: Target, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield the deliveries of one message to one target; one that would come too late is expired.

    Quiet hours move what is not urgent to their end; inbox and stream do not wait.
    """
    due_at = at
    if not told.is_urgent and told.category not in URGENT:
        quiet_ends = after_quiet(at, target.quiet_from, target.quiet_until)
        if may_wait(told.kind, until=quiet_ends, expires_at=told.expires_at):
            due_at = quiet_ends
    channels: list[tuple[str, UUID | None]] = []
    if target.is_push_on and target.token_id is not None:
        channels.append(("push", target.token_id))
    if told.wants_sms and target.is_sms_on and target.sms_phone is not None:
        channels.append(("sms", None))
    place = collapse_id(
        told.id, category=told.category, profile_id=told.profile_id, ref_id=told.ref_id
    )
    for channel, token_id in channels:
        is_late = due_at >= told.expires_at
        yield {
            "id": new_row_id(),
            "notification_id": told.id,
            "account_id": target.account_id,
            "token_id": token_id,
            "channel": channel,
            "state": "expired" if is_late else "due",
            "collapse_id": place,
            "due_at": due_at,
            "expires_at": told.expires_at,
            "attempts": 0,
            "reason": "too-late" if is_late else None,
            "updated_at": at,
        }


def _keep_ceiling(
    session: Session, planned: list[dict[str, Any]], targets: Sequence[Target], at: datetime
) -> None:
    """End the SMS that are more than a day's; the push and the inbox stay."""
    phones = {(one.notification_id, one.account_id): one.sms_phone or "" for one in targets}
    sms = [row for row in planned if row["channel"] == "sms" and row["state"] == "due"]
    if not sms:
        return
    wanted = [(row["account_id"], phones[row["notification_id"], row["account_id"]]) for row in sms]
    has_room = take_sms(session, wanted, at.astimezone(clock.VIETNAM).date())
    for row, has in zip(sms, has_room, strict=True):
        if not has:
            row |= {"state": "dead", "reason": "daily-ceiling"}


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    """One SMS an account, whatever the number of its devices."""
    return row["notification_id"], row["account_id"], row["channel"], row["token_id"]


def _notify(session: Session, channel: str, accounts: Sequence[str]) -> None:
    """Wake the streams of these accounts when this transaction commits; ids only (R25)."""
    for start in range(0, len(accounts), MOST_NOTIFIED):
        payload = ",".join(accounts[start : start + MOST_NOTIFIED])
        session.execute(
            text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload}
        )
