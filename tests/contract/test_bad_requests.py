"""Requests that no app of ours sends: each gets its problem, in both languages, and no 5xx."""

import json
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.app import refuse_old_app
from phr_api.kit.problems import AppTooOld
from tests.factories.people import Citizen, make_citizen, make_staff
from tests.healthbook.test_entries import ALLERGY


@pytest.fixture
def citizen(session: Session, app: Flask) -> Citizen:
    return make_citizen(session)


def send(client: FlaskClient, who: Citizen, **body: Any) -> Any:
    return client.post(
        f"/v1/profiles/{who.profile.id}/allergies",
        headers=who.headers | {"Idempotency-Key": uuid4().hex},
        **body,
    )


@pytest.mark.parametrize("language", ["vi", "en"])
def test_broken_json_is_told_so(client: FlaskClient, citizen: Citizen, language: str) -> None:
    citizen.headers["Accept-Language"] = language
    answer = send(client, citizen, data=b'{"substance": ', content_type="application/json")
    assert (answer.status_code, answer.get_json()["type"]) == (400, "/problems/malformed-request")
    assert answer.headers["Content-Language"] == language


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient, citizen: Citizen) -> None:
    answer = client.delete("/v1/me", headers=citizen.headers)
    assert (answer.status_code, answer.get_json()["type"]) == (405, "/problems/method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_change_without_a_version_is_asked_for_one(client: FlaskClient, citizen: Citizen) -> None:
    made = send(client, citizen, json=ALLERGY).get_json()
    url = f"/v1/profiles/{citizen.profile.id}/allergies/{made['id']}"
    answer = client.put(url, json=ALLERGY, headers=citizen.headers)
    assert (answer.status_code, answer.get_json()["type"]) == (428, "/problems/version-missing")


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_column_can_hold_is_refused(
    client: FlaskClient, citizen: Citizen, text: str
) -> None:
    body = json.dumps(ALLERGY | {"substance": text}).encode()  # with escapes, as ASCII
    answer = send(client, citizen, data=body, content_type="application/json")
    assert answer.status_code == 422
    assert "substance" in answer.get_json()["errors"]["json"]


def test_a_body_that_is_no_json_is_told_what_is_taken(
    client: FlaskClient, citizen: Citizen
) -> None:
    answer = send(client, citizen, data="substance=x", content_type="text/plain")
    assert answer.status_code == 415
    assert answer.get_json()["type"] == "/problems/unsupported-media-type"


def test_a_body_of_megabytes_is_refused(client: FlaskClient, citizen: Citizen) -> None:
    answer = send(client, citizen, json=ALLERGY | {"note": "x" * 2**21})
    assert (answer.status_code, answer.get_json()["type"]) == (413, "/problems/body-too-large")


def test_the_same_request_at_the_same_time_waits_its_turn(
    client: FlaskClient, citizen: Citizen, session: Session
) -> None:
    """Another process holds the key's lock: 409 and when to come again (R22)."""
    path = f"/v1/profiles/{citizen.profile.id}/allergies"
    name = f"{citizen.account.id}/POST {path}/one-key"
    headers = citizen.headers | {"Idempotency-Key": "one-key"}
    held = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.execute(held, {"name": name})
    waiting = client.post(path, json=ALLERGY, headers=headers)
    session.rollback()
    assert waiting.get_json()["type"] == "/problems/request-in-progress"
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
    assert client.post(path, json=ALLERGY, headers=headers).status_code == 201


def test_our_own_failure_tells_its_request_and_nothing_else(
    client: FlaskClient, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the value that it choked on")

    monkeypatch.setattr("phr_api.home.routes.find_notices", fail)
    answer = client.get("/v1/me", headers=citizen.headers)
    assert answer.status_code == 500
    assert answer.get_json()["type"] == "/problems/unexpected-failure"
    assert answer.get_json()["requestId"] == answer.headers["X-Request-Id"]
    assert "choked" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/facilities/99%0001/visits/x",
        "/v1/facilities/99001/visits/a%00b",
        "/v1/facilities?q=a%00b",
        "/v1/facilities/99001/totals?from=9999-12-31&to=9999-12-31",
        "/v1/facilities/99001/rejections?day=9999-12-31",
        "/v1/facilities/99001/rejections?day=0001-01-01",
    ],
)
def test_an_address_that_no_column_can_hold_is_not_our_fault(
    client: FlaskClient, session: Session, path: str
) -> None:
    assert client.get(path, headers=make_staff(session).headers).status_code in {200, 404, 422}


@pytest.mark.parametrize("sent", ["1.9.9", "0", "1"])
def test_an_app_below_the_oldest_version_is_told_to_update(app: Flask, sent: str) -> None:
    with (
        app.test_request_context(headers={"X-App-Version": sent}),
        pytest.raises(AppTooOld) as refused,
    ):
        refuse_old_app("2.0")
    assert refused.value.headers["Upgrade"]


@pytest.mark.parametrize("sent", ["2.0", "2.0.1", "10", "9" * 5000])
def test_any_other_app_comes_in(app: Flask, sent: str) -> None:
    with app.test_request_context(headers={"X-App-Version": sent}):
        refuse_old_app("2.0")
