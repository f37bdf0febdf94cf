"""Faults of the way to FCM, over real HTTP: a worker killed in mid-send, a service that is away."""

import signal
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import configure, deliver_once, drain_once, find_deliveries
from phr_api.notifications.models import Delivery, Notification, PushToken
from phr_api.settings import Settings
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import Citizen, make_citizen
from tests.notifications.fcm_server import FcmServer, service_account_key
from tests.ports import free_ports
from tests.records.test_worker import a_worker, wait_until

AsWorker = Callable[[], AbstractContextManager[None]]
KILLS = 3
PUSHES = 5


def places(message: dict[str, Any]) -> tuple[str, ...]:
    """What decides which push this one replaces: Android waiting and shown, iOS, the web."""
    return (
        message["android"]["collapse_key"],
        message["android"]["notification"]["tag"],
        message["apns"]["headers"]["apns-collapse-id"],
        message["webpush"]["headers"]["Topic"],
    )


def ends(session: Session) -> Counter[str]:
    states = session.scalars(select(Delivery.state)).all()
    session.rollback()
    return Counter(states)


def let_claims_pass(session: Session) -> None:
    """As after the time of a claim: the next worker does not wait for it."""
    session.execute(
        update(Delivery)
        .where(Delivery.state == "due")
        .values(due_at=clock.now() - timedelta(seconds=1))
    )
    session.commit()


@pytest.mark.usefixtures("empty_outbox")
def test_each_killed_worker_repeats_a_push_at_most_once_and_in_the_place_of_the_first(
    session: Session, environment: dict[str, str]
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    told = {
        str(make_notification(session, profile_id=citizen.profile.id, ref_id=uuid4()).id)
        for _ in range(PUSHES)
    }
    with FcmServer() as fcm:
        ways = environment | {"FCM_CREDENTIALS": fcm.key, "PHR_FCM_URL": fcm.url}
        for kill in range(1, KILLS + 1):
            fcm.hold_answers()
            with a_worker(ways) as worker:
                wait_until(lambda taken=PUSHES * kill: len(fcm.sent) >= taken)  # type: ignore[misc]
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            assert len(fcm.sent) == PUSHES * kill
            assert ends(session) == {"due": PUSHES}  # received there, and not recorded here
            fcm.answers_now.set()
            let_claims_pass(session)
        with a_worker(ways):
            wait_until(lambda: ends(session) == {"handed": PUSHES})
    assert fcm.wrong == []
    assert Counter(one["data"]["id"] for one in fcm.sent) == dict.fromkeys(told, KILLS + 1)
    seen = {(one["data"]["id"], places(one)) for one in fcm.sent}
    assert len(seen) == PUSHES  # one place each, in all of its repeats
    assert len({place[1:] for _, place in seen}) == PUSHES


class Way:
    """A citizen's phone, and an FCM whose address stays while the service comes and goes."""

    def __init__(self, session: Session, as_worker: AsWorker) -> None:
        self.session = session
        self.as_worker = as_worker
        self.citizen: Citizen = make_citizen(session)
        self.token = make_token(session, self.citizen)

    def tell(self, **lasting: float) -> UUID:
        """Tell something that ends so long from now."""
        return make_notification(
            self.session,
            profile_id=self.citizen.profile.id,
            expires_at=clock.now() + timedelta(**lasting),
        ).id

    def work(self, **after: float) -> None:
        """Drain and deliver all that is due so long from now."""
        with self.as_worker(), clock.moved(timedelta(**after)):
            drain_once()
            while deliver_once():
                pass

    def has_token(self) -> bool:
        found = self.session.scalars(select(PushToken).where(PushToken.id == self.token)).all()
        self.session.rollback()
        return found != []

    def reason(self, told: UUID) -> tuple[str, str | None, int]:
        query = select(Delivery.state, Delivery.reason, Delivery.attempts)
        row = self.session.execute(query.where(Delivery.notification_id == told)).one()
        self.session.rollback()
        return row.state, row.reason, row.attempts


@pytest.fixture
def port() -> int:
    return free_ports(1)


@pytest.fixture
def way(
    session: Session, settings: Settings, as_worker: AsWorker, empty_outbox: None, port: int
) -> Generator[Way]:
    ways = replace(
        settings.notifications,
        fcm_credentials=service_account_key(),
        fcm_url=f"http://127.0.0.1:{port}",
    )
    configure(replace(settings, notifications=ways))
    yield Way(session, as_worker)
    configure(settings)


def test_fcm_is_away_and_comes_back(way: Way, port: int) -> None:
    """Nothing is lost, nothing is sent after its expiry, and nothing before it is due again."""
    long, short = way.tell(days=1), way.tell(minutes=5)
    way.work()  # nobody listens there
    assert way.reason(long) == ("due", "transport", 1)
    way.work(seconds=7)  # the first wait is 10 s, give or take a fifth
    assert way.reason(long) == ("due", "transport", 1)
    way.work(seconds=13)
    assert way.reason(long) == ("due", "transport", 2)

    with FcmServer(port) as fcm:
        fcm.go_down("UNAVAILABLE", retry_after="120")
        way.work(minutes=1)
        assert (fcm.asked, way.reason(long)) == (2, ("due", "unavailable", 3))
        later = way.tell(days=1)
        way.work(minutes=1, seconds=119)
        assert fcm.asked == 2  # it asked for two minutes of rest, and the news too waits
        fcm.go_down("UNAVAILABLE")
        way.work(minutes=3, seconds=1)
        assert (fcm.asked, way.reason(later)) == (5, ("due", "unavailable", 1))
        way.work(minutes=6)
        assert way.reason(short) == ("expired", "unavailable", 5)
        assert fcm.asked == 7
        assert list(fcm.sent) == []

    way.work(minutes=20)
    assert (fcm.asked, way.reason(long)) == (7, ("due", "unavailable", 6))

    with FcmServer(port) as fcm:  # a new one: it does not know the bearer of the first
        way.work(hours=1)
        assert sorted(one["data"]["id"] for one in fcm.sent) == sorted([str(long), str(later)])
        assert fcm.wrong == []
    assert way.reason(long)[0] == way.reason(later)[0] == "handed"
    assert way.reason(short)[0] == "expired"
    assert told_of(way) == 3


def told_of(way: Way) -> int:
    told = len(way.session.scalars(select(Notification.id)).all())
    way.session.rollback()
    return told


def test_one_device_that_gets_too_much_does_not_hold_up_the_others(way: Way, port: int) -> None:
    other = make_citizen(way.session)
    make_token(way.session, other, token="a-busy-phone")
    with FcmServer(port) as fcm:
        fcm.inject("a-busy-phone", "QUOTA_EXCEEDED", retry_after="600")
        busy = make_notification(way.session, profile_id=other.profile.id).id
        way.work()
        calm = way.tell(days=1)
        way.work()
        assert way.reason(calm) == ("handed", None, 1)
        assert way.reason(busy) == ("due", "quota-exceeded", 1)
        way.work(minutes=9, seconds=59)
        assert way.reason(busy)[0] == "due"
        way.work(minutes=10, seconds=1)
        assert way.reason(busy) == ("handed", None, 2)


def test_a_project_that_sends_too_much_rests(way: Way, port: int) -> None:
    with FcmServer(port) as fcm:
        fcm.go_down("RESOURCE_EXHAUSTED", retry_after="60")
        first = way.tell(days=1)
        way.work()
        assert way.reason(first) == ("due", "resource-exhausted", 1)
        fcm.go_down(None)
        way.tell(days=1)
        way.work(seconds=58)
        assert fcm.asked == 1
        way.work(seconds=75)
        assert len(fcm.sent) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("SENDER_ID_MISMATCH", "sender-id-mismatch"),
        ("THIRD_PARTY_AUTH_ERROR", "third-party-auth"),
        ("PERMISSION_DENIED", "permission-denied"),
        ("NOT_FOUND", "not-found"),
        ("the credential", "refresh-failed"),
    ],
)
def test_what_somebody_has_to_repair_is_an_alarm_that_keeps_the_token(
    way: Way, port: int, caplog: pytest.LogCaptureFixture, error: str, reason: str
) -> None:
    told = [way.tell(days=1), way.tell(days=1)]
    with FcmServer(port) as fcm:
        if reason == "refresh-failed":
            fcm.refuses_tokens = "invalid_grant"
        else:
            fcm.go_down(error)
        way.work()
        assert [way.reason(one) for one in told] == [("due", reason, 1)] * 2
        alarms = [one for one in caplog.records if one.getMessage() == "sending needs somebody"]
        assert [(one.levelname, one.reason, one.deliveries) for one in alarms] == [  # type: ignore[attr-defined]
            ("ERROR", reason, 2)
        ]
        assert way.has_token()
        fcm.go_down(None)
        fcm.refuses_tokens = None
        way.work(minutes=9)
        assert [way.reason(one)[2] for one in told] == [1, 1]
        way.work(minutes=11)  # it was repaired
        assert [way.reason(one)[0] for one in told] == ["handed"] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [("INVALID_ARGUMENT", "invalid-argument"), ("OUT_OF_RANGE", "out-of-range")],
)
def test_what_fcm_does_not_understand_is_a_dead_letter_that_can_be_listed(
    way: Way, port: int, error: str, reason: str
) -> None:
    told = way.tell(days=1)
    with FcmServer(port) as fcm:
        fcm.go_down(error)
        way.work()
        fcm.go_down(None)
        way.work(days=1)
        assert fcm.asked == 1
    with way.as_worker(), unit_of_work() as worker:
        dead = find_deliveries(worker, state="dead", since=clock.now() - timedelta(hours=1))
    assert [(one.notification_id, one.reason) for one in dead] == [(told, reason)]
    assert way.has_token()


@pytest.mark.parametrize("error", ["INTERNAL", "DEADLINE_EXCEEDED", "NOT_OF_THIS_WORLD"])
def test_what_may_pass_is_tried_again(way: Way, port: int, error: str) -> None:
    told = way.tell(days=1)
    with FcmServer(port) as fcm:
        fcm.go_down(error)
        way.work()
        assert way.reason(told)[::2] == ("due", 1)
        fcm.go_down(None)
        way.work(seconds=13)
    assert way.reason(told) == ("handed", None, 2)
