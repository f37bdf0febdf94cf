"""A desk records a parent as carer of a child, by the documents it has seen."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.identity.models import Profile
from tests.factories.people import Citizen, add_number, make_citizen, make_profile, make_staff
from tests.factories.people import new_number as number_of

URL = "/v1/facilities/99001/carers"


def person(profile: Profile, number: str) -> dict[str, str]:
    return {"number": number, "fullName": profile.full_name, "birth": profile.birth}


def family(session: Session) -> tuple[Citizen, Profile, dict[str, Any]]:
    """A signed-in mother whose number is verified, her child, and what the desk sends."""
    parent_number, child_number = number_of(), number_of(year=2020)
    parent = make_citizen(session)
    add_number(
        session, parent.profile, system="citizen-id", value=parent_number, assurance="verified"
    )
    child = make_profile(
        session,
        full_name="Trần Thử Nghiệm",
        birth="2020-06-01",
        numbers=[("citizen-id", child_number, "received")],
    )
    body = {
        "child": person(child, child_number),
        "carer": person(parent.profile, parent_number),
        "relation": "mother",
        "powers": ["see", "book"],
        "documentSeen": "giấy khai sinh số 1",
    }
    return parent, child, body


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def test_from_then_on_the_parent_opens_the_childs_book(
    client: FlaskClient, session: Session
) -> None:
    parent, child, body = family(session)
    desk = make_staff(session)
    assert client.get(f"/v1/profiles/{child.id}/papers", headers=parent.headers).status_code == 404

    answer = client.post(URL, json=body, headers=desk.headers | key())

    assert answer.status_code == 201
    assert answer.get_json()["powers"] == ["book", "see"]
    assert answer.get_json()["endsAt"].startswith("2038-06-01T00:00:00")
    assert client.get(f"/v1/profiles/{child.id}/papers", headers=parent.headers).status_code == 200
    listed = client.get(URL, headers=desk.headers).get_json()["items"]
    assert answer.get_json()["id"] in [item["id"] for item in listed]


def test_suspended_by_the_desk_the_parent_sees_nothing_at_once(
    client: FlaskClient, session: Session
) -> None:
    parent, child, body = family(session)
    desk = make_staff(session)
    made = client.post(URL, json=body, headers=desk.headers | key()).get_json()

    answer = client.post(
        f"{URL}/{made['id']}/suspension", json={"reason": "toà án"}, headers=desk.headers
    )

    assert answer.status_code == 200
    assert answer.get_json()["suspendedAt"]
    assert client.get(f"/v1/profiles/{child.id}/papers", headers=parent.headers).status_code == 404


@pytest.mark.parametrize("who", ["child", "carer"])
@pytest.mark.parametrize("field", ["number", "fullName", "birth"])
def test_one_thing_that_does_not_agree_finds_nobody(
    client: FlaskClient, session: Session, who: str, field: str
) -> None:
    _, _, body = family(session)
    wrong = {"number": number_of(), "fullName": "Lê Văn Khác", "birth": "2001-01-01"}
    body[who][field] = wrong[field]
    answer = client.post(URL, json=body, headers=make_staff(session).headers | key())
    assert answer.status_code == 404
    assert answer.get_json()["type"] == "/problems/consent/carer-not-found"


def test_a_day_that_no_calendar_has_is_refused(client: FlaskClient, session: Session) -> None:
    _, _, body = family(session)
    body["child"]["birth"] = "2020-02-31"

    answer = client.post(URL, json=body, headers=make_staff(session).headers | key())

    assert answer.status_code == 422


def test_the_same_key_records_once_and_another_key_is_told_so(
    client: FlaskClient, session: Session
) -> None:
    _, _, body = family(session)
    headers = make_staff(session).headers
    first = headers | key()
    made = client.post(URL, json=body, headers=first)
    again = client.post(URL, json=body, headers=first)
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.get_json()["id"] == again.get_json()["id"]
    other = client.post(URL, json=body, headers=headers | key())
    assert other.get_json()["type"] == "/problems/consent/already-carer"
    changed = client.post(URL, json=body | {"relation": "guardian"}, headers=first)
    assert changed.get_json()["type"] == "/problems/idempotency-key-reused"
    keyless = client.post(URL, json=body, headers=headers)
    assert keyless.get_json()["type"] == "/problems/idempotency-key-missing"


def test_nobody_but_the_facilitys_desk_records_carers(
    client: FlaskClient, session: Session
) -> None:
    parent, _, body = family(session)
    for headers, status in (
        ({}, 401),
        (parent.headers, 404),
        (make_staff(session, facility_code="99002").headers, 404),
        (make_staff(session, role="doctor").headers, 403),
    ):
        assert client.post(URL, json=body, headers=headers | key()).status_code == status
        assert client.get(URL, headers=headers).status_code == status


def test_a_body_of_another_shape_says_where(client: FlaskClient, session: Session) -> None:
    answer = client.post(URL, json={"powers": ["fly"]}, headers=make_staff(session).headers | key())
    assert answer.status_code == 422
    assert {"child", "carer", "powers", "relation"} <= set(answer.get_json()["errors"]["json"])


def test_a_desk_that_looks_for_people_is_stopped_and_remembered(
    client: FlaskClient, session: Session
) -> None:
    _, _, body = family(session)
    desk = make_staff(session)
    wrong = body | {"child": body["child"] | {"fullName": "Lê Văn Khác"}}
    answers = [
        client.post(URL, json=wrong, headers=desk.headers | key()).status_code for _ in range(6)
    ]
    assert answers == [404] * 5 + [429]
    remembered = session.scalar(
        text("SELECT count(*) FROM audit_refusal WHERE actor_id = :desk"),
        {"desk": desk.account.id},
    )
    assert remembered == 5


def test_the_list_is_in_the_access_log_of_the_children(
    client: FlaskClient, session: Session
) -> None:
    _, child, body = family(session)
    desk = make_staff(session)
    client.post(URL, json=body, headers=desk.headers | key())
    client.get(URL, headers=desk.headers)
    actions = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :child ORDER BY e.id"
        ),
        {"child": child.id},
    ).all()
    assert actions == ["carer.record", "carers.list"]


def test_nobody_is_recorded_for_a_grown_up(client: FlaskClient, session: Session) -> None:
    _, _, body = family(session)
    number = number_of(year=2000)
    grown_up = make_profile(
        session, birth="2000-01-01", numbers=[("citizen-id", number, "received")]
    )
    answer = client.post(
        URL,
        json=body | {"child": person(grown_up, number)},
        headers=make_staff(session).headers | key(),
    )
    assert answer.get_json()["type"] == "/problems/consent/not-a-minor"
