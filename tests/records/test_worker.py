"""The worker as a process, and several at once."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api import records
from phr_api.healthbook.models import Encounter
from phr_api.records.models import IntakeWork, Submission, SubmissionEntry
from tests.factories.people import System, new_number
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key, stream
from tests.records.looking import count, holder, states

ROOT = f"/v1/facilities/{FACILITY}/submissions"
AsWorker = Callable[[], AbstractContextManager[None]]


def wait_until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "this did not happen in time"
        time.sleep(0.01)


@contextmanager
def a_worker(environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "phr_api", "worker"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def post(client: FlaskClient, system: System, file: bytes) -> UUID:
    headers = system.headers | {"Idempotency-Key": uuid4().hex}
    answer: Any = client.post(ROOT, data=file, headers=headers)
    return UUID(answer.json["id"])


def state_of(session: Session, submission_id: UUID) -> str:
    session.rollback()
    return session.get_one(Submission, submission_id, populate_existing=True).state


def test_after_a_worker_is_killed_in_mid_file_every_visit_is_written_once(
    client: FlaskClient, system: System, session: Session, environment: dict[str, str]
) -> None:
    environment = environment | {"INTAKE_THREADS": "1"}  # the next test has the default
    visits = [a_visit() for _ in range(400)]
    submission_id = post(client, system, a_file(*visits))
    entered: Callable[[], int] = lambda: count(  # noqa: E731
        session, SubmissionEntry, submission_id=submission_id
    )

    with a_worker(environment) as worker:
        wait_until(lambda: entered() >= 20)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert 20 <= entered() < len(visits)
    with a_worker(environment):
        wait_until(lambda: state_of(session, submission_id) == "done", seconds=60)

    row = session.get_one(Submission, submission_id)
    assert row.counts == {"accepted": len(visits)}
    assert entered() == len(visits)
    assert count(session, Encounter, submission_id=submission_id) == len(visits)
    assert {tuple(states(session, key_of(visit))) for visit in visits} == {("current",)}


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(
    client: FlaskClient, system: System, session: Session, environment: dict[str, str]
) -> None:
    visits = [a_visit() for _ in range(600)]
    submission_id = post(client, system, a_file(*visits))

    with a_worker(environment) as worker:
        wait_until(lambda: count(session, SubmissionEntry, submission_id=submission_id) >= 20)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=10) == 0
    assert state_of(session, submission_id) == "processing"
    assert session.get_one(IntakeWork, submission_id).attempts == 0
    with a_worker(environment):
        wait_until(lambda: state_of(session, submission_id) == "done", seconds=60)

    assert session.get_one(Submission, submission_id).counts == {"accepted": len(visits)}


def test_two_submissions_of_one_visit_at_once_end_as_one(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    for _ in range(5):
        key, number = new_key(), new_number()
        files = [a_file(a_visit(key, number=number)), a_file(a_visit(key, number=number)) + b"\n"]
        with as_worker(), ThreadPoolExecutor() as pool:
            taken = list(pool.map(lambda file: records.take_in(stream(file), FACILITY), files))

        assert sorted(name for one in taken for name in one.counts) == ["accepted", "unchanged"]
        assert states(session, key) == ["current"]


def test_two_uploads_of_one_visit_at_once_end_as_one(
    app: Flask, system: System, session: Session, environment: dict[str, str]
) -> None:
    key, number = new_key(), new_number()
    files = [a_file(a_visit(key, number=number)), a_file(a_visit(key, number=number)) + b"\n"]

    with ThreadPoolExecutor() as pool, a_worker(environment), a_worker(environment):
        sent = list(pool.map(lambda file: post(app.test_client(), system, file), files))
        wait_until(lambda: {state_of(session, one) for one in sent} == {"done"})

    counts = [session.get_one(Submission, one).counts for one in sent]
    assert sorted(name for one in counts for name in one) == ["accepted", "unchanged"]
    assert states(session, key) == ["current"]


def test_files_with_the_same_people_at_once_neither_deadlock_nor_double_anybody(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    numbers = [new_number() for _ in range(6)]
    files = [
        [a_visit(number=number) for number in order for _ in range(2)]
        for order in (numbers, numbers[::-1], numbers[::2] + numbers[1::2])
    ]

    with as_worker(), ThreadPoolExecutor() as pool:
        taken = list(
            pool.map(lambda visits: records.take_in(stream(a_file(*visits)), FACILITY), files)
        )

    assert [one.counts for one in taken] == [{"accepted": 12}] * 3
    owners = {holder(session, key_of(visit)) for visits in files for visit in visits}
    assert len(owners) == len(numbers)
