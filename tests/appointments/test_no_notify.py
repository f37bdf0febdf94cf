"""No transaction of a booking sends NOTIFY, which serialises commits; the worker's relay does.

ISSUE 4 §4, FINDINGS 3.
"""

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import phr_api
from phr_api.notifications import drain_once
from phr_api.notifications.service.streams import WAKES
from tests.appointments.asking import act, book, hold, mine
from tests.appointments.line import make_desk
from tests.factories.appointments import make_service, make_slot
from tests.factories.people import make_citizen

Bound = Callable[[], AbstractContextManager[None]]
HERE = "phr_test_here"
RELAY = Path("notifications/service/outbox.py")


class Ear:
    """A connection that hears every channel of the application, and a word of its own."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection
        for channel in (*WAKES, HERE):
            connection.execute(f'LISTEN "{channel}"')

    def heard(self) -> list[str]:
        """The channels that called since the last time: all before the word said now."""
        word = uuid4().hex
        self._connection.execute("SELECT pg_notify(%s, %s)", (HERE, word))
        channels: list[str] = []
        for call in self._connection.notifies(timeout=30):
            if call.payload == word:
                return channels
            channels.append(call.channel)
        raise AssertionError("not even its own word was heard")


@pytest.fixture
def ear(engines: dict[str, Engine]) -> Generator[Ear]:
    url = engines["phr_test"].url.render_as_string(hide_password=False)
    connection = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)
    with connection:
        yield Ear(connection)


@pytest.mark.usefixtures("noon")
def test_booking_and_the_line_are_silent_until_the_relay_runs(
    client: FlaskClient, session: Session, as_worker: Bound, ear: Ear
) -> None:
    with as_worker():
        while drain_once():
            pass
    ear.heard()
    citizen, desk = make_citizen(session), make_desk(client, session)
    service = make_service(session, queue=desk.queue, most_open=5)
    slots = [make_slot(session, service=service, starts_in=timedelta(hours=h)) for h in (2, 3, 4)]
    made = []
    for slot in slots[:2]:
        held = hold(client, citizen, slot, [citizen.profile.id])
        made.append(book(client, citizen, held.get_json()).get_json()["items"][0]["id"])
    told = [
        act(client, f"{desk.facility}/bookings/{made[0]}", "confirmation", desk.clerk),
        act(client, mine(citizen, made[1]), "reschedule", citizen, {"slotId": str(slots[2].id)}),
        act(client, mine(citizen, made[1]), "cancellation", citizen, {}),
        desk.post("/check-ins", {"bookingId": made[0]}),
    ]
    assert [answer.status_code for answer in told] == [200, 200, 200, 201]
    called = desk.next()
    assert called["bookingId"] == made[0]
    for action in ("start", "done"):
        called = desk.act(action, called).get_json()
    assert called["state"] == "done"
    assert ear.heard() == []
    with as_worker():
        while drain_once():
            pass
    assert set(ear.heard()) == set(WAKES)


def test_no_function_or_trigger_of_the_database_notifies(session: Session) -> None:
    bodies = session.execute(
        text(
            "SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n"
            " ON n.oid = p.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
    ).all()
    assert len(bodies) > 20
    assert [name for name, body in bodies if re.search(r"pg_notify|\bNOTIFY\s", body)] == []


def test_the_relay_alone_calls() -> None:
    room = Path(phr_api.__file__).parent
    calling = {
        path.relative_to(room)
        for path in room.rglob("*.py")
        if re.search(r"pg_notify\(|\"NOTIFY ", path.read_text(encoding="utf-8"))
    }
    assert calling == {RELAY}
