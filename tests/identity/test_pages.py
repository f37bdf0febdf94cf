"""Sessions of pages: the refresh token in a cookie, and only for pages of this service."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api import identity
from phr_api.devprovider import DESK
from phr_api.devprovider.server import Providers
from phr_api.identity.models import Account, AccountSession
from phr_api.identity.service import pages
from phr_api.kit import clock
from phr_api.settings import Settings
from tests.identity.walking import begin, new_person, visit_provider

RENEWAL = "/v1/sessions/page-renewal"


@pytest.fixture
def ours(settings: Settings) -> dict[str, str]:
    return {"Origin": settings.public_url}


def cookie_of(answer: TestResponse) -> "Morsel[str]":
    jar: SimpleCookie = SimpleCookie(answer.headers["Set-Cookie"])
    (morsel,) = jar.values()
    return morsel


def page_sign_in(
    client: FlaskClient, ours: dict[str, str], *, clerk: int = 0, subject: str = DESK.subject
) -> TestResponse:
    provider = "dev-staff" if subject == DESK.subject else "dev-citizen"
    attempt = begin(client, provider=provider)
    body: dict[str, Any] = visit_provider(attempt, subject) | {"clerk": clerk}
    path = f"/v1/sign-in/attempts/{attempt['id']}/page-completion"
    return client.post(path, json=body, headers=ours)


def bearer(answer: TestResponse) -> dict[str, str]:
    return {"Authorization": f"Bearer {(answer.json or {})['accessToken']}"}


def test_a_clerk_signs_in_and_no_script_sees_the_refresh_token(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    answer = page_sign_in(client, ours, clerk=2)
    assert answer.status_code == 200
    assert set(answer.json or {}) == {"accessToken", "expiresIn", "tokenType"}
    cookie = cookie_of(answer)
    assert cookie.key == "phr-2"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["max-age"] == ""  # it goes with the browser
    assert client.get("/v1/sessions", headers=bearer(answer)).status_code == 200


def test_a_renewal_replaces_the_cookie_and_a_lost_answer_is_repeated(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    first = cookie_of(page_sign_in(client, ours)).value
    renewed = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
    assert renewed.status_code == 200
    second = cookie_of(renewed).value
    assert second != first
    client.set_cookie("phr-0", first)
    again = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
    assert cookie_of(again).value == second


def test_a_stolen_cookie_that_comes_late_ends_the_session(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    first = cookie_of(page_sign_in(client, ours)).value
    renewed = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
    assert client.get("/v1/sessions", headers=bearer(renewed)).status_code == 200
    client.set_cookie("phr-0", first)
    assert client.post(RENEWAL, json={"clerk": 0}, headers=ours).status_code == 401
    assert client.get("/v1/sessions", headers=bearer(renewed)).status_code == 401


def test_clerks_of_one_machine_have_a_cookie_each(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    for clerk in (0, 5):
        assert page_sign_in(client, ours, clerk=clerk).status_code == 200
    assert client.delete(f"{RENEWAL}?clerk=5", headers=ours).status_code == 204
    assert client.post(RENEWAL, json={"clerk": 5}, headers=ours).status_code == 401
    assert client.post(RENEWAL, json={"clerk": 0}, headers=ours).status_code == 200


def test_signing_out_ends_the_session_and_forgets_the_cookie(
    client: FlaskClient, session: Session, providers: Providers, ours: dict[str, str]
) -> None:
    signed_in = page_sign_in(client, ours)
    gone = client.delete(f"{RENEWAL}?clerk=0", headers=ours)
    assert gone.status_code == 204
    assert cookie_of(gone)["max-age"] == "0"
    assert client.get("/v1/sessions", headers=bearer(signed_in)).status_code == 401
    newest = (
        select(AccountSession)
        .join(Account, Account.id == AccountSession.account_id)
        .where(Account.subject == DESK.subject)
        .order_by(AccountSession.id.desc())
        .limit(1)
    )
    ended = session.scalar(newest)
    assert ended is not None
    assert ended.end_reason == "ended"
    # nobody is signed in there any more: nothing to end, and no word about it
    assert client.delete(f"{RENEWAL}?clerk=0", headers=ours).status_code == 204


def slug(answer: TestResponse) -> str:
    return str((answer.json or {})["type"]).removeprefix("/problems/")


def test_a_page_that_nobody_touched_for_ten_minutes_is_locked(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    """Whatever the page fetches by itself meanwhile: a closed tab's cookie opens nothing."""
    signed_in = page_sign_in(client, ours)
    with clock.moved(timedelta(minutes=9)):
        renewed = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
        assert renewed.status_code == 200
        assert client.get("/v1/sessions", headers=bearer(renewed)).status_code == 200
    with clock.moved(timedelta(minutes=10, seconds=1)):
        assert client.get("/v1/sessions", headers=bearer(renewed)).status_code == 401
        # nor does it help to say afterwards that somebody was there
        refused = client.post(RENEWAL, json={"clerk": 0, "idleSeconds": 0}, headers=ours)
        assert (refused.status_code, slug(refused)) == (401, "identity/page-locked")
        assert cookie_of(refused)["max-age"] == "0"
    assert bearer(signed_in) != bearer(renewed)


def test_a_page_that_somebody_uses_stays_open(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    page_sign_in(client, ours)
    with clock.moved(timedelta(minutes=9)):  # the last key was pressed after seven minutes
        told = {"clerk": 0, "idleSeconds": 120}
        assert client.post(RENEWAL, json=told, headers=ours).status_code == 200
    with clock.moved(timedelta(minutes=16)):
        # what was told before counts, less was done since
        told = {"clerk": 0, "idleSeconds": 3600}
        assert client.post(RENEWAL, json=told, headers=ours).status_code == 200
    with clock.moved(timedelta(minutes=17, seconds=1)):
        refused = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
        assert slug(refused) == "identity/page-locked"


def test_an_app_cannot_keep_a_page_open(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    """The token of the cookie, used where apps renew, is worth no more there."""
    token = cookie_of(page_sign_in(client, ours)).value
    form = {"grant_type": "refresh_token", "refresh_token": token}
    with clock.moved(timedelta(minutes=9)):
        form["refresh_token"] = (client.post("/v1/oauth/token", data=form).json or {})[
            "refresh_token"
        ]
    with clock.moved(timedelta(minutes=11)):
        refused = client.post("/v1/oauth/token", data=form)
        assert (refused.status_code, slug(refused)) == (400, "identity/invalid-grant")
        assert (refused.json or {})["error"] == "invalid_grant"  # RFC 6749 §5.2


def test_a_page_ends_after_a_day_at_work_however_it_is_used(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    page_sign_in(client, ours)
    for minutes in range(9, 12 * 60, 9):
        with clock.moved(timedelta(minutes=minutes)):
            told = {"clerk": 0, "idleSeconds": 1}
            assert client.post(RENEWAL, json=told, headers=ours).status_code == 200
    with clock.moved(timedelta(hours=12, seconds=1)):
        refused = client.post(RENEWAL, json={"clerk": 0}, headers=ours)
        assert (refused.status_code, slug(refused)) == (401, "not-signed-in")


@pytest.mark.parametrize("origin", [None, "null", "https://elsewhere.test"])
def test_what_does_not_come_from_our_page_is_refused_before_anything(
    client: FlaskClient, providers: Providers, ours: dict[str, str], origin: str | None
) -> None:
    foreign = {} if origin is None else {"Origin": origin}
    page_sign_in(client, ours)
    refusals = [
        client.post(RENEWAL, json={"clerk": 0}, headers=foreign),
        client.delete(f"{RENEWAL}?clerk=0", headers=foreign),
        page_sign_in(client, foreign),
    ]
    for refusal in refusals:
        assert refusal.status_code == 403
        assert (refusal.json or {})["type"].endswith("identity/wrong-origin")
        assert "Set-Cookie" not in refusal.headers
    assert client.post(RENEWAL, json={"clerk": 0}, headers=ours).status_code == 200


def test_a_citizen_does_not_sign_in_to_a_page(
    client: FlaskClient, providers: Providers, ours: dict[str, str]
) -> None:
    answer = page_sign_in(client, ours, subject=new_person(providers).subject)
    assert answer.status_code == 422
    assert "Set-Cookie" not in answer.headers


def test_without_a_cookie_nobody_is_signed_in(client: FlaskClient, ours: dict[str, str]) -> None:
    assert client.post(RENEWAL, json={"clerk": 0}, headers=ours).status_code == 401


@pytest.mark.parametrize("body", [{}, {"clerk": 6}, {"clerk": -1}, {"clerk": 0, "more": 1}])
def test_a_body_of_another_shape_is_refused(
    client: FlaskClient, ours: dict[str, str], body: dict[str, int]
) -> None:
    assert client.post(RENEWAL, json=body, headers=ours).status_code == 422
    assert client.delete(RENEWAL, query_string=body, headers=ours).status_code == 422
    completion = f"/v1/sign-in/attempts/{uuid4()}/page-completion"
    assert client.post(completion, json=body, headers=ours).status_code == 422


@pytest.fixture
def over_https(settings: Settings, app: Flask) -> Generator[str]:
    """This installation as it is served to people."""
    address = "https://phr.example.test"
    identity.configure(replace(settings, public_url=address))
    yield address
    identity.configure(settings)


def test_over_https_the_cookie_is_bound_to_host_and_scheme(
    client: FlaskClient, over_https: str
) -> None:
    assert pages.cookie_name(0) == "__Host-phr-0"
    refused = client.post(RENEWAL, json={"clerk": 0}, headers={"Origin": over_https})
    assert refused.status_code == 401
    cookie = cookie_of(refused)
    assert (cookie.key, cookie["secure"], cookie["path"]) == ("__Host-phr-0", True, "/")
