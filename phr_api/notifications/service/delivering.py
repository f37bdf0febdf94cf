"""From deliveries to senders.

A batch is claimed in one transaction, sent without one, and recorded in another. A worker that dies
in between leaves its claim to pass, and the message is sent once more with the same collapse id.
"""

import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications.queries import deliveries
from phr_api.notifications.queries.deliveries import Claim, End
from phr_api.notifications.rules import policy
from phr_api.notifications.rules.policy import Sent, Verdict
from phr_api.notifications.rules.shown import words
from phr_api.notifications.service.sending import ConsoleSender, Message, Sender

log = logging.getLogger(__name__)

# FCM takes a hundred at once; SMS go one by one, each up to 25 s (to connect, to hand it over, to
# be answered). A batch must end within its claim.
BATCHES = {"push": 100, "sms": 3}
CLAIMED_FOR = timedelta(seconds=120)


class _Process:
    """The senders of this process, and until when a channel rests since its service said so."""

    senders: Mapping[str, Sender] = {"push": ConsoleSender(), "sms": ConsoleSender()}
    not_before: dict[str, datetime] = {}  # noqa: RUF012 - the process's own


def use(senders: Mapping[str, Sender]) -> None:
    """Take the senders of this process, by channel; nothing rests any more."""
    _Process.senders = senders
    _Process.not_before = {}


def deliver_once() -> bool:
    """Hand a batch of each channel to its sender; whether there was anything to do."""
    return sum(deliver(channel) for channel in _Process.senders) > 0


def deliver(channel: str) -> int:
    """Send one batch of a channel; how many deliveries it had. None while the channel rests."""
    at = clock.now()
    if at < _Process.not_before.get(channel, at):
        return 0
    with unit_of_work() as session:
        claims = deliveries.claim(
            session, channel, at=at, until=at + CLAIMED_FOR, most=BATCHES[channel]
        )
        ready = [(one, _message(channel, one, one.address)) for one in claims if one.address]
        nobody = [one for one in claims if one.state == "due" and not one.address]
        deliveries.record(session, [_no_recipient(one, at) for one in nobody], at)
    if not ready:
        return len(claims)
    # no connection is held while the network is waited for
    outcomes = _Process.senders[channel].send([message for _, message in ready], at)
    after = clock.now()
    rest = policy.rest_of_all(outcomes)
    if rest:
        _Process.not_before[channel] = after + rest
    sent = list(zip((one for one, _ in ready), outcomes, strict=True))
    with unit_of_work() as session:
        record(session, channel, sent, after)
    return len(claims)


def record(
    session: Session, channel: str, outcomes: Sequence[tuple[Claim, Sent]], at: datetime
) -> None:
    """Write how each sending ended, by the policy; what needs somebody is logged."""
    verdicts = [(one, _judge(one, sent, at)) for one, sent in outcomes]
    renewed = deliveries.forget_tokens(
        session,
        {
            (one.token_id, one.address)
            for one, verdict in verdicts
            if verdict.forgets_token and one.token_id is not None and one.address is not None
        },
    )
    ends = [
        End(
            id=one.id,
            attempts=one.attempts,
            # where the token is another one now, that one is tried at once
            state="due" if verdict.forgets_token and one.token_id in renewed else verdict.state,
            due_at=verdict.due_at,
            reason=verdict.reason,
        )
        for one, verdict in verdicts
    ]
    deliveries.record(session, ends, at)
    alarms = Counter(verdict.reason for _, verdict in verdicts if verdict.is_alarm)
    for reason, count in alarms.items():
        extra = {"channel": channel, "reason": reason, "deliveries": count}
        log.error("sending needs somebody", extra=extra)


def _judge(one: Claim, sent: Sent, at: datetime) -> Verdict:
    return policy.judge(
        sent,
        attempts=one.attempts,
        at=at,
        expires_at=one.expires_at,
        jitter=random.uniform(-0.2, 0.2),  # noqa: S311 - spreads retries, no secret
    )


def _no_recipient(one: Claim, at: datetime) -> End:
    """Who lost the right, or the device, since this was planned gets nothing."""
    return End(id=one.id, attempts=one.attempts, state="dead", due_at=at, reason="no-recipient")


def _message(channel: str, one: Claim, address: str) -> Message:
    language = one.language or "vi"
    return Message(
        delivery_id=one.id,
        notification_id=one.notification_id,
        channel=channel,
        address=address,
        platform=one.platform,
        language=language,
        kind=one.kind,
        category=one.category,
        is_urgent=one.is_urgent,
        text=words(one.kind, language).push,
        ref_kind=one.ref_kind,
        ref_id=one.ref_id,
        profile_id=one.profile_id,
        collapse_id=one.collapse_id,
        expires_at=one.expires_at,
    )
