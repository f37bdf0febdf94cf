"""Walking the sign-in as an app does: begin, go to the provider, come back, finish."""

import base64
import hashlib
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phr_api.devprovider import DemoPerson
from phr_api.devprovider.server import Providers
from tests.factories.people import BIRTH, NAME, new_number

VERIFIER = "a-code-verifier-that-is-forty-three-characters-long"
REDIRECT = "http://127.0.0.1:9/signed-in"


def new_person(providers: Providers) -> DemoPerson:
    """Let the provider know somebody with a number of this test's own."""
    person = DemoPerson(
        subject=uuid4().hex,
        name=NAME,
        born_on=date.fromisoformat(BIRTH),
        citizen_number=new_number(),
    )
    providers.citizen.people = (*providers.citizen.people, person)
    return person


def challenge(verifier: str = VERIFIER) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def attempt_body(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "dev-citizen",
        "codeChallenge": challenge(),
        "redirectUri": REDIRECT,
        "device": {
            "installationId": str(uuid4()),
            "name": "Điện thoại thử",
            "platform": "android",
        },
    } | changes


def begin(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/sign-in/attempts", json=attempt_body(**changes))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json or {}
    return body


def visit_provider(attempt: dict[str, Any], subject: str) -> dict[str, str]:
    """Go where the attempt says, as that person; return the body that completes the attempt."""
    answer = httpx.get(f"{attempt['authorizationUrl']}&login_hint={subject}")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {
        "code": query["code"][0],
        "state": query["state"][0],
        "codeVerifier": VERIFIER,
    }


def complete(client: FlaskClient, attempt: dict[str, Any], body: dict[str, str]) -> TestResponse:
    return client.post(f"/v1/sign-in/attempts/{attempt['id']}/completion", json=body)


def sign_in(client: FlaskClient, subject: str, **changes: Any) -> TestResponse:
    """Walk the whole way and return the answer of the last step."""
    attempt = begin(client, **changes)
    return complete(client, attempt, visit_provider(attempt, subject))
