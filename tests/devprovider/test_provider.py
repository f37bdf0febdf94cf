"""The local provider keeps the protocol, and only its faults break it."""

import base64
import hashlib
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from phr_api.devprovider import CITIZEN, DESK
from phr_api.devprovider.app import Provider
from phr_api.devprovider.server import Providers, running

VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
REDIRECT = "http://127.0.0.1:9/callback"


@pytest.fixture
def providers() -> Generator[Providers]:
    with running() as providers:
        yield providers


def challenge(verifier: str = VERIFIER) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def asked(**changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": "phr-api",
        "redirect_uri": REDIRECT,
        "scope": "openid profile",
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    } | changes


def code_of(provider: Provider, subject: str) -> str:
    answer = httpx.get(f"{provider.issuer}/authorize", params=asked(login_hint=subject))
    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["a-state"]
    return query["code"][0]


def redeem(provider: Provider, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "phr-api",
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return httpx.post(f"{provider.issuer}/token", data=form | changes)


def claims_of(provider: Provider, answer: httpx.Response) -> dict[str, Any]:
    token = answer.json()["id_token"]
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{provider.issuer}/jwks").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["ES256"], audience="phr-api", issuer=provider.issuer
    )
    return claims


def test_a_citizen_gets_a_signed_identity_with_number_name_and_birth(providers: Providers) -> None:
    answer = redeem(providers.citizen, code_of(providers.citizen, CITIZEN.subject))
    claims = claims_of(providers.citizen, answer)
    assert claims["nonce"] == "a-nonce"
    assert claims["citizen_number"] == CITIZEN.citizen_number
    assert (claims["name"], claims["birthdate"]) == (CITIZEN.name, "1990-02-28")


def test_staff_sign_in_with_a_second_factor_and_without_a_citizen_number(
    providers: Providers,
) -> None:
    answer = redeem(providers.staff, code_of(providers.staff, DESK.subject))
    claims = claims_of(providers.staff, answer)
    assert "otp" in claims["amr"]
    assert "citizen_number" not in claims


def test_the_page_lists_the_people_of_its_audience_without_script(providers: Providers) -> None:
    page = httpx.get(f"{providers.citizen.issuer}/authorize", params=asked())
    assert CITIZEN.name in page.text
    assert DESK.name not in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    chosen = httpx.post(
        f"{providers.citizen.issuer}/authorize", data=asked(login_hint=CITIZEN.subject)
    )
    assert chosen.status_code == 303


def test_a_code_is_good_once_and_only_with_its_verifier(providers: Providers) -> None:
    code = code_of(providers.citizen, CITIZEN.subject)
    assert redeem(providers.citizen, code, code_verifier="another").status_code == 400
    assert redeem(providers.citizen, code).json() == {"error": "invalid_grant"}


def test_somebody_of_the_other_audience_is_refused(providers: Providers) -> None:
    answer = httpx.get(
        f"{providers.citizen.issuer}/authorize", params=asked(login_hint=DESK.subject)
    )
    assert "error=login_required" in answer.headers["Location"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "http://example.org/callback"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
def test_an_unknown_client_or_unsafe_address_gets_no_redirect(
    providers: Providers, changes: dict[str, str]
) -> None:
    answer = httpx.get(f"{providers.citizen.issuer}/authorize", params=asked(**changes))
    assert answer.status_code == 400


def test_plain_challenges_are_refused(providers: Providers) -> None:
    answer = httpx.get(
        f"{providers.citizen.issuer}/authorize", params=asked(code_challenge_method="plain")
    )
    assert "error=invalid_request" in answer.headers["Location"]


def test_discovery_names_the_endpoints_of_this_issuer(providers: Providers) -> None:
    metadata = httpx.get(f"{providers.staff.issuer}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == providers.staff.issuer
    assert metadata["token_endpoint"] == f"{providers.staff.issuer}/token"
