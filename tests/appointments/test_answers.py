"""What is told with a booking, and that it is told once."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.appointments.asking import book, hold, slug
from tests.factories.appointments import make_service, make_slot, seats_of
from tests.factories.people import make_citizen


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"zz": "q"}, "zz"),
        ({"di-ung": "maybe"}, "di-ung"),
        ({"arm": "leg"}, "arm"),
        ({"di-ung": "yes", "arm": "left", "zz": "q"}, "zz"),
        ({"di-ung": "no", "arm": "left", "more": "đau"}, None),
        ({"di-ung": "", "arm": ""}, None),  # left open
    ],
)
def test_answers_are_of_the_kind_that_is_asked_for(
    client: FlaskClient, session: Session, answers: dict[str, str], wrong: str | None
) -> None:
    asks = [
        {"id": "di-ung", "text": "Dị ứng?", "kind": "yes-no", "isRequired": False},
        {"id": "arm", "kind": "choice", "options": ["left", "right"], "isRequired": False},
        {"id": "more", "kind": "text", "options": [], "isRequired": False},
    ]
    slot = make_slot(session, service=make_service(session, questions=asks))
    citizen = make_citizen(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    answered = book(client, citizen, held, answers=answers)
    if wrong is None:
        assert answered.status_code == 201, answered.get_json()
    else:
        assert (answered.status_code, slug(answered)) == (422, "invalid-request")
        assert list(answered.get_json()["errors"]["json"]["bookings"]["0"]["answers"]) == [wrong]
        assert seats_of(session, slot.id) == {1: UUID(held["bookings"][0]["id"])}


def test_what_is_booked_is_not_booked_again(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    made = book(client, citizen, held, name="first", reason="Ho")
    again = book(client, citizen, held, reason="Sốt")
    assert (again.status_code, slug(again)) == (409, "appointments/state-changed")
    told = again.get_json()
    (one,) = made.get_json()["items"]
    assert (told["id"], told["state"], told["version"]) == (one["id"], "requested", 2)
    assert (
        told["etag"]
        == client.get(
            f"/v1/profiles/{citizen.profile.id}/bookings/{one['id']}", headers=citizen.headers
        ).headers["ETag"]
    )
    assert book(client, citizen, held, name="first", reason="Ho").get_json() == made.get_json()


def test_questions_that_need_answers_are_answered(client: FlaskClient, session: Session) -> None:
    asks = [{"id": "fasting", "text": "Đã nhịn ăn?", "kind": "text", "isRequired": True}]
    slot = make_slot(session, service=make_service(session, questions=asks))
    citizen = make_citizen(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    refused = book(client, citizen, held)
    assert (refused.status_code, slug(refused)) == (422, "appointments/answers-needed")
    for unstorable in ({"fasting": "\x00"}, {"\x00": "x"}):
        assert book(client, citizen, held, answers=unstorable).status_code == 422
    assert book(client, citizen, held, answers={"fasting": "rồi"}).status_code == 201
