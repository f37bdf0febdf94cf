"""The database is killed in the middle of a rush: what was acknowledged is there, once."""

import os
import signal
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api import migrations
from phr_api.appointments.models import Slot
from phr_api.identity import keys, tokens
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer, EmbeddedServerError
from phr_api.kit.places import DATABASE, Places
from phr_api.settings import Settings
from tests.appointments.asking import book, hold
from tests.factories.appointments import make_service, make_slot, seats_of
from tests.factories.people import Citizen, make_citizen

PHONES = 8
PEOPLE = 40
SLOTS = 4
KILLED_AFTER = 10
PATIENCE_SECONDS = 60.0
UNAVAILABLE = 503


class Killable:
    """A durable PostgreSQL of its own that can be killed and started again."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.server = EmbeddedServer.start(data_dir)

    def kill(self) -> None:
        """SIGKILL to the postmaster; its processes notice and go too."""
        pid_file = Places.of(self._data_dir).cluster / "postmaster.pid"
        pid = int(pid_file.read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def start_again(self) -> None:
        """Start it from what is on the disk, once the last process of the killed one is gone."""
        self.server.stop()
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.server = EmbeddedServer.start(self._data_dir)
            except EmbeddedServerError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return


@pytest.fixture
def killable(tmp_path: Path, settings: Settings) -> Generator[Killable]:
    """The application works on this server until the test is over."""
    there = Killable(tmp_path / "data")
    server = there.server
    web_url = server.url(DATABASE, "phr_web")
    migrations.upgrade(
        server.superuser_url(DATABASE),
        web_url=web_url,
        worker_url=server.url(DATABASE, "phr_worker"),
    )
    use_database(web_url)
    try:
        yield there
    finally:
        db.dispose()
        use_database(settings.database.web_url)
        there.server.stop()


def use_database(web_url: str) -> None:
    """Let the application of this process work there; its signing keys lie there, too."""
    db.configure(web_url)
    keys.forget()
    tokens.forget()


class Phone:
    """Asks with the same key until it is answered, as phones do; remembers what it was told."""

    def __init__(self, client: FlaskClient, who: Citizen, slot: Slot) -> None:
        self._client, self._who, self._slot = client, who, slot
        self.failures = 0

    def books(self) -> str:
        """The id of the booking that was acknowledged."""
        people = [self._who.profile.id]
        held = self._answer(lambda: hold(self._client, self._who, self._slot, people, name="hold"))
        made = self._answer(lambda: book(self._client, self._who, held, name="book"))
        return str(made["items"][0]["id"])

    def _answer(self, ask: Any) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            response: TestResponse = ask()
            if response.status_code == 201:
                body: dict[str, Any] = response.get_json()
                return body
            assert response.status_code == UNAVAILABLE, response.get_json()
            self.failures += 1
            time.sleep(0.05)
        raise AssertionError("not answered in time")


def test_what_was_acknowledged_survives_a_kill_and_is_there_once(
    app: Flask, killable: Killable
) -> None:
    admin = create_engine(killable.server.superuser_url(DATABASE), poolclass=NullPool)
    with Session(admin, expire_on_commit=False) as session:
        service = make_service(session)
        slots = [make_slot(session, service=service, capacity=PEOPLE // SLOTS) for _ in range(4)]
        people = [make_citizen(session) for _ in range(PEOPLE)]
    acknowledged: dict[UUID, str] = {}
    phones: list[Phone] = []
    is_busy = Event()

    def use(index: int) -> None:
        who = people[index]
        phone = Phone(app.test_client(), who, slots[index % SLOTS])
        phones.append(phone)
        acknowledged[who.profile.id] = phone.books()
        if len(acknowledged) >= KILLED_AFTER:
            is_busy.set()

    with ThreadPoolExecutor(PHONES) as threads:
        rush = [threads.submit(use, index) for index in range(PEOPLE)]
        assert is_busy.wait(PATIENCE_SECONDS)
        killable.kill()
        before = len(acknowledged)
        killable.start_again()
        for each in rush:
            each.result()
    assert KILLED_AFTER <= before < PEOPLE
    assert sum(phone.failures for phone in phones) > 0
    with Session(admin) as session:
        rows = session.execute(text("SELECT profile_id, id::text, state FROM booking")).all()
        assert sorted((who, one) for who, one, _ in rows) == sorted(acknowledged.items())
        assert {state for _, _, state in rows} == {"requested"}
        taken = [seat for slot in slots for seat in seats_of(session, slot.id).values()]
        assert sorted(str(seat) for seat in taken) == sorted(acknowledged.values())
        told = session.scalars(text("SELECT ref_id::text FROM notification")).all()
        assert sorted(told) == sorted(acknowledged.values())
