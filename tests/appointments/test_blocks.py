"""Numbers that a desk gives while the network is away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Guest, Ticket
from phr_api.kit import clock
from tests.appointments.line import Desk, make_desk
from tests.factories.people import make_staff


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


def take(desk: Desk, count: int = 5) -> Any:
    answer = desk.post(f"/queues/{desk.queue.id}/blocks", {"count": count})
    assert answer.status_code == 201
    return answer.get_json()


def given(number: int, **more: Any) -> dict[str, Any]:
    return {"number": number, "at": clock.now().isoformat()} | more


def test_a_blocks_numbers_are_nobody_elses(desk: Desk) -> None:
    desk.give()
    block = take(desk)
    assert (block["first"], block["last"], block["prefix"]) == (2, 6, "A")
    assert block["on"] == clock.today().isoformat()
    assert desk.give()["label"] == "A007"
    assert take(desk)["first"] == 8


def test_the_same_key_takes_one_block(desk: Desk) -> None:
    path, key = f"/queues/{desk.queue.id}/blocks", {"Idempotency-Key": uuid4().hex}
    answers = [desk.post(path, {"count": 5}, **key) for _ in range(2)]
    assert answers[0].get_json() == answers[1].get_json()
    assert take(desk)["first"] == 6


def test_given_numbers_stand_in_line_by_their_number(desk: Desk, session: Session) -> None:
    block = take(desk, 3)
    desk.give()
    items = [
        given(1, guest={"fullName": "Khách Ngoại Tuyến", "phone": "0912345678"}),
        given(2, priority="pregnant"),
    ]
    answer = desk.post(f"/blocks/{block['id']}/tickets", {"items": items})
    assert answer.status_code == 201
    tickets = answer.get_json()["items"]
    assert [(one["label"], one["source"]) for one in tickets] == [
        ("A001", "offline"),
        ("A002", "offline"),
    ]
    assert tickets[0]["personName"] == "Khách Ngoại Tuyến"
    assert desk.labels() == ["A002", "A001", "A004"]


def test_numbers_sent_again_are_answered_as_they_are(desk: Desk, session: Session) -> None:
    block = take(desk)
    path = f"/blocks/{block['id']}/tickets"
    guest = {"fullName": f"Khách {uuid4().hex[:6]}"}
    desk.post(path, {"items": [given(1, guest=guest)]})
    called = desk.next()
    again = desk.post(path, {"items": [given(1, guest=guest, priority="merit"), given(2)]})
    assert again.status_code == 201
    first, second = again.get_json()["items"]
    assert (first["state"], first["priority"], first["id"]) == ("called", "none", called["id"])
    assert second["state"] == "waiting"
    saved = select(func.count()).where(Guest.full_name == guest["fullName"])
    assert session.scalar(saved) == 1


def test_two_who_tell_of_the_same_numbers_at_once_are_told_the_same(app: Flask, desk: Desk) -> None:
    block = take(desk, 20)
    items = [given(number) for number in range(1, 21)]

    def tell(_: int) -> Any:
        clerk = Desk(app.test_client(), desk.clerk, desk.queue)
        answer = clerk.post(f"/blocks/{block['id']}/tickets", {"items": items})
        return answer.status_code, answer.get_json()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(tell, range(2))
    assert first[0] == 201
    assert second == first


def test_the_desks_clock_cannot_leave_the_day(desk: Desk, session: Session) -> None:
    block = take(desk)
    wrong = [clock.now() + timedelta(days=3), clock.now() - timedelta(days=400)]
    items = [given(1, at=wrong[0].isoformat()), given(2, at=wrong[1].isoformat())]
    desk.post(f"/blocks/{block['id']}/tickets", {"items": items})
    query = select(Ticket.created_at).where(Ticket.queue_id == desk.queue.id)
    for at in session.scalars(query):
        assert at.astimezone(clock.VIETNAM).date() == clock.today()
        assert at <= clock.now()


def test_a_block_is_of_its_facility_and_its_numbers(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    block = take(desk)
    path = f"/blocks/{block['id']}/tickets"
    assert desk.post(path, {"items": [given(6)]}).status_code == 422
    assert desk.post(path, {"items": []}).status_code == 422
    assert desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 51}).status_code == 422
    assert desk.post(f"/blocks/{uuid4()}/tickets", {"items": [given(1)]}).status_code == 404
    body, key = {"items": [given(1)]}, {"Idempotency-Key": uuid4().hex}
    url = f"{desk.facility}{path}"
    assert client.post(url, json=body, headers=key).status_code == 401
    for staff, status in (
        (make_staff(session, facility_code="99002"), 404),
        (make_staff(session, role="doctor"), 403),
        (make_staff(session), 201),  # who takes over the desk
    ):
        answer = client.post(url, json=body, headers=staff.headers | key)
        assert answer.status_code == status
