"""Access tokens and the keys that sign them."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api.identity import authenticate, keys, tokens
from phr_api.identity.models import SigningKey
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import NotSignedIn
from phr_api.settings import Settings
from tests.factories.people import Citizen, bearer, make_citizen, make_system

AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def citizen(session: Session, app: object) -> Citizen:
    return make_citizen(session)


def token_of(citizen: Citizen) -> str:
    return citizen.headers["Authorization"].removeprefix("Bearer ")


def is_good(client: FlaskClient, headers: dict[str, str]) -> bool:
    return client.get("/v1/sessions", headers=headers).status_code == 200


def test_a_token_says_who_and_how_they_signed_in(citizen: Citizen) -> None:
    assert authenticate(token_of(citizen)) == citizen.principal


def test_the_published_keys_verify_a_token(client: FlaskClient, citizen: Citizen) -> None:
    published = client.get("/.well-known/jwks.json")
    assert published.headers["Cache-Control"] == "public, max-age=300"
    token = token_of(citizen)
    key = jwt.PyJWKSet.from_dict(published.json or {})[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False}, leeway=5)
    assert claims["exp"] - claims["iat"] <= 600
    assert set(claims) == {
        *("iss", "aud", "sub", "iat", "exp", "auth_time", "kind", "sid", "gen", "assurance")
    }


def test_the_server_says_where_its_endpoints_are(client: FlaskClient, settings: Settings) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").json or {}
    assert metadata["issuer"] == settings.public_url
    assert metadata["token_endpoint"] == f"{settings.public_url}/v1/oauth/token"


def changed(token: str, *, header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    old = jwt.decode(token, options={"verify_signature": False})
    headers = jwt.get_unverified_header(token) | header
    algorithm = headers.pop("alg")
    return jwt.encode(old | claims, key, algorithm=algorithm, headers=headers)


FORGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another key": ({}, {}),
    "not signed": ({"alg": "none"}, {}),
    "an unknown key": ({"kid": "nobody"}, {}),
    "another type": ({"typ": "JWT"}, {}),
}


@pytest.mark.parametrize(("header", "claims"), FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(
    client: FlaskClient, citizen: Citizen, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    key = None if header.get("alg") == "none" else Ed25519PrivateKey.generate()
    forged = changed(token_of(citizen), header=header, claims=claims, key=key)
    assert not is_good(client, {"Authorization": f"Bearer {forged}"})


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"sub": "nobody"},
        {"exp": "soon"},
    ],
)
def test_a_token_of_ours_for_another_purpose_is_refused(
    client: FlaskClient, citizen: Citizen, claims: dict[str, Any]
) -> None:
    other = changed(token_of(citizen), header={}, claims=claims, key=keys.current_ring().signing)
    assert not is_good(client, {"Authorization": f"Bearer {other}"})


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic eA==", "Bearer x.y.z", "x"])
def test_without_a_token_there_is_no_answer(client: FlaskClient, value: str) -> None:
    answer = client.get("/v1/sessions", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json is not None
    assert answer.json["type"] == "/problems/not-signed-in"


def test_remembered_tokens_are_bounded(
    citizen: Citizen, monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    monkeypatch.setattr(tokens, "MOST_REMEMBERED", 3)
    tokens.forget()
    for _ in range(5):
        authenticate(token_of(make_citizen(session)))
    assert len(tokens._cache._entries) == 3
    assert authenticate(token_of(citizen)) == citizen.principal


def test_a_token_of_an_ended_system_is_refused_on_its_first_use(
    client: FlaskClient, session: Session, app: object
) -> None:
    system = make_system(session)
    system.client.ended_at = clock.now()
    session.commit()
    token = system.headers["Authorization"].removeprefix("Bearer ")
    with pytest.raises(NotSignedIn):
        authenticate(token)


def test_private_keys_are_sealed_in_the_table(session: Session, citizen: Citizen) -> None:
    ring = keys.current_ring()
    row = session.get_one(SigningKey, ring.signing_kid)
    private = ring.signing.private_bytes_raw()
    assert private not in row.wrapped_key
    assert base64.b64encode(private) not in base64.b64encode(row.wrapped_key)


def test_a_rotated_key_is_published_first_signs_later_and_verifies_to_the_end(
    client: FlaskClient, session: Session, citizen: Citizen, as_worker: AsWorker
) -> None:
    old_kid = keys.current_ring().signing_kid
    with as_worker(), unit_of_work() as work:
        new_kid = keys.rotate(work, clock.now()).kid
    keys.forget()

    published = {key["kid"] for key in (client.get("/.well-known/jwks.json").json or {})["keys"]}
    assert {old_kid, new_kid} <= published
    assert keys.current_ring().signing_kid == old_kid

    with clock.moved(timedelta(minutes=11)):
        assert keys.current_ring().signing_kid == new_kid
        assert old_kid in keys.current_ring().public
        late = bearer(citizen.principal)
        assert jwt.get_unverified_header(late["Authorization"].split()[1])["kid"] == new_kid
        assert is_good(client, late)
    with clock.moved(timedelta(minutes=26)):
        assert old_kid not in keys.current_ring().public
    keys.forget()


def test_an_ended_key_refuses_remembered_tokens_too(
    client: FlaskClient, session: Session, citizen: Citizen, as_worker: AsWorker
) -> None:
    assert is_good(client, citizen.headers)
    with as_worker(), unit_of_work() as work:
        keys.rotate(work, clock.now(), is_at_once=True)
    with as_worker(), unit_of_work() as work:
        assert keys.end(work, keys.current_ring().signing_kid, clock.now())
    with clock.moved(timedelta(seconds=31)):
        assert not is_good(client, citizen.headers)
        assert is_good(client, bearer(citizen.principal))
    keys.forget()


def test_the_last_key_is_not_ended(session: Session, citizen: Citizen) -> None:
    others = SigningKey.kid != keys.current_ring().signing_kid
    session.execute(update(SigningKey).where(others).values(ends_at=clock.now()))
    with pytest.raises(keys.LastKeyError):
        keys.end(session, keys.current_ring().signing_kid, clock.now())


def test_metadata_and_keys_are_plain_json(client: FlaskClient) -> None:
    for path in ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server"):
        assert json.loads(client.get(path).data)
