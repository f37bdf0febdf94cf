"""Who tries names out on known numbers gets no further: one limit a sender and day (R11, R24)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.identity.models import Disagreement
from phr_api.kit import clock
from phr_api.records import rules
from phr_api.records.models import VisitOrder
from tests.factories.people import SignedIn, System, make_system, new_number
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of
from tests.records.looking import entries

Drain = Callable[[], None]
ROOT = f"/v1/facilities/{FACILITY}"
OTHER_NAME = "Trần Thị Người Khác"


def post(client: FlaskClient, system: System, file: bytes) -> Any:
    headers = system.headers | {"Idempotency-Key": uuid4().hex}
    return client.post(f"{ROOT}/submissions", data=file, headers=headers)


def reattach(client: FlaskClient, desk: SignedIn, key: str, number: str) -> UUID:
    person = {"fullName": OTHER_NAME, "birth": "1990", "sex": "female", "number": number}
    body = {"reason": "Nhầm người bệnh", "person": person}
    headers = desk.headers | {"Idempotency-Key": uuid4().hex}
    answer = client.post(f"{ROOT}/visits/{key}/reattachment", json=body, headers=headers)
    assert answer.status_code == 202
    return UUID(answer.get_json()["id"])


def disagreed(session: Session, sender: UUID) -> int:
    session.rollback()
    row = session.get(Disagreement, (FACILITY, sender, clock.today()))
    return row.count if row else 0


def test_a_sender_with_too_many_disagreements_today_sends_no_more_today(
    client: FlaskClient, system: System, session: Session
) -> None:
    count = rules.MOST_DISAGREEMENTS_A_DAY
    session.add(
        Disagreement(
            facility_code=FACILITY, client_id=system.client.id, day=clock.today(), count=count
        )
    )
    session.commit()

    refused = post(client, system, a_file(a_visit()))

    assert refused.status_code == 429
    assert refused.get_json()["type"] == "/problems/records/too-many-disagreements"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert post(client, make_system(session), a_file(a_visit())).status_code == 202


def test_files_that_wait_or_are_in_flight_are_counted_too(
    client: FlaskClient,
    system: System,
    send: Send,
    drain: Drain,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MOST_DISAGREEMENTS_A_DAY", 2)
    number = new_number()
    known, changing = a_visit(number=number), a_visit(number=number)
    send(a_file(known, changing))
    changed = a_visit(key_of(changing), number=number, LY_DO_VV="Khác")
    tried = [a_visit(number=number, name=OTHER_NAME) for _ in range(3)]
    new = a_visit()
    first = post(client, system, a_file(*tried[:2]))
    second = post(client, system, a_file(known, changed, tried[2], new))

    drain()

    assert disagreed(session, system.client.id) == 2
    outcomes = [entry.outcome for entry in entries(session, UUID(first.get_json()["id"]))]
    assert outcomes == ["needs-review", "needs-review"]
    after = entries(session, UUID(second.get_json()["id"]))
    assert [entry.outcome for entry in after] == ["unchanged", "superseded", "refused", "refused"]
    assert after[2].reasons[0]["code"] == "too-many-disagreements"
    # nothing tells a known number with another name from one that is not known
    assert after[2].reasons == after[3].reasons
    assert send(a_file(tried[2], new)).counts == {"needs-review": 1, "accepted": 1}


def test_a_person_who_disagrees_at_a_reattachment_is_counted_and_limited_too(
    client: FlaskClient,
    desk: SignedIn,
    send: Send,
    drain: Drain,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MOST_DISAGREEMENTS_A_DAY", 1)
    number, visit = new_number(), a_visit()
    send(a_file(a_visit(number=number), visit))

    refusals = []
    for _ in range(2):
        order_id = reattach(client, desk, key_of(visit), number)
        drain()
        session.rollback()
        order = session.get_one(VisitOrder, order_id)
        assert order.person is None
        refusals.append((order.state, order.refusal))

    assert refusals == [("refused", "person-disagrees"), ("refused", "too-many-disagreements")]
    assert disagreed(session, desk.account.id) == 1
