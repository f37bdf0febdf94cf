"""Periodic tasks: once when due, in one worker, and again after a failure."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import uuid4

from flask import Flask
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.jobs import Task, run_due

AsWorker = Callable[[], AbstractContextManager[None]]


def test_a_task_runs_when_it_is_due_and_not_before(app: Flask, as_worker: AsWorker) -> None:
    seen: list[datetime] = []
    hourly = Task(
        name=uuid4().hex, every=timedelta(hours=1), work=lambda _session, at: seen.append(at)
    )
    now = clock.now()

    with as_worker():
        for minutes in (0, 30, 59, 60, 61, 121):
            run_due([hourly], now + timedelta(minutes=minutes))

    assert seen == [now, now + timedelta(minutes=60), now + timedelta(minutes=121)]


def test_a_task_that_fails_keeps_no_other_waiting_and_is_tried_again(
    app: Flask, as_worker: AsWorker
) -> None:
    tries: list[datetime] = []

    def fail(_session: Session, at: datetime) -> None:
        tries.append(at)
        raise ValueError

    broken = Task(name=uuid4().hex, every=timedelta(days=1), work=fail)
    other = Task(name=uuid4().hex, every=timedelta(days=1), work=lambda *_: None)
    now = clock.now()

    with as_worker():
        assert run_due([broken, other], now) == [other.name]
        assert run_due([broken, other], now + timedelta(minutes=1)) == []

    assert tries == [now, now + timedelta(minutes=1)]
