"""One's own details, and the numbers that one declares (R11)."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.identity.models import ProfileIdentifier
from tests.factories.people import (
    Citizen,
    bearer,
    make_account,
    make_citizen,
    make_session,
    make_staff,
    make_system,
    new_number,
    principal_of,
)


def declare(client: FlaskClient, who: dict[str, str], system: str, value: str) -> TestResponse:
    headers = who | {"Idempotency-Key": uuid4().hex}
    body = {"system": system, "value": value}
    return client.post("/v1/me/identifiers", json=body, headers=headers)


@pytest.fixture
def me(app: object, session: Session) -> Citizen:
    return make_citizen(session)


def test_my_details_are_mine(client: FlaskClient, session: Session, me: Citizen) -> None:
    make_citizen(session)
    answer = client.get("/v1/me/details", headers=me.headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json is not None
    assert answer.json["profileId"] == str(me.profile.id)
    assert answer.json["fullName"] == me.profile.full_name
    assert [one["assurance"] for one in answer.json["identifiers"]] == ["received"]
    assert answer.json["coverage"] == []


def test_a_declared_number_is_kept_and_can_be_taken_back(
    client: FlaskClient, session: Session, me: Citizen
) -> None:
    made = declare(client, me.headers, "passport", "C0000001")
    assert made.status_code == 201
    assert made.json is not None
    assert (made.json["assurance"], made.json["value"]) == ("declared", "C0000001")

    again = declare(client, me.headers, "passport", "c0000001")
    assert again.json is not None
    assert again.json["id"] == made.json["id"]

    path = f"/v1/me/identifiers/{made.json['id']}"
    assert client.delete(path, headers=me.headers).status_code == 204
    assert client.delete(path, headers=me.headers).status_code == 404
    row = session.get_one(ProfileIdentifier, (me.profile.id, made.json["id"]))
    assert row.ended_at is not None


def test_a_number_of_somebody_else_may_be_declared_and_nobody_learns_of_it(
    client: FlaskClient, session: Session, me: Citizen
) -> None:
    other = make_citizen(session)
    number = session.query(ProfileIdentifier).filter_by(profile_id=other.profile.id).one().value
    assert declare(client, me.headers, "citizen-id", number).status_code == 201


def test_a_received_number_cannot_be_taken_back(
    client: FlaskClient, session: Session, me: Citizen
) -> None:
    row = session.query(ProfileIdentifier).filter_by(profile_id=me.profile.id).one()
    answer = client.delete(f"/v1/me/identifiers/{row.id}", headers=me.headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("system", "value", "slug"),
    [
        ("citizen-id", "00119000000", "identity/identifier-not-valid"),
        ("citizen-id", "999990000000", "identity/identifier-not-valid"),
        ("old-id", "001190000000", "identity/identifier-not-valid"),
        ("bhxh", "GD4010000000000", "identity/identifier-not-valid"),
        ("bhyt-card", "0000000000", "identity/identifier-not-valid"),
        ("phone", "0900000000", "invalid-request"),
        ("passport", "", "invalid-request"),
    ],
)
def test_a_number_without_the_structure_of_its_kind_is_refused(
    client: FlaskClient, me: Citizen, system: str, value: str, slug: str
) -> None:
    answer = declare(client, me.headers, system, value)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == f"/problems/{slug}"
    assert not value or value not in answer.text


@pytest.mark.parametrize(
    ("system", "value"),
    [("old-id", "000000001"), ("bhxh", "0000000001"), ("bhyt-card", "GD4010000000001")],
)
def test_every_kind_of_number_can_be_declared(
    client: FlaskClient, me: Citizen, system: str, value: str
) -> None:
    assert declare(client, me.headers, system, value).status_code == 201


def test_only_citizens_at_record_level_with_a_person_have_details(
    client: FlaskClient, session: Session, app: object
) -> None:
    account = make_account(session)
    unlinked = bearer(principal_of(make_session(session, account)))
    for headers, status in (
        ({}, 401),
        (make_system(session).headers, 403),
        (make_staff(session).headers, 403),
        (make_citizen(session, assurance="account").headers, 403),
        (unlinked, 404),
    ):
        assert client.get("/v1/me/details", headers=headers).status_code == status
        assert declare(client, headers, "passport", "C0000001").status_code == status
    answer = client.get("/v1/me/details", headers=unlinked)
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/no-own-profile"


def test_a_key_is_needed_to_declare(client: FlaskClient, me: Citizen) -> None:
    body = {"system": "passport", "value": "C0000001"}
    answer = client.post("/v1/me/identifiers", json=body, headers=me.headers)
    assert answer.status_code == 400


def test_the_web_role_can_write_declared_numbers_only(
    session: Session, engines: dict[str, Engine], me: Citizen
) -> None:
    insert = text(
        "INSERT INTO profile_identifier (profile_id, id, system, value, assurance, seen_at)"
        " VALUES (:person, gen_random_uuid(), 'citizen-id', :value, 'verified', now())"
    )
    scope = text(
        "SELECT set_config('phr.profile_id', :person, true),"
        " set_config('phr.classes', '', true), set_config('phr.sections', 'profile', true)"
    )
    person = str(me.profile.id)
    with engines["phr_web"].connect() as connection:
        connection.execute(scope, {"person": person})
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(insert, {"person": person, "value": new_number()})
        connection.rollback()
        connection.execute(scope, {"person": person})
        raised = text("UPDATE profile_identifier SET assurance = 'verified'")
        assert connection.execute(raised).rowcount == 0
