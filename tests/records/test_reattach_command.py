"""`phr-api reattach`: an operator moves a visit to the person it belongs to (R13)."""

import json
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.records.models import VisitOrder
from tests.factories.people import new_number
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key
from tests.records.looking import holder, versions

RIGHT_NAME = "Trần Thị Người Đúng"


def reattach(
    environment: dict[str, str], key: str, document: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "phr_api", "reattach", "--facility", FACILITY, "--visit", key]
    return subprocess.run(
        command, env=environment, input=document, capture_output=True, text=True, check=False
    )


def a_document(**person: Any) -> str:
    named = {"fullName": RIGHT_NAME, "birth": "1990-02-28", "sex": "female"} | person
    return json.dumps({"reason": "Nhầm người bệnh", "person": named})


def test_an_operator_moves_a_visit_and_both_people_are_told(
    environment: dict[str, str], send: Send, session: Session
) -> None:
    key, number = new_key(), new_number()
    send(a_file(a_visit(key)))
    wrong = holder(session, key)
    right_visit = a_visit(number=number, name=RIGHT_NAME)
    send(a_file(right_visit))

    done = reattach(environment, key, a_document(number=number))

    assert (done.returncode, done.stdout) == (0, "moved\n")
    session.rollback()
    right = holder(session, key_of(right_visit))
    assert holder(session, key) == right
    told = session.execute(
        select(AuditSubject.profile_id, AuditEvent.actor_kind)
        .join(AuditEvent, AuditEvent.id == AuditSubject.event_id)
        .where(
            AuditEvent.action == "visit.reattachment",
            AuditSubject.profile_id.in_([wrong, right]),
        )
    )
    assert {tuple(row) for row in told} == {(wrong, "operator"), (right, "operator")}


def test_what_cannot_be_done_is_said_and_nothing_moves(
    environment: dict[str, str], send: Send, session: Session
) -> None:
    key, number = new_key(), new_number()
    send(a_file(a_visit(key, number=number)))
    owner = holder(session, key)

    disagrees = reattach(environment, key, a_document(number=number))

    assert disagrees.returncode == 1
    assert "refused: person-disagrees" in disagrees.stderr
    assert holder(session, key) == owner
    order = session.scalars(
        select(VisitOrder).where(VisitOrder.visit_id == versions(session, key)[0].id)
    ).one()
    assert order.person is None
    unknown = reattach(environment, new_key(), a_document())
    assert unknown.returncode == 1


@pytest.mark.parametrize("document", ["{", '{"reason": "Nhầm người bệnh"}'])
def test_a_document_that_is_none_is_told_by_its_places_alone(
    environment: dict[str, str], document: str
) -> None:
    told = reattach(environment, new_key(), document)
    assert told.returncode == 2
    assert "document" in told.stderr
