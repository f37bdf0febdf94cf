"""What people enter themselves: by whom, how it changes, what is refused."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.healthbook import rules
from phr_api.healthbook.rules import MeasurementKind
from phr_api.healthbook.schemas import AllergySchema, ConditionSchema, MeasurementSchema
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_directory
from tests.factories.people import Citizen, SignedIn, make_citizen, make_profile, make_staff

ALLERGY = {"substance": "Penicillin", "category": "medication", "severity": "severe"}
CONDITION = {"name": "Tăng huyết áp", "code": "I10", "onset": "2019-03"}
PRESSURE = {
    "clientId": "a1",
    "kind": "blood-pressure",
    "systolic": 121,
    "diastolic": 79,
    "unit": "mmHg",
    "takenAt": "2026-03-02T07:00:00+07:00",
}


def temperature(value: float, client_id: str = "t1") -> dict[str, Any]:
    return {
        "clientId": client_id,
        "kind": "temperature",
        "value": value,
        "unit": "°C",
        "takenAt": "2026-03-02T07:00:00+07:00",
    }


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    return make_citizen(session)


def send(
    client: FlaskClient, who: SignedIn, profile_id: object, path: str, body: Any, key: str = ""
) -> TestResponse:
    headers = who.headers | {"Idempotency-Key": key or uuid4().hex}
    return client.post(f"/v1/profiles/{profile_id}/{path}", json=body, headers=headers)


@pytest.mark.parametrize(
    ("path", "body", "schema", "change"),
    [
        ("allergies", ALLERGY, AllergySchema, {"severity": "mild"}),
        ("conditions", CONDITION, ConditionSchema, {"note": "đã ổn định"}),
    ],
)
def test_an_entry_is_made_read_changed_and_taken_back(
    client: FlaskClient, citizen: Citizen, path: str, body: Any, schema: Any, change: Any
) -> None:
    made = send(client, citizen, citizen.profile.id, path, body)
    assert made.status_code == 201
    assert schema().validate(made.json) == {}
    url, first = made.headers["Location"], made.headers["ETag"]
    read = client.get(url, headers=citizen.headers)
    assert (read.json, read.headers["ETag"]) == (made.json, first)
    assert read.json is not None
    assert (read.json["source"], read.json["recordedBy"]) == ("self", str(citizen.account.id))

    assert client.put(url, json=body | change, headers=citizen.headers).status_code == 428
    match = citizen.headers | {"If-Match": first}
    changed = client.put(url, json=body | change, headers=match)
    assert changed.status_code == 200
    assert changed.json is not None
    assert changed.json | change == changed.json
    stale = client.put(url, json=body, headers=match)
    assert stale.status_code == 412
    assert stale.json is not None
    assert stale.json["type"] == "/problems/stale-version"

    assert client.delete(url, headers=match).status_code == 412
    current = citizen.headers | {"If-Match": changed.headers["ETag"]}
    assert client.delete(url, headers=current).status_code == 204
    assert client.get(url, headers=citizen.headers).status_code == 404
    listed = client.get(f"/v1/profiles/{citizen.profile.id}/{path}", headers=citizen.headers)
    assert listed.json == {"items": []}


def test_the_same_key_makes_one_entry_and_another_body_is_refused(
    client: FlaskClient, citizen: Citizen
) -> None:
    first = send(client, citizen, citizen.profile.id, "allergies", ALLERGY, "k1")
    again = send(client, citizen, citizen.profile.id, "allergies", ALLERGY, "k1")
    assert (again.status_code, again.json) == (201, first.json)
    other = send(client, citizen, citizen.profile.id, "allergies", ALLERGY | {"note": "x"}, "k1")
    assert other.status_code == 422
    url = f"/v1/profiles/{citizen.profile.id}/allergies"
    assert client.post(url, json=ALLERGY, headers=citizen.headers).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("allergies", ALLERGY | {"category": "other things"}),
        ("allergies", ALLERGY | {"substance": ""}),
        ("allergies", ALLERGY | {"substance": " \n\u3000"}),
        ("conditions", CONDITION | {"name": "   "}),
        ("allergies", ALLERGY | {"substance": "a\x00b"}),
        ("allergies", ALLERGY | {"unknown": 1}),
        ("allergies", ALLERGY | {"notedOn": "2026-13"}),
        ("conditions", CONDITION | {"code": "not a code"}),
        ("conditions", {}),
        ("measurements", {"items": []}),
        ("measurements", {"items": [PRESSURE, PRESSURE]}),
        ("measurements", {"items": [PRESSURE | {"value": 5}]}),
        ("measurements", {"items": [PRESSURE | {"clientId": " "}]}),
        ("measurements", {"items": [temperature(36.6) | {"takenAt": "2026-03-02T07:00:00"}]}),
        ("measurements", {"items": [temperature(36.6, str(n)) for n in range(101)]}),
        ("measurements", {"items": [temperature(float("nan"))]}),
    ],
)
def test_what_is_not_as_documented_is_refused(
    client: FlaskClient, citizen: Citizen, path: str, body: Any
) -> None:
    answer = send(client, citizen, citizen.profile.id, path, body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == "/problems/invalid-request"


def test_what_begins_tomorrow_is_refused(client: FlaskClient, citizen: Citizen) -> None:
    later = "2199-01-01T00:00:00+07:00"
    for path, body in (
        ("allergies", ALLERGY | {"notedOn": "2199"}),
        ("conditions", CONDITION | {"endedOn": "2199-01-01"}),
        ("measurements", {"items": [temperature(36.6) | {"takenAt": later}]}),
    ):
        answer = send(client, citizen, citizen.profile.id, path, body)
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["type"] == "/problems/healthbook/moment-in-future"


def test_measurements_come_in_a_batch_and_a_known_client_id_is_not_entered_again(
    client: FlaskClient, citizen: Citizen
) -> None:
    batch = {"items": [PRESSURE, temperature(36.6)]}
    made = send(client, citizen, citizen.profile.id, "measurements", batch)
    assert made.status_code == 201
    assert made.json is not None
    pressure, warmth = made.json["items"]
    assert (pressure["systolic"], pressure["diastolic"]) == (121, 79)
    assert "value" not in pressure
    assert warmth["value"] == 36.6
    assert MeasurementSchema().validate(warmth) == {}

    more = {"items": [temperature(37.5), temperature(38.1, "t2")]}
    again = send(client, citizen, citizen.profile.id, "measurements", more)
    assert again.json is not None
    assert again.json["items"][0] == warmth
    url = f"/v1/profiles/{citizen.profile.id}/measurements"
    listed = client.get(f"{url}?kind=temperature", headers=citizen.headers).json
    assert listed is not None
    assert sorted(item["value"] for item in listed["items"]) == [36.6, 38.1]


def test_a_batch_answers_the_same_key_with_the_same_items(
    client: FlaskClient, citizen: Citizen
) -> None:
    batch = {"items": [PRESSURE, temperature(36.6)]}
    first = send(client, citizen, citizen.profile.id, "measurements", batch, "k2")
    again = send(client, citizen, citizen.profile.id, "measurements", batch, "k2")
    assert (again.status_code, again.json) == (201, first.json)


def test_nine_hundred_degrees_are_refused_in_words_and_nothing_is_written(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    batch = {"items": [PRESSURE, temperature(900)]}
    answer = send(client, citizen, citizen.profile.id, "measurements", batch)
    assert answer.status_code == 422
    assert answer.json == {
        "type": "/problems/healthbook/measurement-implausible",
        "title": "Giá trị đo nằm ngoài khoảng có thể, hãy kiểm tra lại số và đơn vị",
        "status": 422,
        "errors": [
            {
                "item": 1,
                "field": "value",
                "kind": "temperature",
                "unit": "°C",
                "lowest": 25.0,
                "highest": 45.0,
            }
        ],
    }
    count = text("SELECT count(*) FROM measurement WHERE profile_id = :id")
    assert session.scalar(count, {"id": citizen.profile.id}) == 0


def test_a_measurement_in_a_foreign_unit_is_refused(client: FlaskClient, citizen: Citizen) -> None:
    batch = {"items": [temperature(36.6) | {"unit": "kg"}]}
    answer = send(client, citizen, citizen.profile.id, "measurements", batch)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == "/problems/healthbook/measurement-unit-unknown"
    assert answer.json["errors"]["units"] == ["°C"]


def test_a_measurement_is_changed_under_its_version(client: FlaskClient, citizen: Citizen) -> None:
    made = send(client, citizen, citizen.profile.id, "measurements", {"items": [PRESSURE]})
    assert made.json is not None
    id_ = made.json["items"][0]["id"]
    url = f"/v1/profiles/{citizen.profile.id}/measurements/{id_}"
    tag = client.get(url, headers=citizen.headers).headers["ETag"]
    body = {name: value for name, value in PRESSURE.items() if name != "clientId"}
    match = citizen.headers | {"If-Match": tag}
    changed = client.put(url, json=body | {"systolic": 130}, headers=match)
    assert changed.status_code == 200
    assert changed.json is not None
    assert (changed.json["systolic"], changed.json["clientId"]) == (130, "a1")
    assert client.put(url, json=body, headers=match).status_code == 412
    implausible = client.put(
        url,
        json=body | {"systolic": 70, "diastolic": 90},
        headers=citizen.headers | {"If-Match": changed.headers["ETag"]},
    )
    assert implausible.status_code == 422
    gone = citizen.headers | {"If-Match": changed.headers["ETag"]}
    assert client.delete(url, headers=gone).status_code == 204
    assert client.get(url, headers=citizen.headers).status_code == 404


def test_measurements_go_page_by_page(client: FlaskClient, citizen: Citizen) -> None:
    batch = {
        "items": [
            temperature(36 + n / 10, f"p{n}") | {"takenAt": f"2026-03-0{n + 1}T07:00:00+07:00"}
            for n in range(3)
        ]
    }
    send(client, citizen, citizen.profile.id, "measurements", batch)
    base = f"/v1/profiles/{citizen.profile.id}/measurements?limit=2"
    first = client.get(base, headers=citizen.headers).json
    assert first is not None
    second = client.get(f"{base}&before={first['next']}", headers=citizen.headers).json
    assert second is not None
    values = [item["value"] for page in (first, second) for item in page["items"]]
    assert values == [36.2, 36.1, 36]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("allergies", ALLERGY),
        ("conditions", CONDITION),
        ("measurements", {"items": [temperature(36.6)]}),
    ],
)
def test_strangers_staff_and_nobody_enter_nothing(
    client: FlaskClient, session: Session, citizen: Citizen, path: str, body: Any
) -> None:
    for other in (make_citizen(session), make_staff(session)):
        assert send(client, other, citizen.profile.id, path, body).status_code == 404
    url = f"/v1/profiles/{citizen.profile.id}/{path}"
    assert client.post(url, json=body, headers={"Idempotency-Key": "x"}).status_code == 401
    assert client.get(url).status_code == 401
    assert client.get(f"{url}/{uuid4()}", headers=citizen.headers).status_code == 404


def test_a_carers_entry_says_so_and_is_traced(client: FlaskClient, session: Session) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    made = send(client, carer, child.id, "allergies", ALLERGY)
    assert made.status_code == 201
    assert made.json is not None
    assert (made.json["source"], made.json["recordedBy"]) == ("carer", str(carer.account.id))
    rows = session.execute(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id"
        ),
        {"id": child.id},
    ).all()
    assert rows == [("allergy.create",)]


@pytest.mark.parametrize(
    ("path", "body"),
    [("allergies", ALLERGY), ("conditions", CONDITION), ("measurements", PRESSURE)],
)
def test_a_carer_changes_and_takes_back_only_what_they_entered(
    client: FlaskClient, session: Session, path: str, body: Any
) -> None:
    child = make_citizen(
        session, profile=make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    )
    carer, other = make_citizen(session), make_citizen(session)
    for who in (carer, other):
        make_carer(session, account=who.account, child=child.profile, powers=("see",))
    is_batch = path == "measurements"
    change = {name: value for name, value in body.items() if name != "clientId"}

    def enter(who: SignedIn) -> str:
        sent = {"items": [body]} if is_batch else body
        made = send(client, who, child.profile.id, path, sent).json
        assert made is not None
        id_ = made["items"][0]["id"] if is_batch else made["id"]
        return f"/v1/profiles/{child.profile.id}/{path}/{id_}"

    def try_both(who: SignedIn, url: str) -> list[int]:
        def match() -> dict[str, str]:
            return who.headers | {"If-Match": client.get(url, headers=who.headers).headers["ETag"]}

        changed = client.put(url, json=change, headers=match())
        taken_back = client.delete(url, headers=match())
        for answer in (changed, taken_back):
            if answer.status_code == 403:
                assert answer.json is not None
                assert answer.json["type"] == "/problems/healthbook/entry-of-another"
        return [changed.status_code, taken_back.status_code]

    own, theirs, again = enter(child), enter(carer), enter(other)
    assert try_both(carer, own) == [403, 403]
    assert try_both(other, theirs) == [403, 403]
    assert try_both(carer, theirs) == [200, 204]
    assert try_both(child, own) == [200, 204]
    assert try_both(child, again) == [200, 204]  # their own book: whoever entered it


def test_a_sensitive_entry_is_labelled_and_hidden_from_a_youths_carer(
    client: FlaskClient, session: Session
) -> None:
    youth = make_citizen(
        session, profile=make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    )
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=youth.profile)
    hiv = {"name": "Nhiễm HIV", "code": "B20"}
    made = send(client, youth, youth.profile.id, "conditions", hiv)
    assert made.json is not None
    assert made.json["classes"] == ["hiv"]
    listed = client.get(f"/v1/profiles/{youth.profile.id}/conditions", headers=carer.headers)
    assert listed.json == {"items": []}
    refused = send(client, carer, youth.profile.id, "conditions", hiv)
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["type"] == "/problems/healthbook/entry-hidden"


@given(st.sampled_from(sorted(MeasurementKind)), st.decimals(allow_nan=False, places=2))
def test_a_plausible_value_lies_in_its_range(kind: MeasurementKind, value: Any) -> None:
    for unit, accepted in rules.RANGES[kind].items():
        fault = rules.find_fault(kind, unit, value, None)
        assert (fault is None) == (accepted.lowest <= value <= accepted.highest)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "field"),
    [(120, 80, None), (301, 80, "systolic"), (90, 90, "diastolic"), (120, 19, "diastolic")],
)
def test_the_diastolic_pressure_lies_below_the_systolic(
    systolic: int, diastolic: int, field: str | None
) -> None:
    fault = rules.find_fault(
        MeasurementKind.BLOOD_PRESSURE, "mmHg", Decimal(systolic), Decimal(diastolic)
    )
    assert (fault and fault.field) == field


def test_an_entry_that_did_not_change_is_not_sent_again(
    client: FlaskClient, citizen: Citizen
) -> None:
    root = f"/v1/profiles/{citizen.profile.id}/allergies"
    body = {"substance": "Penicillin", "category": "medication"}
    key = {"Idempotency-Key": uuid4().hex}
    made = client.post(root, json=body, headers=citizen.headers | key)
    url, tag = f"{root}/{made.get_json()['id']}", made.headers["ETag"]

    same = client.get(url, headers=citizen.headers | {"If-None-Match": tag})
    other = client.get(url, headers=citizen.headers | {"If-None-Match": '"other"'})

    assert (same.status_code, same.headers["ETag"], same.data) == (304, tag, b"")
    assert (other.status_code, other.headers["ETag"]) == (200, tag)
