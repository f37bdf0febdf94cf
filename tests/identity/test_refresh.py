"""Refresh tokens by R4: a lost answer is repeated, a stolen token ends its family."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.audit.models import AuditEvent
from phr_api.devprovider.server import Providers
from phr_api.identity.models import AccountSession, RefreshToken
from phr_api.kit import clock
from tests.factories.people import make_citizen
from tests.identity.walking import new_person, sign_in

Pair = dict[str, Any]


@pytest.fixture
def pair(client: FlaskClient, providers: Providers) -> Pair:
    """The owner's first pair, from a real sign-in; its access token is not used yet."""
    answer = sign_in(client, new_person(providers).subject)
    assert answer.json is not None
    return {
        "access_token": answer.json["accessToken"],
        "refresh_token": answer.json["refreshToken"],
    }


def refresh(client: FlaskClient, pair: Pair) -> TestResponse:
    form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    return client.post("/v1/oauth/token", data=form)


def renewed(client: FlaskClient, pair: Pair) -> Pair:
    answer = refresh(client, pair)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: Pair = answer.json or {}
    return body


def use(client: FlaskClient, pair: Pair) -> int:
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    return client.get("/v1/sessions", headers=headers).status_code


def test_a_refresh_gives_another_pair_that_works(client: FlaskClient, pair: Pair) -> None:
    second = renewed(client, pair)
    assert second["refresh_token"] != pair["refresh_token"]
    assert use(client, second) == 200
    third = renewed(client, second)
    assert use(client, third) == 200


def test_a_lost_answer_is_repeated_an_hour_later(client: FlaskClient, pair: Pair) -> None:
    lost = renewed(client, pair)
    with clock.moved(timedelta(hours=1)):
        again = renewed(client, pair)
        assert again["refresh_token"] == lost["refresh_token"]
        assert again["access_token"] != lost["access_token"]
        assert use(client, again) == 200


def test_after_a_day_a_repeat_is_reuse(client: FlaskClient, pair: Pair) -> None:
    lost = renewed(client, pair)
    with clock.moved(timedelta(hours=24, seconds=1)):
        assert refresh(client, pair).status_code == 400
        assert refresh(client, lost).status_code == 400


def test_two_racers_get_the_same_pair_and_stay_signed_in(client: FlaskClient, pair: Pair) -> None:
    app = client.application
    with ThreadPoolExecutor(2) as racers:
        answers = list(racers.map(lambda _: refresh(app.test_client(), pair), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = (answer.json or {} for answer in answers)
    assert first["refresh_token"] == second["refresh_token"]
    assert use(client, first) == 200
    assert use(client, second) == 200


def test_a_thief_before_the_owner_is_found_when_the_owner_comes(
    client: FlaskClient, pair: Pair
) -> None:
    thiefs = renewed(client, pair)
    assert use(client, thiefs) == 200

    assert refresh(client, pair).status_code == 400

    assert use(client, thiefs) == 401
    assert refresh(client, thiefs).status_code == 400


def test_a_thief_after_the_owner_ends_the_family(client: FlaskClient, pair: Pair) -> None:
    owners = renewed(client, pair)
    assert use(client, owners) == 200

    assert refresh(client, pair).status_code == 400

    assert use(client, owners) == 401


def test_using_the_refresh_token_counts_as_first_use_too(client: FlaskClient, pair: Pair) -> None:
    second = renewed(client, pair)
    renewed(client, second)
    assert refresh(client, pair).status_code == 400


def test_reuse_is_recorded_and_the_account_is_told(
    client: FlaskClient, session: Session, pair: Pair
) -> None:
    second = renewed(client, pair)
    use(client, second)
    refresh(client, pair)

    claims = jwt.decode(second["access_token"], options={"verify_signature": False})
    session_id = UUID(claims["sid"])
    ended = session.get_one(AccountSession, session_id)
    assert ended.end_reason == "reuse"
    events = session.scalars(
        select(AuditEvent).where(
            AuditEvent.action == "session.token-reused", AuditEvent.actor_id == ended.account_id
        )
    ).all()
    assert events[-1].details == {"session": str(session_id)}


def test_no_token_and_no_successor_can_be_read_from_the_table(
    session: Session, client: FlaskClient, pair: Pair
) -> None:
    second = renewed(client, pair)
    stored = b"".join(session.scalars(select(RefreshToken.token_hash)).all())
    assert pair["refresh_token"].encode() not in stored
    assert second["refresh_token"].encode() not in stored


def test_an_ended_session_gives_no_tokens(client: FlaskClient, pair: Pair) -> None:
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    mine = client.get("/v1/sessions", headers=headers).json or {}
    current = next(item["id"] for item in mine["items"] if item["isCurrent"])
    assert client.delete(f"/v1/sessions/{current}", headers=headers).status_code == 204
    assert refresh(client, pair).status_code == 400
    assert use(client, pair) == 401


def test_an_unused_session_ends_after_ninety_days(client: FlaskClient, pair: Pair) -> None:
    with clock.moved(timedelta(days=90, seconds=1)):
        assert refresh(client, pair).status_code == 400


def test_an_unknown_token_is_an_invalid_grant(client: FlaskClient) -> None:
    answer = refresh(client, {"refresh_token": "made-up"})
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["error"] == "invalid_grant"
    assert answer.json["type"] == "/problems/identity/invalid-grant"


@pytest.mark.parametrize(
    ("form", "status", "slug"),
    [
        ({"grant_type": "password"}, 400, "identity/unsupported-grant-type"),
        ({"grant_type": "refresh_token"}, 422, "invalid-request"),
        ({"grant_type": "client_credentials"}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
    ],
)
def test_other_requests_for_tokens_are_refused(
    client: FlaskClient, form: dict[str, str], status: int, slug: str
) -> None:
    answer = client.post("/v1/oauth/token", data=form)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["type"] == f"/problems/{slug}"


def test_an_access_token_ends_after_ten_minutes_even_when_it_is_remembered(
    client: FlaskClient, session: Session
) -> None:
    headers = make_citizen(session).headers
    assert client.get("/v1/sessions", headers=headers).status_code == 200
    with clock.moved(timedelta(minutes=10, seconds=1)):
        assert client.get("/v1/sessions", headers=headers).status_code == 401
