"""`phr-api login`: signs in as a demo person, over HTTP, the way an app does."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from phr_api.commands import environment
from phr_api.commands.clients import write_key_pair
from phr_api.settings import Settings

REDIRECT = "http://127.0.0.1:9/signed-in"
KEY_FILE = "demo-system-key.pem"
CLIENT_FILE = "demo-system.json"


@click.command()
@click.option(
    "--as",
    "who",
    type=click.Choice(["citizen", "carer", "desk", "doctor", "system"]),
    required=True,
    help="Which of the invented people, or the demo hospital's software.",
)
def login(who: str) -> None:
    """Sign in as a demo person and print the tokens (development only).

    Walks the real sign-in against the local provider: an attempt, the provider's redirect, the
    completion. Prints JSON: accessToken, expiresIn, refreshToken, tokenType. `make run` is running.
    """
    settings = environment.read_settings()
    if not settings.is_development:
        raise click.UsageError("the demo people exist with PHR_ENV=development only")
    import httpx  # noqa: PLC0415 - `--help` stays fast

    try:
        with httpx.Client(base_url=settings.public_url, timeout=10) as http:
            tokens = _as_system(http, settings) if who == "system" else sign_in_as(http, who)
    except httpx.ConnectError as error:
        raise click.ClickException(
            f"nothing answers at {settings.public_url}: start it with `make run`,"
            " or set PORT to the one it was given"
        ) from error
    click.echo(json.dumps(tokens))


def sign_in_as(http: Any, who: str) -> dict[str, Any]:
    """Begin, let the provider sign the demo person in, complete."""
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415
    import secrets  # noqa: PLC0415
    from urllib.parse import parse_qs, urlsplit  # noqa: PLC0415
    from uuid import uuid4  # noqa: PLC0415

    from phr_api.devprovider import CARER, CITIZEN, DESK, DOCTOR  # noqa: PLC0415

    person = {"citizen": CITIZEN, "carer": CARER, "desk": DESK, "doctor": DOCTOR}[who]
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    body = {
        "provider": f"dev-{person.audience}",
        "codeChallenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "redirectUri": REDIRECT,
        "device": {
            "installationId": str(uuid4()),
            "name": "phr-api login",
            "platform": "command-line",
        },
    }
    attempt = _answer(http.post("/v1/sign-in/attempts", json=body))
    back = http.get(attempt["authorizationUrl"], params=_with_hint(attempt, person.subject))
    query = parse_qs(urlsplit(back.headers.get("Location", "")).query)
    if "code" not in query:
        raise click.ClickException("the local provider does not know this person")
    completion = {
        "code": query["code"][0],
        "state": query["state"][0],
        "codeVerifier": verifier,
    }
    return _answer(http.post(f"/v1/sign-in/attempts/{attempt['id']}/completion", json=completion))


def _with_hint(attempt: dict[str, Any], subject: str) -> dict[str, str]:
    """Return the address's own query and the login hint: httpx replaces a query, never adds."""
    from urllib.parse import parse_qsl, urlsplit  # noqa: PLC0415

    return dict(parse_qsl(urlsplit(attempt["authorizationUrl"]).query)) | {"login_hint": subject}


def _as_system(http: Any, settings: Settings) -> dict[str, Any]:
    """Exchange an assertion signed with the demo system's key (RFC 7523)."""
    from uuid import uuid4  # noqa: PLC0415

    import jwt  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    from phr_api.kit import clock  # noqa: PLC0415

    client = demo_system(settings)
    now = int(clock.now().timestamp())
    claims = {
        "iss": client,
        "sub": client,
        "aud": settings.public_url,
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
    }
    key: Any = load_pem_private_key((settings.data_dir / KEY_FILE).read_bytes(), None)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, algorithm="EdDSA"),
    }
    granted = _answer(http.post("/v1/oauth/token", data=form))
    return {
        "accessToken": granted["access_token"],
        "expiresIn": granted["expires_in"],
        "tokenType": granted["token_type"],
    }


def demo_system(settings: Settings) -> str:
    """Return the demo system's client id; register it, with a key in the data directory, once."""
    from phr_api.devprovider import SYSTEM  # noqa: PLC0415
    from phr_api.identity.models import Client  # noqa: PLC0415
    from phr_api.identity.service import clients  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    known, key_file = settings.data_dir / CLIENT_FILE, settings.data_dir / KEY_FILE
    with environment.command_database(), unit_of_work() as session:
        if (client_id := _known_client(known)) and session.get(Client, UUID(client_id)) is not None:
            return client_id
        key_file.unlink(missing_ok=True)
        client = clients.register(session, name=SYSTEM.name, facility_codes=SYSTEM.facility_codes)
        clients.add_key(session, client.id, write_key_pair(key_file))
    known.write_text(json.dumps({"client": str(client.id)}))
    return str(client.id)


def _known_client(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text())["client"])
    except (OSError, ValueError, KeyError):
        return None


def _answer(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    if response.is_error:
        raise click.ClickException(f"{response.status_code}: {body.get('title', 'refused')}")
    return body
