"""/v1/events: woken by the relay, resumed, ended by the token or a lost right, three an account."""

import contextvars
import json
import queue
import re
import threading
from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from phr_api.identity import tokens
from phr_api.identity.rules import ACCESS_TOKEN_LIFE
from phr_api.kit import clock, db
from phr_api.kit.ids import new_row_id
from phr_api.notifications.models import Notification
from phr_api.notifications.queries import inbox
from phr_api.notifications.queries.inbox import Item
from phr_api.notifications.service import outbox, streams
from phr_api.settings import Settings
from tests.consent.test_carers import family
from tests.factories.consent import make_carer
from tests.factories.notifications import make_notification
from tests.factories.people import SignedIn, make_citizen, make_phone
from tests.records.test_worker import wait_until

PATIENCE = 10.0


@pytest.fixture
def offered(empty_outbox: None) -> Generator[None]:
    streams.configure(serves_streams=True)
    yield
    streams.configure(serves_streams=False)
    streams.close()


class Reader:
    """Reads a stream in a thread of its own, as an app does."""

    def __init__(self, client: FlaskClient, who: SignedIn, last: object = None) -> None:
        headers = who.headers | ({} if last is None else {"Last-Event-ID": str(last)})
        self.answer = client.get("/v1/events", headers=headers)
        self.events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        if self.answer.status_code == 200:
            here = contextvars.copy_context()  # with the test's clock
            self.thread = threading.Thread(target=here.run, args=(self._read,), daemon=True)
            self.thread.start()

    def _read(self) -> None:
        lines: Iterator[bytes] = iter(self.answer.response)  # type: ignore[arg-type]
        for block in lines:
            fields = dict(
                line.split(": ", 1) for line in block.decode().splitlines() if ": " in line
            )
            if "event" in fields:
                self.events.put(fields | {"data": json.loads(fields["data"])})
        self.events.put(None)

    def close(self) -> None:
        """End it as a lost right does: this thread may not close what another one reads."""
        for stream in streams._hub._all():
            stream.wakes.put("lost")
        self.thread.join(PATIENCE)
        self.answer.close()

    def next(self) -> dict[str, Any] | None:
        return self.events.get(timeout=PATIENCE)


def relay(session: Session) -> None:
    outbox.drain(session, clock.now())
    session.commit()


def tell(session: Session, **given: Any) -> Notification:
    told = make_notification(session, **given)
    relay(session)
    return told


@pytest.mark.usefixtures("offered")
def test_what_is_told_reaches_an_open_stream_as_ids(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    make_notification(session, profile_id=citizen.profile.id)
    reader = Reader(client, citizen)
    assert reader.answer.mimetype == "text/event-stream"
    assert reader.answer.headers["Cache-Control"] == "private, no-store"
    booking = uuid4()
    told = tell(
        session,
        profile_id=citizen.profile.id,
        ref_kind="booking",
        ref_id=booking,
        params={"facility": "Bệnh viện Thử"},
    )
    got = reader.next()
    assert got == {
        "id": str(told.id),
        "event": "notification",
        "data": {
            "id": str(told.id),
            "category": "booking",
            "kind": "booking.confirmed",
            "profileId": str(citizen.profile.id),
            "ref": {"kind": "booking", "id": str(booking)},
        },
    }
    near = tell(session, profile_id=citizen.profile.id, category="queue", kind="queue.near")
    last = reader.next()
    assert last is not None
    assert (last["event"], last["id"]) == ("queue", str(near.id))
    reader.close()


@pytest.mark.usefixtures("offered")
def test_a_stream_goes_on_from_the_last_event(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    whose = {"profile_id": citizen.profile.id}
    first = make_notification(session, **whose)
    second = make_notification(session, **whose)
    reader = Reader(client, citizen, last=first.id)
    got = reader.next()
    assert got is not None
    assert got["id"] == str(second.id)
    reader.close()
    bad = client.get("/v1/events", headers=citizen.headers | {"Last-Event-ID": "not an id"})
    assert bad.status_code == 400


@pytest.mark.usefixtures("offered")
def test_a_long_break_is_told_oldest_first_and_whole_with_what_comes_meanwhile(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = make_citizen(session)
    last = before_a_break(session, citizen)
    missed = [make_notification(session, profile_id=citizen.profile.id).id for _ in range(250)]
    asked = []

    def find_items(*given: Any, **more: Any) -> list[Item]:
        found = inbox.find_items(*given, **more)
        asked.append(len(found))
        if len(asked) == 4:  # the way back has ended, and the way forward began
            missed.append(tell(session, profile_id=citizen.profile.id).id)
        return found

    monkeypatch.setattr(streams, "find_items", find_items)
    reader = Reader(client, citizen, last=last)
    got = [reader.next() for _ in range(251)]
    missed.append(tell(session, profile_id=citizen.profile.id).id)
    got.append(reader.next())
    assert [one and one["id"] for one in got] == [str(one) for one in sorted(missed)]
    assert max(asked) <= streams.PAGE + 1
    reader.close()


@pytest.mark.usefixtures("offered")
def test_a_right_that_is_lost_during_a_long_catching_up_ends_it(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = make_citizen(session)
    last = before_a_break(session, citizen)
    for _ in range(150):
        make_notification(session, profile_id=citizen.profile.id)

    def find_items(*given: Any, **more: Any) -> list[Item]:
        found = inbox.find_items(*given, **more)
        if len(found) < streams.PAGE:  # what it goes on from
            for stream in streams._hub._all():
                stream.wakes.put("lost")
        return found

    monkeypatch.setattr(streams, "find_items", find_items)
    reader = Reader(client, citizen, last=last)
    events = [one["event"] for one in iter(reader.next, None)]
    assert events == ["access-lost"]


@pytest.mark.usefixtures("offered")
def test_what_a_stream_that_was_told_nothing_yet_missed_for_a_minute_comes(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    stream = streams.open_stream(
        citizen.principal, ends_at=clock.now() + timedelta(hours=1), last=None
    )
    told = make_notification(session, profile_id=citizen.profile.id)
    with clock.moved(timedelta(minutes=1)):
        relay(session)  # the worker was away
        got = next(one for one in streams.follow(stream) if isinstance(one, Item))
    assert got.id == told.id
    streams.close_stream(stream)


def before_a_break(session: Session, citizen: SignedIn) -> UUID:
    """The last event of an app that was away since; longer ago than what is told again."""
    with clock.moved(-timedelta(minutes=10)):
        return new_row_id()


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("lost", ["carer", "session"])
def test_a_lost_right_ends_the_stream(client: FlaskClient, session: Session, lost: str) -> None:
    _, child, _ = family(session)
    parent = make_citizen(session)
    carer = make_carer(session, account=parent.account, child=child)
    reader = Reader(client, parent)
    tell(session, profile_id=child.id)
    assert reader.next() is not None
    settle(parent)
    if lost == "carer":
        carer.ended_at = clock.now()
        session.add(carer)
    else:
        parent.session.ended_at = clock.now()
        session.add(parent.session)
    session.commit()
    tell(session, profile_id=child.id)
    end = reader.next()
    assert end is not None
    assert end["event"] == "access-lost"
    assert reader.next() is None


def settle(who: SignedIn) -> None:
    """Wait until the hub has read whose people this stream may be told of."""
    tries = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        held = [s for s in streams._hub._all() if s.principal.account_id == who.account.id]
        if held and held[0].people is not None:
            return
        tries.wait(0.05)
    raise AssertionError("the hub does not look at rights")


@pytest.mark.usefixtures("offered")
def test_a_phone_session_hears_its_own_alone(client: FlaskClient, session: Session) -> None:
    phone = make_phone(session)
    reader = Reader(client, phone)
    tell(session, profile_id=make_citizen(session).profile.id)
    own = tell(session, account_id=phone.account.id, via_phone=True)
    got = reader.next()
    assert got is not None
    assert (got["id"], got["data"]["profileId"]) == (str(own.id), None)
    reader.close()


@pytest.mark.usefixtures("offered")
def test_three_an_account(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    readers = [Reader(client, citizen) for _ in range(3)]
    fourth = client.get("/v1/events", headers=citizen.headers)
    assert fourth.status_code == 429
    assert fourth.get_json()["type"].endswith("notifications/too-many-streams")
    for reader in readers:
        reader.close()
    again = client.get("/v1/events", headers=citizen.headers)
    assert again.status_code == 200
    again.close()


@pytest.mark.usefixtures("offered")
def test_a_stream_ends_with_its_token(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    with clock.moved(-(ACCESS_TOKEN_LIFE - timedelta(seconds=2))):
        token, _ = tokens.issue(citizen.principal)
    answer = client.get("/v1/events", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    blocks = list(answer.response)
    assert blocks[0] == b"retry: 3000\n\n"
    assert streams._hub._streams.get(citizen.account.id) is None


def test_a_process_without_the_threads_has_no_streams(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    assert client.get("/v1/events", headers=citizen.headers).status_code == 404
    assert client.get("/v1/events").status_code == 401
    query = f"/v1/events?access_token={citizen.headers['Authorization'].partition(' ')[2]}"
    assert client.get(query).status_code == 401


HUBS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE :query"


@pytest.mark.usefixtures("offered")
def test_a_listener_that_lost_its_connection_says_so_in_a_line_and_listens_again(
    client: FlaskClient,
    session: Session,
    web_connection: Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    citizen = make_citizen(session)
    reader = Reader(client, citizen)
    settle(citizen)
    assert web_connection.execute(
        text(HUBS), {"query": f"{streams._RIGHTS[:20]}%"}
    ).scalars().all() == [True]
    told = tell(session, profile_id=citizen.profile.id)
    got = reader.next()
    assert got is not None
    assert got["id"] == str(told.id)
    reader.close()
    lines = [one for one in caplog.records if one.name == streams.__name__]
    assert len(lines) == 1
    assert re.fullmatch(r"streams are not woken: \w+, SQLSTATE \w+", lines[0].getMessage())
    assert lines[0].exc_info is None


def test_a_listener_whose_database_is_away_asks_more_and_more_seldom_and_can_be_closed(
    client: FlaskClient, session: Session, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    hub, citizen = streams.Hub(), make_citizen(session)
    db.configure("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    try:
        ends_at = clock.now() + timedelta(minutes=1)
        hub.join(streams.Stream(citizen.principal, ends_at=ends_at, last=new_row_id()))
        wait_until(lambda: len(caplog.records) >= 2)
        assert hub._pause >= 2 * streams.FIRST_PAUSE_SECONDS
    finally:
        db.configure(settings.database.web_url)
    hub.close()
    said = {one.getMessage() for one in caplog.records}
    assert said == {"streams are not woken: OperationalError, SQLSTATE none"}
    assert hub._thread is None
    assert "streams" not in {thread.name for thread in threading.enumerate()}


def test_me_names_the_address(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    me = client.get("/v1/me", headers=citizen.headers).get_json()
    assert me["events"] == "http://127.0.0.1:8001/v1/events"
