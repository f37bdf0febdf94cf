"""Work in flight: bounded, in order by key, and no failure goes unseen."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from threading import Event, Lock, current_thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.records.models import Submission, UploadChunk
from phr_api.records.service import entering_files, queue
from phr_api.records.service.flight import Flight
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit
from tests.records.looking import count

AsWorker = Callable[[], AbstractContextManager[None]]


def fail() -> None:
    time.sleep(0.02)
    raise ZeroDivisionError


def test_work_under_one_key_runs_in_the_order_it_was_sent() -> None:
    seen: list[int] = []

    def work(place: int) -> Callable[[], None]:
        def do() -> None:
            time.sleep(0.002 * (5 - place))
            seen.append(place)

        return do

    with Flight(4) as flight:
        for place in range(5):
            flight.send("a", work(place))
        flight.land()

    assert seen == [0, 1, 2, 3, 4]


def test_work_under_several_keys_flies_together_and_never_more_than_there_is_room() -> None:
    lock, most, now = Lock(), 0, 0

    def work() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    with Flight(3) as flight:
        for place in range(20):
            flight.send(str(place), work)
        flight.land()

    assert 1 < most <= 3


def test_a_failure_is_raised_when_all_has_landed_however_late_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A future wakes those who wait for it before it calls back."""
    tell = Future.add_done_callback

    def tell_late(future: Future[None], callback: Callable[[Future[None]], Any]) -> None:
        def late(done: Future[None]) -> None:
            time.sleep(0.05)
            callback(done)

        tell(future, late)

    monkeypatch.setattr(Future, "add_done_callback", tell_late)
    with Flight(2) as flight:
        flight.send("a", fail)
        with pytest.raises(ZeroDivisionError):
            flight.land()


@pytest.mark.parametrize("threads", [1, 2])
def test_after_a_failure_nothing_more_is_sent(threads: int) -> None:
    done: list[str] = []
    with Flight(threads) as flight:
        flight.send("a", fail)
        with pytest.raises(ZeroDivisionError):
            flight.land()
        with pytest.raises(ZeroDivisionError):
            flight.send("b", lambda: done.append("b"))

    assert done == []


def test_one_thread_works_where_it_is_sent_from_and_is_done_when_it_is_sent() -> None:
    done: list[str] = []
    with Flight(1) as flight:
        flight.send("a", lambda: done.append(current_thread().name))
        assert done == [current_thread().name]
        flight.land()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_failure_is_the_one_that_is_told(threads: int) -> None:
    def fail_otherwise() -> None:
        time.sleep(0.2)
        raise KeyError

    def fly() -> None:
        with Flight(threads) as flight:
            flight.send("a", fail)
            flight.send("b", fail_otherwise)
            flight.land()

    with pytest.raises(ZeroDivisionError):
        fly()


def test_a_file_of_which_a_visit_got_lost_on_the_way_is_not_done_and_keeps_its_bytes(
    send: Send, session: Session, as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(a_visit(), a_visit())
    with monkeypatch.context() as patch:
        patch.setattr(entering_files, "run", lambda *_: None)
        with pytest.raises(RuntimeError, match="no entry"):
            send(file)
    newest = select(Submission).order_by(Submission.received_at.desc()).limit(1)
    row = session.scalars(newest).one()
    assert (row.state, row.wrapped_key is None) == ("processing", False)
    assert count(session, UploadChunk, submission_id=row.id) == 1

    with as_worker():
        assert queue.work_on(row.id, Event())

    session.refresh(row)
    assert (row.state, row.counts) == ("done", {"accepted": 2})
