"""A file comes back to an operator as it was received, and whom it concerns can see that (R14)."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api import records
from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.kit.problems import NotFound
from phr_api.kit.sealed import BrokenSeal
from phr_api.records.models import Original
from tests.factories.people import new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import entries, holder

AsWorker = Callable[[], AbstractContextManager[None]]


def originals(
    environment: dict[str, str], submission_id: UUID, target: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "phr_api", "originals", str(submission_id)]
    return subprocess.run(
        [*command, "--to", str(target)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_operator_gets_the_file_byte_for_byte_and_everybody_in_it_is_told(
    send: Send, session: Session, environment: dict[str, str], tmp_path: Path
) -> None:
    number = new_number()
    known, other = a_visit(number=number), a_visit()
    waiting = a_visit(number=number, name="Trần Thị Người Khác")
    send(a_file(known))
    file = a_file(other, waiting, a_visit(number="123"))
    submission_id = send(file).submission_id
    target = tmp_path / "file.xml"

    done = originals(environment, submission_id, target)

    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == file
    assert target.stat().st_mode & 0o777 == 0o600
    session.rollback()
    (event,) = session.scalars(
        select(AuditEvent).where(
            AuditEvent.action == "originals.read",
            AuditEvent.details["submission"].as_string() == str(submission_id),
        )
    )
    assert event.actor_kind == "operator"
    told = session.scalars(select(AuditSubject.profile_id).where(AuditSubject.event_id == event.id))
    assert set(told) == {holder(session, key_of(known)), holder(session, key_of(other))}
    again = originals(environment, submission_id, target)
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_a_file_of_which_nothing_is_kept_is_named_so(send: Send, as_worker: AsWorker) -> None:
    tried = send(a_file(a_visit()), validate_only=True).submission_id
    refused = send(b"<x/>").submission_id

    with as_worker():
        for submission_id in (tried, refused):
            with pytest.raises(records.NothingKept):
                next(records.give_back(submission_id))
        with pytest.raises(NotFound):
            next(records.give_back(uuid4()))


def test_a_file_with_a_destroyed_key_comes_back_no_more(
    send: Send, session: Session, as_worker: AsWorker
) -> None:
    submission_id = send(a_file(a_visit(), a_visit())).submission_id
    last = entries(session, submission_id)[-1].original_id
    session.execute(update(Original).where(Original.id == last).values(wrapped_key=None))
    session.commit()

    with as_worker(), pytest.raises(BrokenSeal):
        b"".join(records.give_back(submission_id))
