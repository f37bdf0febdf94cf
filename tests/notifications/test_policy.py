"""The policy table, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from phr_api.notifications.rules.policy import (
    ALARM_WAIT,
    LONGEST_REST,
    POLICY,
    Sent,
    judge,
    rest_of_all,
)

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
LATER = AT + timedelta(days=1)


def test_what_was_handed_over_is_done() -> None:
    verdict = judge(Sent(), attempts=1, at=AT, expires_at=LATER, jitter=0)
    assert (verdict.state, verdict.reason) == ("handed", None)


@pytest.mark.parametrize(
    ("reason", "state", "forgets", "alarm"),
    [
        ("unregistered", "dead", True, False),
        ("quota-exceeded", "due", False, False),
        ("resource-exhausted", "due", False, False),
        ("unavailable", "due", False, False),
        ("internal", "due", False, False),
        ("deadline-exceeded", "due", False, False),
        ("transport", "due", False, False),
        ("unreachable", "due", False, False),
        ("unknown", "due", False, False),
        ("sender-id-mismatch", "due", False, True),
        ("third-party-auth", "due", False, True),
        ("refresh-failed", "due", False, True),
        ("unauthenticated", "due", False, True),
        ("permission-denied", "due", False, True),
        ("not-found", "due", False, True),
        ("invalid-argument", "dead", False, False),
        ("out-of-range", "dead", False, False),
        ("refused", "dead", False, False),
        ("not-configured", "dead", False, False),
    ],
)
def test_each_reason_has_its_end(reason: str, state: str, *, forgets: bool, alarm: bool) -> None:
    verdict = judge(Sent(reason=reason), attempts=1, at=AT, expires_at=LATER, jitter=0)
    assert (verdict.state, verdict.forgets_token, verdict.is_alarm) == (state, forgets, alarm)
    assert verdict.reason == reason
    if alarm:
        assert verdict.due_at == AT + ALARM_WAIT


def test_the_table_above_is_whole() -> None:
    assert len(POLICY) == 19


def test_something_new_is_tried_again() -> None:
    verdict = judge(Sent(reason="never seen"), attempts=1, at=AT, expires_at=LATER, jitter=0)
    assert verdict.state == "due"


@pytest.mark.parametrize(
    ("attempts", "asked", "jitter", "seconds"),
    [(1, None, 0, 10), (2, None, 0, 20), (3, None, 0.2, 48), (30, None, 0, 600), (1, 90, 0, 90)],
)
def test_waits_grow_and_the_service_is_heard(
    attempts: int, asked: int | None, jitter: float, seconds: float
) -> None:
    wait = None if asked is None else timedelta(seconds=asked)
    sent = Sent(reason="unavailable", retry_after=wait)
    verdict = judge(sent, attempts=attempts, at=AT, expires_at=LATER, jitter=jitter)
    assert verdict.due_at - AT == timedelta(seconds=seconds)


def test_nothing_is_tried_after_its_expiry() -> None:
    soon = AT + timedelta(seconds=5)
    verdict = judge(Sent(reason="unavailable"), attempts=1, at=AT, expires_at=soon, jitter=0)
    assert (verdict.state, verdict.reason) == ("expired", "unavailable")


def test_a_quota_without_retry_after_waits_a_minute() -> None:
    for reason in ("quota-exceeded", "resource-exhausted"):
        verdict = judge(Sent(reason=reason), attempts=1, at=AT, expires_at=LATER, jitter=0)
        assert verdict.due_at - AT == timedelta(minutes=1)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("outcomes", "rest"),
    [
        ([], timedelta()),
        ([Sent(reason="unavailable")], timedelta()),
        ([Sent(reason="unavailable", retry_after=MINUTE), Sent(reason="transport")], MINUTE),
        ([Sent(reason="resource-exhausted", retry_after=2 * MINUTE)], 2 * MINUTE),
        ([Sent(reason="unavailable", retry_after=timedelta(days=1))], LONGEST_REST),
        ([Sent(reason="quota-exceeded", retry_after=MINUTE)], timedelta()),
        ([Sent(reason="unavailable", retry_after=MINUTE), Sent()], timedelta()),
    ],
)
def test_a_channel_rests_when_its_service_asks_and_took_nothing(
    outcomes: list[Sent], rest: timedelta
) -> None:
    assert rest_of_all(outcomes) == rest
