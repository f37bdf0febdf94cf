"""firebase_admin over real HTTP against a server that behaves as Google's."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from firebase_admin import messaging
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.notifications import KINDS, configure, deliver_once, drain_once
from phr_api.notifications.models import Delivery, PushToken
from phr_api.notifications.rules.policy import POLICY
from phr_api.notifications.rules.shown import words
from phr_api.notifications.service import delivering
from phr_api.notifications.service.push import REASONS, FcmSender
from phr_api.notifications.service.sending import ConsoleSender, Message, NoSender
from phr_api.settings import SettingError, Settings
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import make_citizen
from tests.notifications.fcm_server import FcmServer

AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def fcm() -> Generator[FcmServer]:
    with FcmServer() as server:
        yield server
        assert server.wrong == []


@pytest.fixture
def sender(fcm: FcmServer) -> Generator[FcmSender]:
    made = FcmSender(fcm.key, url=fcm.url)
    yield made
    made.close()


def message(**given: object) -> Message:
    values = {
        "delivery_id": new_row_id(),
        "notification_id": new_row_id(),
        "channel": "push",
        "address": f"token-{uuid4().hex}",
        "platform": "android",
        "language": "vi",
        "kind": "booking.confirmed",
        "category": "booking",
        "is_urgent": False,
        "text": words("booking.confirmed", "vi").push,
        "ref_kind": "booking",
        "ref_id": uuid4(),
        "profile_id": uuid4(),
        "collapse_id": str(uuid4()),
        "expires_at": clock.now() + timedelta(hours=3),
    }
    return Message(**(values | given))  # type: ignore[arg-type]


def test_a_message_is_neutral_and_ends_before_its_event(fcm: FcmServer, sender: FcmSender) -> None:
    at = clock.now()
    one = message(expires_at=at + timedelta(seconds=90))
    assert sender.send([one], at)[0].reason is None
    got = fcm.sent[0]
    assert got["token"] == one.address
    assert got["notification"] == {"body": "Lịch hẹn của bạn có thay đổi. Mở ứng dụng để xem."}
    assert got["data"] == {
        "id": str(one.notification_id),
        "category": "booking",
        "kind": "booking.confirmed",
        "refKind": "booking",
        "refId": str(one.ref_id),
        "profileId": str(one.profile_id),
    }
    assert got["android"]["priority"] == "high"
    assert got["android"]["ttl"] == "90s"
    assert got["android"]["collapse_key"] == "booking"
    assert got["android"]["notification"] == {"channel_id": "booking", "tag": one.collapse_id}
    assert got["apns"]["headers"] == {
        "apns-priority": "10",
        "apns-expiration": str(int((at + timedelta(seconds=90)).timestamp())),
        "apns-collapse-id": one.collapse_id,
    }
    assert got["webpush"]["headers"]["Topic"] == one.collapse_id.replace("-", "")


def test_what_nobody_waits_for_is_not_prompt_and_lives_28_days_at_most(
    fcm: FcmServer, sender: FcmSender
) -> None:
    at = clock.now()
    sender.send([message(category="record", expires_at=at + timedelta(days=90))], at)
    android, apns = fcm.sent[0]["android"], fcm.sent[0]["apns"]["headers"]
    assert (android["priority"], apns["apns-priority"]) == ("normal", "5")
    assert android["ttl"] == f"{28 * 24 * 3600}s"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("UNREGISTERED", "unregistered"),
        ("QUOTA_EXCEEDED", "quota-exceeded"),
        ("RESOURCE_EXHAUSTED", "resource-exhausted"),
        ("SENDER_ID_MISMATCH", "sender-id-mismatch"),
        ("THIRD_PARTY_AUTH_ERROR", "third-party-auth"),
        ("INVALID_ARGUMENT", "invalid-argument"),
        ("UNAVAILABLE", "unavailable"),
        ("INTERNAL", "internal"),
        ("DEADLINE_EXCEEDED", "deadline-exceeded"),
        ("OUT_OF_RANGE", "out-of-range"),
        ("PERMISSION_DENIED", "permission-denied"),
        ("NOT_FOUND", "not-found"),
        ("NOT_OF_THIS_WORLD", "unknown"),
    ],
)
def test_each_error_is_told_apart_and_stops_no_other(
    fcm: FcmServer, sender: FcmSender, error: str, reason: str
) -> None:
    bad, good = message(), message()
    fcm.inject(bad.address, error)
    got = sender.send([bad, good], clock.now())
    assert [one.reason for one in got] == [reason, None]
    assert len(fcm.sent) == 1


@pytest.mark.parametrize("error", ["QUOTA_EXCEEDED", "UNAVAILABLE"])
def test_retry_after_is_reported_and_not_slept_on(
    fcm: FcmServer, sender: FcmSender, error: str
) -> None:
    """Left to itself the library would sleep for the hour and send again."""
    one = message()
    fcm.inject(one.address, error, retry_after="3600")
    sent = sender.send([one], clock.now())[0]
    assert sent.retry_after == timedelta(hours=1)
    assert list(fcm.sent) == []


def test_retry_after_may_be_a_date(fcm: FcmServer, sender: FcmSender) -> None:
    one = message()
    fcm.inject(one.address, "UNAVAILABLE", retry_after="Wed, 01 Jan 2200 00:00:00 GMT")
    wait = sender.send([one], clock.now())[0].retry_after
    assert wait is not None
    assert wait > timedelta(days=1000)
    fcm.inject(one.address, "UNAVAILABLE", retry_after="soon")
    assert sender.send([one], clock.now())[0].retry_after is None


def test_the_credential_is_renewed_once_for_a_batch(fcm: FcmServer, sender: FcmSender) -> None:
    got = sender.send([message() for _ in range(120)], clock.now())
    assert [one.reason for one in got] == [None] * 120
    assert (len(fcm.sent), fcm.token_requests) == (120, 1)


@pytest.mark.parametrize(
    ("refusal", "reason"), [("invalid_grant", "refresh-failed"), ("internal_failure", "transport")]
)
def test_a_refused_credential_is_an_alarm_and_a_busy_endpoint_is_not(
    fcm: FcmServer, sender: FcmSender, refusal: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    fcm.refuses_tokens = refusal
    got = sender.send([message(), message()], clock.now())
    assert {one.reason for one in got} == {reason}


def test_one_message_that_cannot_be_composed_does_not_take_the_batch(
    fcm: FcmServer, sender: FcmSender
) -> None:
    good, bad = message(), message(address="")
    got = sender.send([good, bad], clock.now())
    assert [one.reason for one in got] == [None, "invalid-argument"]
    assert len(fcm.sent) == 1


def test_a_credential_that_ended_early_is_renewed_once_and_the_batch_sent(
    fcm: FcmServer, sender: FcmSender
) -> None:
    sender.send([message()], clock.now())
    fcm.bearers.clear()
    got = sender.send([message() for _ in range(20)], clock.now())
    assert [one.reason for one in got] == [None] * 20
    assert (len(fcm.sent), fcm.token_requests) == (21, 2)


def test_a_renewal_that_is_refused_does_not_repeat_what_was_taken(
    fcm: FcmServer, sender: FcmSender
) -> None:
    """Left to itself the library tells nothing of a batch in which one thread was refused."""
    bad, good = message(), message()
    sender.send([message()], clock.now())
    fcm.inject(bad.address, "UNAUTHENTICATED")
    fcm.refuses_tokens = "invalid_grant"
    got = sender.send([bad, good], clock.now())
    assert [one.reason for one in got] == ["refresh-failed", None]
    assert len(fcm.sent) == 2


def test_one_platform_without_its_credential_renews_nothing(
    fcm: FcmServer, sender: FcmSender
) -> None:
    """APNs' and the web's keys are the project's: ours was good."""
    bad = message()
    fcm.inject(bad.address, "THIRD_PARTY_AUTH_ERROR")
    assert sender.send([bad], clock.now())[0].reason == "third-party-auth"
    assert fcm.token_requests == 1


def test_proxies_of_the_environment_are_read_once(
    fcm: FcmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    made = FcmSender(fcm.key, url=fcm.url)
    monkeypatch.delenv("HTTP_PROXY")
    assert made.send([message()], clock.now())[0].reason == "unavailable"
    made.close()


def test_nothing_listens(sender: FcmSender) -> None:
    sender.send([message()], clock.now())
    messaging._get_messaging_service(sender._app)._fcm_url = "http://127.0.0.1:9/"
    assert sender.send([message()], clock.now())[0].reason == "unavailable"


def test_every_reason_has_its_row_in_the_policy() -> None:
    assert set(REASONS.values()) <= set(POLICY)


def test_a_push_of_every_kind_has_its_words_and_ids_alone(
    fcm: FcmServer, sender: FcmSender
) -> None:
    told = [
        message(kind=kind, category=KINDS[kind].category, text=words(kind, language).push)
        for kind in KINDS
        for language in ("vi", "en")
    ]
    sender.send(told, clock.now())
    assert sorted(one["notification"]["body"] for one in fcm.sent) == sorted(
        one.text for one in told
    )
    members = {"id", "category", "kind", "refKind", "refId", "profileId"}
    assert all(set(one["data"]) == members for one in fcm.sent)
    assert all(set(one["notification"]) == {"body"} for one in fcm.sent)


@pytest.mark.usefixtures("empty_outbox")
def test_all_the_way_to_fcm_and_a_token_that_is_gone(
    session: Session, settings: Settings, fcm: FcmServer, as_worker: AsWorker
) -> None:
    ways = replace(settings.notifications, fcm_credentials=fcm.key, fcm_url=fcm.url)
    configure(replace(settings, notifications=ways))
    citizen = make_citizen(session)
    held = make_token(session, citizen, token="a-secret-token")
    told = make_notification(session, profile_id=citizen.profile.id)
    fcm.inject("a-secret-token", "UNAVAILABLE", "UNREGISTERED")
    for minutes in (0, 1):
        with as_worker(), clock.moved(timedelta(minutes=minutes)):
            drain_once()
            deliver_once()
    row = session.scalars(select(Delivery).where(Delivery.notification_id == told.id)).one()
    configure(settings)
    assert (row.state, row.reason, row.attempts) == ("dead", "unregistered", 2)
    assert session.get(PushToken, held) is None


def test_what_is_not_configured(settings: Settings) -> None:
    configure(settings)
    assert isinstance(delivering._Process.senders["push"], ConsoleSender)
    configure(replace(settings, environment="production"))
    assert isinstance(delivering._Process.senders["sms"], NoSender)
    assert NoSender().send([message()], clock.now())[0].reason == "not-configured"
    ways = replace(settings.notifications, fcm_credentials="{}")
    with pytest.raises(SettingError, match="FCM_CREDENTIALS"):
        configure(replace(settings, notifications=ways))
    configure(settings)
