"""Phone sign-in: what proves a number, what its session may do, keys that are renewed or not."""

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api import identity
from phr_api.identity.models import AccountSession, PhoneProof
from phr_api.identity.phones import ISSUER, PhoneVerifier
from phr_api.identity.problems import PhoneProofRefused, ProviderUnavailable
from phr_api.identity.service import phone as service
from phr_api.kit import clock
from phr_api.settings import Settings
from tests.factories.people import make_citizen

PROJECT = "so-suc-khoe-thu"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey) -> str:
    """A self-signed certificate, as Google's list has them."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class FakeGoogle:
    """The list of certificates over HTTP; counts how often it was asked."""

    url: str = ""
    certificates: dict[str, str] = field(default_factory=lambda: {"one": certificate(KEY)})
    asked: int = 0
    is_down: bool = False


@pytest.fixture
def google() -> Generator[FakeGoogle]:
    fake = FakeGoogle()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked += 1
            body = json.dumps(fake.certificates).encode()
            self.send_response(503 if fake.is_down else 200)
            self.send_header("Cache-Control", "public, max-age=3600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/certs"
    yield fake
    server.shutdown()
    server.server_close()


def proof(*, key: rsa.RSAPrivateKey = KEY, kid: str = "one", **given: Any) -> str:
    """An ID token as Firebase issues it, with some claims different."""
    at = int(clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": f"{ISSUER}{PROJECT}",
        "aud": PROJECT,
        "sub": "phone-subject",
        "iat": at,
        "exp": at + 3600,
        "auth_time": at - 5,
        "phone_number": "+84900112233",
        "firebase": {"sign_in_provider": "phone", "identities": {"phone": ["+84900112233"]}},
    }
    claims = {name: value for name, value in (claims | given).items() if value is not None}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def test_a_fresh_number_is_proven(google: FakeGoogle) -> None:
    proven = PhoneVerifier(PROJECT, google.url).verify(proof())
    assert (proven.subject, proven.phone) == ("phone-subject", "+84900112233")
    assert proven.issuer == f"{ISSUER}{PROJECT}"


LONG_AGO = 1_700_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": f"{ISSUER}another"},
        {"aud": "another"},
        {"exp": LONG_AGO},
        {"auth_time": LONG_AGO},
        {"auth_time": None},
        {"auth_time": "soon"},
        {"auth_time": 10**18},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"phone_number": None},
        {"phone_number": "0900112233"},
        {"firebase": None},
        {"firebase": "phone"},
        {"firebase": {"sign_in_provider": "password"}},
        {"firebase": {"sign_in_provider": "anonymous"}},
        {"kid": "unknown"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
)
def test_anything_else_proves_nothing(google: FakeGoogle, wrong: dict[str, Any]) -> None:
    with pytest.raises(PhoneProofRefused):
        PhoneVerifier(PROJECT, google.url).verify(proof(**wrong))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_other_algorithms_prove_nothing(google: FakeGoogle, algorithm: str) -> None:
    claims = jwt.decode(proof(), options={"verify_signature": False})
    key = None if algorithm == "none" else "a secret that is long enough for this"
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "one"})  # type: ignore[arg-type]
    with pytest.raises(PhoneProofRefused):
        PhoneVerifier(PROJECT, google.url).verify(token)


def test_keys_are_kept_as_long_as_google_says_and_a_day_without_it(google: FakeGoogle) -> None:
    verifier = PhoneVerifier(PROJECT, google.url)
    verifier.verify(proof())
    verifier.verify(proof())
    assert google.asked == 1
    google.is_down = True
    with clock.moved(timedelta(hours=20)):
        assert verifier._key("one").key_size == 2048
        assert google.asked == 2
    with clock.moved(timedelta(hours=26)), pytest.raises(ProviderUnavailable):
        verifier._key("one")
    google.is_down = False
    with clock.moved(timedelta(hours=26)):
        verifier._key("one")


def test_invented_keys_do_not_become_requests_and_new_ones_are_found(google: FakeGoogle) -> None:
    verifier = PhoneVerifier(PROJECT, google.url)
    verifier.verify(proof())
    for _ in range(5):
        with pytest.raises(PhoneProofRefused):
            verifier.verify(proof(kid="new"))
    assert google.asked == 1
    newer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    google.certificates["new"] = certificate(newer)
    with clock.moved(timedelta(minutes=2)):
        verifier._key("new")
    assert google.asked == 2


def test_without_any_keys_it_is_googles_fault(google: FakeGoogle) -> None:
    google.is_down = True
    with pytest.raises(ProviderUnavailable):
        PhoneVerifier(PROJECT, google.url).verify(proof())


def test_a_provider_out_of_reach_is_not_asked_for_each_sign_in(google: FakeGoogle) -> None:
    """Each fetch may last seconds, and a thread waits for it: one in five seconds is enough."""
    verifier = PhoneVerifier(PROJECT, google.url)
    google.is_down = True
    for seconds, asked in ((0, 1), (1, 1), (4, 1), (6, 2), (7, 2)):
        with clock.moved(timedelta(seconds=seconds)), pytest.raises(ProviderUnavailable):
            verifier.verify(proof())
        assert google.asked == asked
    google.is_down = False
    with clock.moved(timedelta(seconds=12)):
        assert verifier._key("one").key_size == 2048
    google.is_down = True
    for hours, seconds, asked in ((2, 0, 4), (2, 4, 4), (2, 6, 5)):  # old keys serve meanwhile
        with clock.moved(timedelta(hours=hours, seconds=seconds)):
            assert verifier._key("one").key_size == 2048
        assert google.asked == asked


@pytest.fixture
def offered(app: Flask, settings: Settings, google: FakeGoogle) -> Generator[None]:
    ways = replace(settings.notifications, firebase_project=PROJECT, firebase_certs_url=google.url)
    identity.configure(replace(settings, notifications=ways))
    service._Verifiers.known.clear()
    yield
    identity.configure(settings)


def sign_in(client: FlaskClient, token: str) -> TestResponse:
    device = {"installationId": str(uuid4()), "name": "Máy thử", "platform": "android"}
    return client.post("/v1/sign-in/phone", json={"idToken": token, "device": device})


def test_a_number_signs_in_and_opens_no_record(
    client: FlaskClient, session: Session, offered: None
) -> None:
    subject = uuid4().hex
    answer = sign_in(client, proof(sub=subject))
    assert answer.status_code == 200, answer.get_json()
    tokens = answer.get_json()
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    me = client.get("/v1/me", headers=headers).get_json()
    assert (me["session"]["assurance"], me["profiles"]) == ("account", [])
    victim = make_citizen(session)
    for part in ("encounters", "health-book", "papers"):
        url = f"/v1/profiles/{victim.profile.id}/{part}"
        assert client.get(url, headers=headers).status_code in {403, 404}
    assert client.get("/v1/notifications", headers=headers).status_code == 200
    row = session.get_one(AccountSession, me["session"]["id"])
    assert (row.provider, row.kind) == ("firebase-phone", "citizen")


def test_the_next_sign_in_of_the_number_ends_the_last(
    client: FlaskClient, session: Session, offered: None
) -> None:
    subject = uuid4().hex
    first = sign_in(client, proof(sub=subject)).get_json()
    headers = {"Authorization": f"Bearer {first['accessToken']}"}
    account_id = client.get("/v1/me", headers=headers).get_json()["account"]["id"]
    before = session.get_one(PhoneProof, account_id).verified_at
    session.rollback()
    assert sign_in(client, proof(sub=subject)).status_code == 200
    assert client.get("/v1/notifications", headers=headers).status_code == 401
    session.expire_all()
    assert session.get_one(PhoneProof, account_id).verified_at > before
    live = select(AccountSession.id).where(
        AccountSession.account_id == account_id, AccountSession.ended_at.is_(None)
    )
    assert len(session.scalars(live).all()) == 1


def test_a_refused_proof_says_so_in_both_languages(client: FlaskClient, offered: None) -> None:
    refused = sign_in(client, proof(aud="another"))
    assert refused.status_code == 403
    assert refused.get_json()["type"].endswith("identity/phone-proof-refused")
    assert sign_in(client, "").status_code == 422
    assert sign_in(client, "no.token.here").status_code == 403


def test_where_no_project_is_configured_it_is_not_there(client: FlaskClient) -> None:
    assert sign_in(client, proof()).status_code == 404


def test_one_device_tries_ten_times_an_hour(client: FlaskClient, offered: None) -> None:
    device = {"installationId": str(uuid4()), "name": "Máy thử", "platform": "android"}
    body = {"idToken": "no.token.here", "device": device}
    answers = [client.post("/v1/sign-in/phone", json=body).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]
