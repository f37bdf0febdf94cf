"""Intake as the worker's role: a file goes in, and what became of it comes out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from phr_api import records
from phr_api.records import Taken
from tests.factories.people import SignedIn, System, make_staff, make_system
from tests.records.files import FACILITY, stream

Send = Callable[..., Taken]


@pytest.fixture
def send(app: Flask, as_worker: Callable[[], AbstractContextManager[None]]) -> Send:
    """Take a file in at once, as `phr-api ingest` does."""

    def take(file: bytes, facility: str = FACILITY, *, validate_only: bool = False) -> Taken:
        with as_worker():
            return records.take_in(stream(file), facility, validate_only=validate_only)

    return take


@pytest.fixture
def drain(app: Flask, as_worker: Callable[[], AbstractContextManager[None]]) -> Callable[[], None]:
    """Do what waits for the worker, files and orders."""

    def work() -> None:
        go_on = Event()
        with as_worker():
            for kind in ("file", "order"):
                while records.work_once(kind, go_on):
                    pass

    return work


@pytest.fixture
def system(app: Flask, session: Session) -> System:
    return make_system(session)


@pytest.fixture
def desk(app: Flask, session: Session) -> SignedIn:
    return make_staff(session)
