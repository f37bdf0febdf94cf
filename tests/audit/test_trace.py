"""The trace can be added to and read by person; nothing else, and a removed row is found out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.audit import service
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.vocab import ProfileId

SECRET = b"a secret that only this test knows"
DESK = audit.Actor(kind="staff", id=uuid4(), facility_code="99001")

AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.mark.parametrize("table", ["audit_event", "audit_subject", "audit_refusal", "audit_chain"])
@pytest.mark.parametrize("role", ["web_connection", "worker_connection"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_role_of_the_application_changes_the_trace(
    request: pytest.FixtureRequest, role: str, table: str, verb: str
) -> None:
    if (role, table, verb) == ("worker_connection", "audit_refusal", "DELETE FROM {}"):
        verb = "TRUNCATE {}"  # the worker closes refusals into events: it may delete these
    if table == "audit_chain":
        verb = verb.replace("at = now()", "rows = 0")
    connection: Connection = request.getfixturevalue(role)
    with pytest.raises(ProgrammingError, match="permission denied"), connection.begin():
        connection.execute(text(verb.format(table)))


def test_a_person_reads_the_events_that_concerned_them_and_no_others(
    as_worker: AsWorker,
) -> None:
    one, other = ProfileId(uuid4()), ProfileId(uuid4())
    with as_worker():
        with unit_of_work() as session:
            audit.record(session, DESK, action="list.read", subjects=[one, other], reason="today")
            audit.record(session, DESK, action="book.read", subjects=[other])
        with unit_of_work() as session:
            assert audit.find_access_events(session, one, limit=10) == []
            set_scope(session, profile_id=one)
            seen = audit.find_access_events(session, one, limit=10)
    assert [(event.action, event.reason) for event in seen] == [("list.read", "today")]


def test_refusals_of_a_minute_become_one_event_with_their_count(as_worker: AsWorker) -> None:
    person = ProfileId(uuid4())
    with as_worker():
        for _ in range(3):
            audit.record_refusal(DESK, action="book.read", profile_id=person)
        with clock.moved(timedelta(minutes=2)), unit_of_work() as session:
            service.close_refusals(session, clock.now())
        with unit_of_work() as session:
            set_scope(session, profile_id=person)
            (event,) = audit.find_access_events(session, person, limit=10)
            details = session.scalar(text("SELECT details FROM audit_event"))
    assert event.action == "book.read.refused"
    assert details == {"count": 3}


def test_a_removed_row_breaks_its_day(as_worker: AsWorker, session: Session) -> None:
    person = uuid4()
    with as_worker():
        with clock.moved(timedelta(days=-40)), unit_of_work() as work:
            audit.record(work, DESK, action="book.read", subjects=[person])
            day = clock.now().date()
        with unit_of_work() as work:
            chained = service.chain_days(work, clock.now(), SECRET)
            assert day in [chained_day for chained_day, _, _ in chained]
            assert day not in service.verify_chain(work, SECRET)
        session.execute(
            text("DELETE FROM audit_subject WHERE profile_id = :person"), {"person": person}
        )
        session.commit()
        with unit_of_work() as work:
            assert service.verify_chain(work, SECRET) == [day]
            assert day in service.verify_chain(work, b"another installation's secret, longer")
