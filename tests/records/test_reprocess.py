"""Running visits again from the kept bytes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api import records
from phr_api.healthbook.models import Result
from phr_api.identity.models import Profile
from phr_api.records.models import IntakeWork, Original, UploadChunk
from phr_api.records.reader import read_visit
from phr_api.records.service import entering_files, queue
from phr_api.records.service.queue import MOST_ATTEMPTS
from phr_api.vocab import name_key
from tests.factories.people import make_system, new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import count, entries, holder, states, versions

AsWorker = Callable[[], AbstractContextManager[None]]
FACILITY = "99002"  # of this file's visits alone: reprocess takes all of a facility


def sent(send: Send, *visits: dict[str, list[dict[str, str]]]) -> Any:
    for visit in visits:
        visit["XML1"][0]["MA_CSKCB"] = FACILITY
    return send(a_file(*visits, facility=FACILITY), FACILITY)


def test_a_visit_that_broke_us_is_kept_and_entered_later(
    send: Send, session: Session, as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, broken = a_visit(), a_visit()

    def break_on(raw: bytes) -> Any:
        visit = read_visit(raw)
        if visit.ma_lk == key_of(broken):
            raise ZeroDivisionError
        return visit

    with monkeypatch.context() as patch:
        patch.setattr(entering_files, "read_visit", break_on)
        taken = sent(send, good, broken)
    assert taken.counts == {"accepted": 1, "refused": 1}
    assert [reason["code"] for reason in taken.entries[1].reasons] == ["processing-failed"]

    with as_worker():
        outcomes = records.reprocess(FACILITY)

    assert outcomes == {"accepted": 1}
    assert states(session, key_of(broken)) == ["current"]
    assert [entry.outcome for entry in entries(session, taken.submission_id)] == ["accepted"] * 2
    # two visits and what lies between them: nothing was kept twice
    assert count(session, Original, submission_id=taken.submission_id) == 3
    with as_worker():
        assert records.reprocess(FACILITY) == {}


def test_a_waiting_visit_is_matched_again(
    send: Send, session: Session, as_worker: AsWorker
) -> None:
    number, name = new_number(), "Trần Thị Đổi Tên"
    known, waiting = a_visit(number=number), a_visit(number=number, name=name)
    sent(send, known)
    assert sent(send, waiting).counts == {"needs-review": 1}
    owner = holder(session, key_of(known))
    with as_worker():
        assert records.reprocess(FACILITY) == {"needs-review": 1}
    assert states(session, key_of(waiting)) == ["needs-review"]
    session.execute(
        update(Profile).where(Profile.id == owner).values(full_name=name, name_key=name_key(name))
    )
    session.commit()

    with as_worker():
        assert records.reprocess(FACILITY) == {"accepted": 1}

    assert states(session, key_of(waiting)) == ["superseded", "current"]
    assert holder(session, key_of(waiting)) == owner


def test_a_waiting_visit_to_which_a_table_was_added_is_matched_again(
    send: Send, session: Session, as_worker: AsWorker
) -> None:
    number, name = new_number(), "Trần Thị Đổi Tên"
    known = a_visit(number=number)
    waiting = a_visit(number=number, name=name, results=())
    key = key_of(waiting)
    sent(send, known)
    assert sent(send, waiting).counts == {"needs-review": 1}
    added = a_file({"XML4": a_visit(key)["XML4"]}, facility=FACILITY)
    assert send(added, FACILITY).counts == {"needs-review": 1}
    owner = holder(session, key_of(known))
    with as_worker():
        assert records.reprocess(FACILITY) == {"needs-review": 1}
    assert states(session, key) == ["superseded", "needs-review"]
    session.execute(
        update(Profile).where(Profile.id == owner).values(full_name=name, name_key=name_key(name))
    )
    session.commit()

    with as_worker():
        assert records.reprocess(FACILITY) == {"accepted": 1}

    assert states(session, key) == ["superseded", "superseded", "current"]
    assert holder(session, key) == owner
    encounter = versions(session, key)[-1].encounter_id
    assert count(session, Result, profile_id=owner, encounter_id=encounter) == 1
    assert send(added, FACILITY).counts == {"unchanged": 1}


def test_a_file_that_was_given_up_keeps_its_bytes_and_is_taken_up_again(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    system = make_system(session, facility_codes=(FACILITY,))
    visit = a_visit(MA_CSKCB=FACILITY)
    headers = system.headers | {"Idempotency-Key": uuid4().hex}
    root = f"/v1/facilities/{FACILITY}/submissions"
    sent = client.post(root, data=a_file(visit, facility=FACILITY), headers=headers)
    assert sent.json is not None
    submission_id = UUID(sent.json["id"])
    session.execute(
        update(IntakeWork).where(IntakeWork.id == submission_id).values(attempts=MOST_ATTEMPTS)
    )
    session.commit()
    with as_worker():
        assert queue.work_on(submission_id, Event())
    given_up = client.get(sent.headers["Location"], headers=system.headers).json
    assert given_up is not None
    assert (given_up["state"], given_up["refusal"]["code"]) == ("refused", "processing-failed")
    assert count(session, UploadChunk, submission_id=submission_id) == 1

    with as_worker():
        assert records.reprocess(FACILITY) == {"accepted": 1}

    assert states(session, key_of(visit)) == ["current"]
    assert count(session, UploadChunk, submission_id=submission_id) == 0


def test_a_table_belongs_to_the_version_that_waits_not_to_the_one_before_it(
    send: Send, session: Session
) -> None:
    number = new_number()
    first, known = a_visit(), a_visit(number=number)
    key = key_of(first)
    sent(send, first)
    sent(send, known)
    owner = holder(session, key)
    changed = a_visit(key, number=number, name="Trần Thị Người Khác")
    assert sent(send, changed).counts == {"needs-review": 1}

    added = send(a_file({"XML4": a_visit(key)["XML4"]}, facility=FACILITY), FACILITY)

    assert added.counts == {"needs-review": 1}
    assert states(session, key) == ["current", "superseded", "needs-review"]
    assert holder(session, key) == owner
    _, waited, waits = versions(session, key)
    assert waits.person_sha256 == waited.person_sha256
