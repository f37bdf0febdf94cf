"""Running visits again from the kept bytes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api import records
from phr_api.identity.models import Profile
from phr_api.records.models import Original
from phr_api.records.service import reading
from phr_api.vocab import name_key
from tests.factories.people import new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import count, entries, holder, states

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
    read = reading.read

    def break_on(raw: bytes) -> Any:
        visit = read(raw)
        if visit.ma_lk == key_of(broken):
            raise ZeroDivisionError
        return visit

    with monkeypatch.context() as patch:
        patch.setattr(reading, "read", break_on)
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
