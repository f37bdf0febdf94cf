"""What the database makes is what the OpenAPI document says, to the type of each member."""

from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.vocab import SensitivityClass
from tests.factories.healthbook import make_directory, make_facts, make_visit
from tests.factories.people import Citizen, make_citizen


@pytest.fixture(scope="module")
def document(app: Any) -> Any:
    return app.test_client().get("/openapi.json").json


@pytest.fixture
def citizen(client: FlaskClient, session: Session) -> Citizen:
    """A person with something of every kind in the record."""
    make_directory(session)
    citizen = make_citizen(session)
    person, at = citizen.profile.id, clock.now()
    make_visit(session, citizen.profile, make_facts(classes=[SensitivityClass.TB]))
    for table, columns, values in (
        (
            "coverage",
            "card_number, registered_facility_code, valid_from, seen_at",
            "'GD4019900000000', '99001', '2026-01-01', :at",
        ),
        (
            "profile_address",
            "scheme, list_version, province_code, line, seen_at",
            "'two-level', '2025', '01', 'Số 1', :at",
        ),
        (
            "immunization",
            "status, vaccine_name, occurred_on, dose_number, facility_code, created_at",
            "'current', 'Vắc xin thử', '2026-01-01', 1, '99001', :at",
        ),
    ):
        statement = (
            f"INSERT INTO {table} (profile_id, id, {columns}) VALUES (:person, :id, {values})"  # noqa: S608
        )
        session.execute(text(statement), {"person": person, "id": new_row_id(), "at": at})
    session.commit()
    enter(client, citizen)
    return citizen


def enter(client: FlaskClient, citizen: Citizen) -> None:
    pressure = {"kind": "blood-pressure", "systolic": 120, "diastolic": 80, "unit": "mmHg"}
    moment = {"clientId": "p", "takenAt": "2026-03-02T07:00:00Z"}
    for path, body in (
        ("allergies", {"substance": "Tôm", "category": "food", "notedOn": "2020"}),
        ("conditions", {"name": "Tăng huyết áp", "code": "I10", "endedOn": "2025-01-01"}),
        ("measurements", {"items": [pressure | moment]}),
    ):
        headers = citizen.headers | {"Idempotency-Key": path}
        url = f"/v1/profiles/{citizen.profile.id}/{path}"
        assert client.post(url, json=body, headers=headers).status_code == 201


def check(document: Any, path: str, answer: Any) -> None:
    """Fail on a member that the document does not have, lacks, or gives another type."""
    described = document["paths"][path]["get"]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    whole = {"components": closed(document["components"]), **schema}
    jsonschema_rs.validator_for(whole, validate_formats=True).validate(answer)


def closed(schema: Any) -> Any:
    """The same schemas with every object closed: a member too many is found as well."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        inner["additionalProperties"] = False
    return inner


@pytest.mark.parametrize(
    "path",
    [
        "health-book",
        "encounters",
        "results",
        "results?code=XN01",
        "medications",
        "papers",
        "allergies",
        "conditions",
        "measurements",
        "changes",
        "access-log",
    ],
)
def test_lists_and_book_are_as_documented(
    client: FlaskClient, citizen: Citizen, document: Any, path: str
) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/{path}"
    answer = client.get(url, headers=citizen.headers).json
    name = path.partition("?")[0]
    check(document, f"/v1/profiles/{{profile_id}}/{name}", answer)


@pytest.mark.parametrize("received", ["true", "false"])
def test_a_visit_and_a_paper_are_as_documented(
    client: FlaskClient, citizen: Citizen, document: Any, received: str
) -> None:
    base = f"/v1/profiles/{citizen.profile.id}"
    for listed, one in (("encounters", "encounter_id"), ("papers", "paper_id")):
        found = client.get(f"{base}/{listed}", headers=citizen.headers).json
        assert found is not None
        url = f"{base}/{listed}/{found['items'][0]['id']}?received={received}"
        answer = client.get(url, headers=citizen.headers).json
        check(document, f"/v1/profiles/{{profile_id}}/{listed}/{{{one}}}", answer)


def test_the_book_of_everything_has_something_of_everything(
    client: FlaskClient, citizen: Citizen
) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/health-book"
    book = client.get(url, headers=citizen.headers).json
    assert book is not None
    assert [name for name, section in book.items() if not section] == []
    assert book["profile"]["addresses"][0]["province"]["code"] == "01"
