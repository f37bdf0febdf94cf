"""Withdrawal, decision and re-attachment, as a facility orders them over HTTP."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.identity.models import ProfileIdentifier
from phr_api.kit import clock
from phr_api.records.models import IntakeWork, VisitOrder
from phr_api.records.service import carrying_out, queue
from phr_api.records.service.queue import MOST_ATTEMPTS
from tests.factories.people import SignedIn, System, new_number
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key
from tests.records.looking import count, encounters, holder, states, versions

Drain = Callable[[], None]
AsWorker = Callable[[], AbstractContextManager[None]]
ROOT = f"/v1/facilities/{FACILITY}"


def post(client: FlaskClient, who: SignedIn | System, path: str, body: dict[str, Any]) -> Any:
    headers = who.headers | {"Idempotency-Key": uuid4().hex}
    return client.post(f"{ROOT}{path}", json=body, headers=headers)


def a_waiting_visit(send: Send) -> tuple[str, str, str]:
    """Returns the known visit's key, the waiting one's, and the number of both."""
    number, known, waiting = new_number(), new_key(), new_key()
    send(a_file(a_visit(known, number=number)))
    send(a_file(a_visit(waiting, number=number, name="Trần Thị Người Khác")))
    return known, waiting, number


def test_a_withdrawn_visit_is_marked_and_stays_so_when_it_is_sent_again(
    client: FlaskClient, system: System, send: Send, drain: Drain, session: Session
) -> None:
    visit = a_visit()
    key = key_of(visit)
    send(a_file(visit))
    owner = holder(session, key)

    ordered = post(client, system, f"/visits/{key}/withdrawal", {"reason": "Nhập nhầm"})
    drain()

    assert ordered.status_code == 202
    assert states(session, key) == ["withdrawn"]
    assert list(encounters(session, owner).values()) == ["withdrawn"]
    again = send(a_file(visit))
    assert again.counts == {"unchanged": 1}
    assert again.entries[0].reasons[0]["code"] == "withdrawn-before"
    changed = a_visit(key, number=visit["XML1"][0]["SO_CCCD"], LY_DO_VV="Khác")
    assert send(a_file(changed)).counts == {"accepted": 1}
    answer = client.get(f"{ROOT}/visits/{key}", headers=system.headers).json
    assert answer is not None
    assert [version["state"] for version in answer["versions"]] == ["current", "withdrawn"]
    assert answer["orders"][0]["reason"] == "Nhập nhầm"
    assert answer["orders"][0]["state"] == "done"


def test_the_files_of_a_month_again_bring_no_version_of_a_withdrawn_visit_back(
    client: FlaskClient, system: System, send: Send, drain: Drain, session: Session
) -> None:
    key, number = new_key(), new_number()
    first, second, third = (a_visit(key, number=number, LY_DO_VV=why) for why in "123")
    for visit in (first, second):
        send(a_file(visit))
    owner = holder(session, key)
    post(client, system, f"/visits/{key}/withdrawal", {"reason": "Nhập nhầm"})
    drain()

    for visit in (first, second):
        again = send(a_file(visit))
        assert again.counts == {"unchanged": 1}
        assert again.entries[0].reasons[0]["code"] == "withdrawn-before"

    assert states(session, key) == ["superseded", "withdrawn"]
    assert "current" not in encounters(session, owner).values()
    # what was sent after the withdrawal stands, whatever of before comes again
    assert send(a_file(third)).counts == {"accepted": 1}
    assert send(a_file(first, second)).counts == {"unchanged": 2}
    assert states(session, key) == ["superseded", "withdrawn", "current"]


def test_a_visit_is_withdrawn_once(
    client: FlaskClient, system: System, send: Send, drain: Drain
) -> None:
    key = new_key()
    send(a_file(a_visit(key)))
    reason = {"reason": "Nhập nhầm"}
    assert post(client, system, f"/visits/{key}/withdrawal", reason).status_code == 202

    waiting = post(client, system, f"/visits/{key}/withdrawal", reason)
    drain()
    done = post(client, system, f"/visits/{key}/withdrawal", reason)

    assert waiting.json["type"] == "/problems/records/order-waiting"
    assert done.json["type"] == "/problems/records/visit-not-current"


def test_a_visit_that_was_never_sent_is_not_found(client: FlaskClient, system: System) -> None:
    answer = post(client, system, f"/visits/{new_key()}/withdrawal", {"reason": "Nhập nhầm"})

    assert answer.status_code == 404


def test_the_desk_sees_what_waits_and_which_facts_disagree(
    client: FlaskClient, desk: SignedIn, send: Send
) -> None:
    _, waiting, _ = a_waiting_visit(send)

    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = client.get(f"{ROOT}/reviews?limit=100{after}", headers=desk.headers).json
        assert page is not None
        items += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    (review,) = [item for item in items if item["visit"] == waiting]
    assert review["disagrees"] == ["name"]
    assert review["ageDays"] == 0
    assert set(review) == {
        "id",
        "visit",
        "patientCode",
        "submissionId",
        "receivedAt",
        "ageDays",
        "disagrees",
    }


def test_the_list_of_reviews_is_in_the_trace_of_whom_the_numbers_belong_to(
    client: FlaskClient, desk: SignedIn, send: Send, session: Session
) -> None:
    known, waiting, _ = a_waiting_visit(send)
    owner = holder(session, known)

    after = ""
    while after is not None:
        page = client.get(f"{ROOT}/reviews?limit=100{after}", headers=desk.headers).get_json()
        after = page["next"] and f"&after={page['next']}"
    client.get(f"{ROOT}/visits/{waiting}", headers=desk.headers)

    session.rollback()
    seen = session.execute(
        select(AuditEvent.action, AuditEvent.actor_id)
        .join(AuditSubject, AuditSubject.event_id == AuditEvent.id)
        .where(AuditSubject.profile_id == owner, AuditEvent.action != "visit.sent")
        .order_by(AuditEvent.id)
    ).all()
    assert [tuple(row) for row in seen] == [
        ("reviews.list", desk.account.id),
        ("visit.history", desk.account.id),
    ]


def decide(
    client: FlaskClient, desk: SignedIn, session: Session, waiting: str, decision: str
) -> Any:
    (review,) = [v for v in versions(session, waiting) if v.state == "needs-review"]
    body = {"decision": decision, "reason": "Đã đối chiếu giấy tờ"}
    return post(client, desk, f"/reviews/{review.id}/decision", body)


def test_the_same_person_gets_the_waiting_visit(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    known, waiting, _ = a_waiting_visit(send)

    assert decide(client, desk, session, waiting, "same-person").status_code == 202
    drain()

    assert states(session, waiting) == ["current"]
    assert holder(session, waiting) == holder(session, known)


def test_a_different_person_gets_a_book_without_the_number(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    known, waiting, number = a_waiting_visit(send)

    decide(client, desk, session, waiting, "different-person")
    drain()

    other = holder(session, waiting)
    assert other != holder(session, known)
    assert count(session, ProfileIdentifier, profile_id=other, value=number) == 0


def test_a_decision_holds_when_the_visit_changes(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    _, waiting, number = a_waiting_visit(send)
    decide(client, desk, session, waiting, "different-person")
    drain()
    owner = holder(session, waiting)

    again = a_visit(waiting, number=number, name="Trần Thị Người Khác", LY_DO_VV="Khác")
    taken = send(a_file(again))

    assert taken.counts == {"superseded": 1}
    assert holder(session, waiting) == owner
    assert count(session, ProfileIdentifier, profile_id=owner, value=number) == 0


def test_a_review_is_decided_once(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    _, waiting, _ = a_waiting_visit(send)
    review = versions(session, waiting)[0].id
    decide(client, desk, session, waiting, "same-person")
    drain()

    body = {"decision": "different-person", "reason": "Đã đối chiếu"}
    again = post(client, desk, f"/reviews/{review}/decision", body)

    assert again.status_code == 409
    assert again.json["type"] == "/problems/records/review-decided"


def test_a_visit_on_the_wrong_person_moves_and_both_are_told(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    key, number = new_key(), new_number()
    send(a_file(a_visit(key)))
    wrong = holder(session, key)
    right_visit = a_visit(number=number, name="Trần Thị Người Đúng")
    send(a_file(right_visit))
    right = holder(session, key_of(right_visit))
    person = {
        "fullName": "Trần Thị Người Đúng",
        "birth": "1990-02-28",
        "sex": "female",
        "number": number,
    }

    body = {"reason": "Nhầm người bệnh", "person": person}
    ordered = post(client, desk, f"/visits/{key}/reattachment", body)
    drain()

    assert ordered.status_code == 202
    assert holder(session, key) == right
    assert list(encounters(session, wrong).values()) == ["superseded"]
    (event,) = session.scalars(
        select(AuditEvent).where(
            AuditEvent.action == "visit.reattachment",
            AuditEvent.details["visit"].as_string() == str(versions(session, key)[0].id),
        )
    )
    subjects = session.scalars(
        select(AuditSubject.profile_id).where(AuditSubject.event_id == event.id)
    )
    assert set(subjects) == {wrong, right}
    assert count(session, AuditEvent, action="visit.seen-meanwhile") >= 1
    order = session.get_one(VisitOrder, ordered.json["id"])
    assert order.person is None


def test_a_reattached_visit_does_not_go_back_when_its_file_comes_again(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    key, number = new_key(), new_number()
    send(a_file(a_visit(key, number=number)))
    person = {"fullName": "Trần Thị Người Đúng", "birth": "1990", "sex": "female"}
    body = {"reason": "Nhầm người bệnh", "person": person}
    post(client, desk, f"/visits/{key}/reattachment", body)
    drain()
    owner = holder(session, key)

    taken = send(a_file(a_visit(key, number=number, LY_DO_VV="Khác")))

    assert taken.counts == {"superseded": 1}
    assert holder(session, key) == owner


def test_a_system_may_not_decide_whose_a_visit_is(
    client: FlaskClient, system: System, send: Send, session: Session
) -> None:
    _, waiting, _ = a_waiting_visit(send)
    (review,) = versions(session, waiting)

    listed = client.get(f"{ROOT}/reviews", headers=system.headers)
    body = {"decision": "same-person", "reason": "Không được"}
    decided = post(client, system, f"/reviews/{review.id}/decision", body)

    assert listed.status_code == 403
    assert decided.status_code == 403


def reattach(
    client: FlaskClient, desk: SignedIn, key: str, *, birth: str = "1990-02-28", **person: str
) -> Any:
    corrected = {"fullName": "Trần Thị Người Đúng", "birth": birth, "sex": "female"} | person
    body = {"reason": "Nhầm người bệnh", "person": corrected}
    return post(client, desk, f"/visits/{key}/reattachment", body)


@pytest.mark.parametrize("birth", ["1991-02-31", "1991-13", "0001", "1991-00-01"])
def test_a_day_that_no_calendar_has_is_refused_at_once(
    client: FlaskClient, desk: SignedIn, send: Send, birth: str
) -> None:
    visit = a_visit()
    send(a_file(visit))

    answer = reattach(client, desk, key_of(visit), birth=birth)

    assert answer.status_code == 422
    assert reattach(client, desk, key_of(visit)).status_code == 202


def test_an_order_that_cannot_be_read_is_refused_and_the_next_one_is_taken(
    client: FlaskClient, desk: SignedIn, send: Send, drain: Drain, session: Session
) -> None:
    visit = a_visit()
    send(a_file(visit))
    ordered = reattach(client, desk, key_of(visit)).json
    person = {"full_name": "Trần Thị Người Đúng", "birth": "1991-02-31", "sex": "female"}
    session.execute(update(VisitOrder).where(VisitOrder.id == ordered["id"]).values(person=person))
    session.commit()

    drain()

    order = session.get_one(VisitOrder, ordered["id"])
    assert (order.state, order.refusal, order.person) == ("refused", "date-shape", None)
    assert reattach(client, desk, key_of(visit)).status_code == 202


def test_an_order_that_fails_again_and_again_is_refused_and_holds_up_nobody(
    client: FlaskClient,
    desk: SignedIn,
    send: Send,
    as_worker: AsWorker,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = a_visit()
    send(a_file(visit))
    order_id = UUID(reattach(client, desk, key_of(visit)).json["id"])

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with as_worker(), monkeypatch.context() as patch:
        patch.setattr(carrying_out, "corrected", fail)
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                queue.work_on(order_id, Event())
        assert queue.work_on(order_id, Event())

    order = session.get_one(VisitOrder, order_id)
    assert (order.state, order.refusal, order.person) == ("refused", "processing-failed", None)
    assert count(session, IntakeWork, id=order_id) == 0
    assert reattach(client, desk, key_of(visit)).status_code == 202


def test_work_that_failed_very_often_is_put_off_and_no_longer_than_ten_minutes(
    client: FlaskClient,
    desk: SignedIn,
    send: Send,
    as_worker: AsWorker,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = a_visit()
    send(a_file(visit))
    order_id = UUID(reattach(client, desk, key_of(visit)).json["id"])
    session.execute(update(IntakeWork).where(IntakeWork.id == order_id).values(attempts=10_000))
    session.commit()

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with as_worker(), monkeypatch.context() as patch:
        patch.setattr(carrying_out, "give_up", fail)
        with pytest.raises(ZeroDivisionError):
            queue.work_on(order_id, Event())

    session.rollback()
    due = session.get_one(IntakeWork, order_id).due_at
    assert clock.now() < due <= clock.now() + timedelta(minutes=10)
    session.execute(delete(IntakeWork).where(IntakeWork.id == order_id))
    session.commit()
