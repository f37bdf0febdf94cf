"""What becomes of a message, by how its sending ended: one table, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Action = Literal["handed", "retry", "dead", "forget", "alarm"]

# Google's advice to who sends many; the minute is for a quota without Retry-After
FIRST_WAIT = timedelta(seconds=10)
QUOTA_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=10)
ALARM_WAIT = timedelta(minutes=10)  # somebody has to repair a credential; the token is good
MOST_DOUBLINGS = 7

# Reasons are firebase-admin's error types, or ours for the SMS gateway; what is not here is
# retried, since its expiry ends it.
POLICY: Mapping[str, Action] = {
    "unregistered": "forget",
    "quota-exceeded": "retry",  # of this device
    "resource-exhausted": "retry",  # of the project, or of the SMS gateway
    "unavailable": "retry",
    "internal": "retry",
    "deadline-exceeded": "retry",
    "unreachable": "retry",  # nothing was sent
    "transport": "retry",  # it may have been
    "unknown": "retry",
    "sender-id-mismatch": "alarm",
    "third-party-auth": "alarm",
    "refresh-failed": "alarm",
    "unauthenticated": "alarm",
    "permission-denied": "alarm",
    "not-found": "alarm",  # the project, not the token: that would be `unregistered`
    "invalid-argument": "dead",
    "out-of-range": "dead",
    "refused": "dead",
    "not-configured": "dead",  # outside development, where nothing is printed instead
}
QUOTAS = frozenset({"quota-exceeded", "resource-exhausted"})
# said of the service: it is left alone, rather than asked once for each message
OF_ALL = frozenset({"unavailable", "resource-exhausted"})

LONGEST_REST = timedelta(minutes=15)  # whatever a service asks for, it is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How the sending of one message ended; `reason` is None when it was handed over."""

    reason: str | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The delivery's next state, and when it is tried again if it stays due."""

    state: Literal["due", "handed", "expired", "dead"]
    due_at: datetime
    reason: str | None = None
    forgets_token: bool = False
    is_alarm: bool = False


def rest_asked(sent: Sent) -> timedelta:
    """How long the service wants to be left alone, as far as we follow it."""
    return min(sent.retry_after or timedelta(), LONGEST_REST)


def rest_of_all(outcomes: Sequence[Sent]) -> timedelta:
    """How long a channel rests after a batch: not at all while its service took one of it."""
    if any(sent.reason is None for sent in outcomes):
        return timedelta()
    asked = [rest_asked(sent) for sent in outcomes if sent.reason in OF_ALL]
    return max(asked, default=timedelta())


def judge(
    sent: Sent, *, attempts: int, at: datetime, expires_at: datetime, jitter: float
) -> Verdict:
    """Decide what becomes of a delivery. `jitter` is between -0.2 and 0.2.

    A next try that would be at or after the expiry is none: the message is expired.
    """
    action = "handed" if sent.reason is None else POLICY.get(sent.reason, "retry")
    if action == "handed":
        return Verdict(state="handed", due_at=at)
    if action in {"dead", "forget"}:
        return Verdict(
            state="dead", due_at=at, reason=sent.reason, forgets_token=action == "forget"
        )
    is_alarm = action == "alarm"
    first = QUOTA_WAIT if sent.reason in QUOTAS else FIRST_WAIT
    wait = ALARM_WAIT if is_alarm else _backoff(first, attempts, jitter)
    due_at = at + max(wait, rest_asked(sent))
    state: Literal["due", "expired"] = "due" if due_at < expires_at else "expired"
    return Verdict(state=state, due_at=due_at, reason=sent.reason, is_alarm=is_alarm)


def _backoff(first: timedelta, attempts: int, jitter: float) -> timedelta:
    doubled = first * (1 << min(max(attempts - 1, 0), MOST_DOUBLINGS))
    return min(doubled, LONGEST_WAIT) * (1 + jitter)
