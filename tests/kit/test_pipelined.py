"""What the worker does not wait for: in order, in one transaction, its failures told and undone."""

from collections.abc import Generator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from phr_api.kit import db, pipelined
from phr_api.kit.db import SessionFactory, do, kept_session, retrying, run, unit_of_work
from phr_api.kit.embedded import EmbeddedServer
from phr_api.kit.pipelined import PipelinedConnection
from phr_api.settings import Settings

MAKE = "CREATE TEMPORARY TABLE sent (n integer PRIMARY KEY, said text)"
ADD = "INSERT INTO sent VALUES (%(n)s, %(said)s)"
READ = "SELECT n, said FROM sent ORDER BY n"


@pytest.fixture
def worker(settings: Settings) -> Generator[None]:
    """This process is the worker, with one connection that has a table `sent` of its own."""
    db.configure(settings.database.worker_url, pool_size=1, is_worker=True)
    try:
        with unit_of_work() as session:
            session.execute(text(MAKE))
        yield
    finally:
        db.dispose()  # and the table with it
        db.configure(settings.database.web_url)


def rows() -> list[tuple[object, ...]]:
    with unit_of_work() as session:
        return run(session, READ, {})


def add(session: Session, n: int, said: str | None = None) -> None:
    do(session, ADD, {"n": n, "said": said})


@pytest.mark.usefixtures("worker")
def test_what_was_sent_is_there_for_who_asks_and_after_the_commit() -> None:
    with unit_of_work() as session:
        add(session, 1, "a")
        add(session, 2)
        assert run(session, READ, {}) == [(1, "a"), (2, None)]
        add(session, 3, "50 %")
        assert session.scalar(text("SELECT count(*) FROM sent")) == 3
        assert run(session, "SELECT said FROM sent WHERE said LIKE '%%\\%%'", {}) == [("50 %",)]
        add(session, 4)
    assert [n for n, _ in rows()] == [1, 2, 3, 4]


@pytest.mark.usefixtures("worker")
def test_a_failure_is_raised_by_the_commit_at_the_latest_and_all_is_undone() -> None:
    def add_twice() -> None:
        with unit_of_work() as session:
            add(session, 1)
            add(session, 1)
            do(session, "UPDATE sent SET said = 'prepared in vain'", {})

    with pytest.raises(IntegrityError):
        add_twice()
    assert rows() == []
    with unit_of_work() as session:
        add(session, 1)
        do(session, "UPDATE sent SET said = 'prepared in vain'", {})
    assert rows() == [(1, "prepared in vain")]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("way", ["run", "execute"])
def test_a_failure_is_raised_by_what_asks_next(way: str) -> None:
    def ask(session: Session) -> None:
        if way == "run":
            run(session, READ, {})
        else:
            session.execute(text(READ))

    with SessionFactory() as session:
        add(session, 1)
        add(session, 1)
        with pytest.raises(IntegrityError):
            ask(session)
        session.rollback()
        ask(session)
        session.rollback()
    assert rows() == []


@pytest.mark.usefixtures("worker")
def test_a_savepoint_undoes_what_was_sent_in_it_and_no_more() -> None:
    def add_twice(session: Session) -> None:
        with session.begin_nested():
            add(session, 2)
            add(session, 2)

    with unit_of_work() as session:
        add(session, 1)
        with pytest.raises(IntegrityError):
            add_twice(session)
        add(session, 3)
        do(session, "UPDATE sent SET said = 'after' WHERE n = %(n)s", {"n": 3})
    assert rows() == [(1, None), (3, "after")]


@pytest.mark.usefixtures("worker")
def test_what_was_sent_by_work_that_then_fails_is_undone() -> None:
    def fail() -> None:
        with unit_of_work() as session:
            add(session, 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert rows() == []


@pytest.mark.usefixtures("worker")
def test_a_statement_larger_than_what_the_socket_takes_passes_whole() -> None:
    large = "x" * (8 * 1024 * 1024)
    with unit_of_work() as session:
        add(session, 1, large)
        add(session, 2)
    assert rows() == [(1, large), (2, None)]


@pytest.mark.usefixtures("worker")
def test_large_statements_and_large_answers_nobody_wants_pass_each_other() -> None:
    large = "x" * (3 * 1024 * 1024)
    with unit_of_work() as session:
        for n in range(5):
            add(session, n, large)
        do(session, "SELECT said, said FROM sent", {})
        for n in range(5, 10):
            add(session, n, large)
    assert len(rows()) == 10


@pytest.mark.usefixtures("worker")
def test_a_wait_that_is_interrupted_is_told_as_that_and_the_next_connection_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def wait() -> None:
        with unit_of_work() as session:
            add(session, 1)
            with monkeypatch.context() as patch:
                patch.setattr(PipelinedConnection, "_wait_for", interrupt)
                run(session, "SELECT pg_sleep(0.2)", {})

    with pytest.raises(KeyboardInterrupt):
        wait()
    with unit_of_work() as session:
        assert run(session, "SELECT to_regclass('sent')::text", {}) == [(None,)]


@pytest.mark.usefixtures("worker")
def test_statements_do_not_pile_up_in_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelined, "MOST_STATEMENTS", 10)
    for number in range(30):
        with unit_of_work() as session:
            assert run(session, f"SELECT {number}", {}) == [(number,)]
    with unit_of_work() as session:
        (kept,) = run(session, "SELECT count(*)::int FROM pg_prepared_statements", {})
    assert kept[0] <= 11


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("way", ["commit", "run", "execute"])
def test_a_lost_connection_is_told_as_one_and_the_next_is_another(
    cluster: EmbeddedServer, way: str
) -> None:
    superuser = cluster.superuser_url().replace("+psycopg", "", 1)

    def lose() -> None:
        with unit_of_work() as worker:
            (backend,) = run(worker, "SELECT pg_backend_pid()", {})
            with psycopg.connect(superuser, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", backend)
            do(worker, "SELECT 1", {})
            if way == "run":
                run(worker, "SELECT 1", {})
            elif way == "execute":
                worker.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError) as raised:
        lose()
    assert raised.value.connection_invalidated
    with unit_of_work() as worker:
        assert run(worker, "SELECT 1", {}) == [(1,)]


@pytest.mark.usefixtures("worker")
def test_a_kept_session_does_one_transaction_after_the_other() -> None:
    def add_twice(session: Session) -> None:
        add(session, 2)
        add(session, 2)

    with kept_session() as kept:
        retrying(lambda session: add(session, 1), kept)
        with pytest.raises(IntegrityError):
            retrying(add_twice, kept)
        retrying(lambda session: add(session, 3), kept)
        driver = kept.connection().connection.driver_connection
        assert isinstance(driver, PipelinedConnection)
        assert driver.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert rows() == [(1, None), (3, None)]


@pytest.mark.usefixtures("worker")
def test_a_kept_session_goes_on_after_its_connection_was_lost(cluster: EmbeddedServer) -> None:
    superuser = cluster.superuser_url().replace("+psycopg", "", 1)

    def lose(session: Session) -> None:
        (backend,) = run(session, "SELECT pg_backend_pid()", {})
        with psycopg.connect(superuser, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", backend)
        do(session, "SELECT 1", {})

    with kept_session() as kept:
        with pytest.raises(DBAPIError):
            retrying(lose, kept)
        assert retrying(lambda session: run(session, "SELECT 1", {}), kept) == [(1,)]
