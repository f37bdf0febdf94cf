"""Systems sign in with assertions signed by a registered key (R6)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.identity.models import Client, ClientKey
from phr_api.identity.routes import limited
from phr_api.identity.service import clients
from phr_api.kit import clock
from phr_api.settings import Settings
from tests.factories.people import make_citizen, make_system

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


class Hospital:
    """A registered system with its private key."""

    def __init__(self, client: Client, key: Any, settings: Settings) -> None:
        self.id = client.id
        self.key = key
        self.issuer = settings.public_url
        self.algorithm = "EdDSA"
        self.headers: dict[str, Any] = {}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(clock.now().timestamp())
        claims = {
            "iss": str(self.id),
            "sub": str(self.id),
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": uuid4().hex,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, **changes: Any) -> str:
        return jwt.encode(
            self.claims(**changes), self.key, algorithm=self.algorithm, headers=self.headers
        )


@pytest.fixture
def hospital(session: Session, settings: Settings) -> Hospital:
    key = Ed25519PrivateKey.generate()
    client = make_system(session).client
    clients.add_key(session, client.id, public_pem(key))
    session.commit()
    return Hospital(client, key, settings)


def ask(client: FlaskClient, assertion: str, **changes: str) -> TestResponse:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return client.post("/v1/oauth/token", data=form | changes)


def test_an_assertion_gives_a_token_of_ten_minutes_and_no_refresh_token(
    client: FlaskClient, hospital: Hospital
) -> None:
    answer = ask(client, hospital.assertion(), scope="records.write")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["expires_in"] == 600
    assert answer.json["scope"] == "records.write"
    assert "refresh_token" not in answer.json


def test_a_systems_token_opens_nothing_of_a_citizen(
    client: FlaskClient, hospital: Hospital
) -> None:
    answer = ask(client, hospital.assertion()).json or {}
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    for path in ("/v1/sessions", "/v1/devices", "/v1/me/details"):
        assert client.get(path, headers=headers).status_code == 403


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://elsewhere.example"},
    "our audience among others": {"aud": ["OURS", "https://elsewhere.example"]},
    "our audience as a list": {"aud": ["OURS"]},
    "another subject": {"sub": str(uuid4())},
    "an unknown issuer": {"iss": str(uuid4())},
    "an issuer that is no id": {"iss": "hospital"},
    "no audience": {"aud": None},
    "no expiry": {"exp": None},
    "no id": {"jti": None},
    "an empty id": {"jti": ""},
    "an id that is no text": {"jti": "a\x00b"},
    "no time of issue": {"iat": None},
    "expired": {"exp": -1},
    "good for an hour": {"exp": 3600},
    "issued in an hour": {"iat": 3600},
    "not before tomorrow": {"nbf": 86400},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_an_assertion_that_does_not_hold_is_refused(
    client: FlaskClient, hospital: Hospital, changes: dict[str, Any]
) -> None:
    now = int(clock.now().timestamp())
    exact = {
        name: now + value if isinstance(value, int) else value for name, value in changes.items()
    }
    audience = changes.get("aud")
    if isinstance(audience, list):
        exact["aud"] = [hospital.issuer if one == "OURS" else one for one in audience]

    answer = ask(client, hospital.assertion(**exact))

    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["error"] == "invalid_client"
    assert answer.json["type"] == "/problems/identity/invalid-client"


def test_an_assertion_is_good_once(client: FlaskClient, hospital: Hospital) -> None:
    assertion = hospital.assertion()
    assert ask(client, assertion).status_code == 200
    assert ask(client, assertion).status_code == 401


def test_another_systems_key_is_refused(client: FlaskClient, hospital: Hospital) -> None:
    hospital.key = Ed25519PrivateKey.generate()
    assert ask(client, hospital.assertion()).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"jku": "https://elsewhere.example/jwks"}, {"x5u": "https://elsewhere.example/cert"}],
)
def test_addresses_of_keys_in_the_header_are_never_followed(
    client: FlaskClient, hospital: Hospital, headers: dict[str, str]
) -> None:
    hospital.headers = headers
    assert ask(client, hospital.assertion()).status_code == 200
    hospital.key = Ed25519PrivateKey.generate()
    assert ask(client, hospital.assertion()).status_code == 401


def test_the_algorithm_is_the_registered_keys(
    client: FlaskClient, session: Session, hospital: Hospital
) -> None:
    hospital.key, hospital.algorithm = "a-shared-secret-of-at-least-32-bytes!", "HS256"
    assert ask(client, hospital.assertion()).status_code == 401
    hospital.key, hospital.algorithm = None, "none"
    assert ask(client, hospital.assertion()).status_code == 401


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
def test_two_keys_overlap_and_one_ends(
    client: FlaskClient, session: Session, hospital: Hospital, algorithm: str
) -> None:
    new = new_ec_key(SECP256R1()) if algorithm == "ES256" else new_rsa_key(65537, 2048)
    row = clients.add_key(session, hospital.id, public_pem(new))
    session.commit()
    old = session.query(ClientKey).filter_by(client_id=hospital.id, algorithm="EdDSA").one()

    # with two keys, the header has to say which
    assert ask(client, hospital.assertion()).status_code == 401
    hospital.headers = {"kid": old.kid}
    assert ask(client, hospital.assertion()).status_code == 200
    assert clients.end_key(session, hospital.id, old.kid)
    session.commit()
    assert ask(client, hospital.assertion()).status_code == 401
    hospital.key, hospital.algorithm, hospital.headers = new, algorithm, {"kid": row.kid}
    assert ask(client, hospital.assertion()).status_code == 200


@pytest.mark.parametrize(
    "pem",
    [
        b"nothing",
        public_pem(new_rsa_key(65537, 1024)),  # noqa: S505 - weak is the point
    ],
    ids=["no key", "RSA of 1024 bits"],
)
def test_weak_keys_are_not_registered(session: Session, hospital: Hospital, pem: bytes) -> None:
    with pytest.raises(clients.KeyNotAcceptedError):
        clients.add_key(session, hospital.id, pem)


def test_an_ended_system_is_refused(
    client: FlaskClient, session: Session, hospital: Hospital
) -> None:
    assert clients.end(session, hospital.id)
    session.commit()
    assert ask(client, hospital.assertion()).status_code == 401


def test_a_system_gets_what_it_was_registered_for(
    client: FlaskClient, session: Session, settings: Settings
) -> None:
    """All of it unless it asks for less, and never more."""
    key = Ed25519PrivateKey.generate()
    made = make_system(session, scopes=["records.write", "facilities.write"]).client
    clients.add_key(session, made.id, public_pem(key))
    session.commit()
    both = Hospital(made, key, settings)
    for asked, got in (
        ({}, "facilities.write records.write"),
        ({"scope": "facilities.write"}, "facilities.write"),
    ):
        assert (ask(client, both.assertion(), **asked).json or {})["scope"] == got
    more = ask(client, both.assertion(), scope="facilities.write records.read")
    assert (more.status_code, (more.json or {})["error"]) == (400, "invalid_scope")


def test_a_hospitals_system_may_not_ask_for_the_directory(
    client: FlaskClient, hospital: Hospital
) -> None:
    answer = ask(client, hospital.assertion(), scope="records.write facilities.write")
    assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_scope")


def test_another_scope_is_refused(client: FlaskClient, hospital: Hospital) -> None:
    answer = ask(client, hospital.assertion(), scope="records.read")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "invalid_scope"
    assert answer.json["type"] == "/problems/identity/invalid-scope"


def test_another_kind_of_assertion_is_refused(client: FlaskClient, hospital: Hospital) -> None:
    answer = ask(client, hospital.assertion(), client_assertion_type="urn:example:saml")
    assert answer.status_code == 401


def test_one_system_asks_only_so_often(
    client: FlaskClient, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ASKED", replace(clients.ASKED, count=3, per=timedelta(hours=1)))
    statuses = [ask(client, hospital.assertion()).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_what_a_system_did_not_sign_does_not_use_up_its_share(
    client: FlaskClient, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ASKED", replace(clients.ASKED, count=3, per=timedelta(hours=1)))
    monkeypatch.setattr(
        limited, "FAILED_AS", replace(limited.FAILED_AS, count=4, per=timedelta(hours=1))
    )
    captured = hospital.assertion()
    assert ask(client, captured).status_code == 200
    honest, hospital.key = hospital.key, Ed25519PrivateKey.generate()
    forged = [ask(client, hospital.assertion()).status_code for _ in range(3)]
    assert forged == [401, 401, 401]
    assert [ask(client, captured).status_code for _ in range(3)] == [401, 429, 429]
    hospital.key = honest
    assert ask(client, hospital.assertion()).status_code == 200


def test_one_address_fails_only_so_often(
    client: FlaskClient, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "FAILED", replace(limited.FAILED, count=3, per=timedelta(hours=1)))
    statuses = [ask(client, hospital.assertion(iss=str(uuid4()))).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert ask(client, hospital.assertion()).status_code == 200


def test_an_expired_assertion_is_forgotten_after_a_while(
    client: FlaskClient, hospital: Hospital
) -> None:
    assertion = hospital.assertion()
    with clock.moved(timedelta(minutes=6)):
        assert ask(client, assertion).status_code == 401


def test_a_citizens_access_token_is_no_assertion(client: FlaskClient, session: Session) -> None:
    token = make_citizen(session).headers["Authorization"].removeprefix("Bearer ")
    assert ask(client, token).status_code == 401
