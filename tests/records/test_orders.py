"""Withdrawal, decision and re-attachment, as a facility orders them over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.identity.models import ProfileIdentifier
from phr_api.records.models import VisitOrder
from tests.factories.people import SignedIn, System, new_number
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key
from tests.records.looking import count, encounters, holder, states, versions

Drain = Callable[[], None]
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
