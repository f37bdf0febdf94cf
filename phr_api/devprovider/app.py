"""The provider's five pages: discovery, keys, authorize (list and choice), token.

Authorization code with PKCE S256 and nothing else (RFC 6749 §4.1, RFC 7636). State lives in this
process for a minute; `login_hint` signs a person in without a page, for tests and `phr-api login`.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, jsonify, redirect, render_template_string, request
from werkzeug.wrappers import Response as AnyResponse

from phr_api.devprovider.faults import Faults
from phr_api.devprovider.people import PEOPLE, Audience, DemoPerson
from phr_api.devprovider.tokens import Keys, SignIn, id_token_claims
from phr_api.kit import clock

CODE_LIFE_SECONDS = 60
LONGEST_REDIRECT = 500

PAGE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Đăng nhập thử</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>Đăng nhập thử (chỉ để phát triển)</h1>
<p>Những người dưới đây không có thật. <em>Invented people, for development only.</em></p>
{% for person in people %}<form method="post">
{% for name, value in asked.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<button name="login_hint" value="{{ person.subject }}">{{ person.name }}</button>
{{ person.label }}</form>{% endfor %}</body></html>"""


@dataclass
class Provider:
    """One running provider: what it is called, whom it knows, what it gets wrong."""

    issuer: str
    audience: Audience
    client_id: str
    people: Sequence[DemoPerson] = PEOPLE
    keys: Keys = field(default_factory=Keys)
    faults: Faults = field(default_factory=Faults)
    codes: dict[str, SignIn] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)

    def known(self) -> list[DemoPerson]:
        """Return the people who may sign in here."""
        return [person for person in self.people if person.audience == self.audience]

    def count(self, page: str) -> None:
        """Note a request; tests ask how often the keys were fetched."""
        self.requests[page] = self.requests.get(page, 0) + 1


class Refused(Exception):  # becomes an answer of RFC 6749 §4.1.2.1 or §5.2
    """An error of the protocol; `redirect_uri` when the client may be told by a redirect."""

    def __init__(self, error: str, *, redirect_uri: str = "", state: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state


def create_provider(provider: Provider) -> Flask:
    """Return the provider as a WSGI application."""
    app = Flask(__name__)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        provider.count("discovery")
        return jsonify(_metadata(provider.issuer))

    @app.get("/jwks")
    def jwks() -> Response:
        provider.count("jwks")
        return jsonify(provider.keys.jwks())

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse | tuple[str, int]:
        asked = {key: str(value) for key, value in request.values.items()}
        try:
            return _authorize(provider, asked)
        except Refused as refused:
            if not refused.redirect_uri:
                return refused.error, HTTPStatus.BAD_REQUEST
            return _back(refused.redirect_uri, error=refused.error, state=refused.state)

    @app.post("/token")
    def token() -> tuple[Response, int]:
        provider.count("token")
        if provider.faults.token_endpoint_fails:
            return jsonify(error="server_error"), HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            return jsonify(_token(provider, request.form)), HTTPStatus.OK
        except Refused as refused:
            return jsonify(error=refused.error), HTTPStatus.BAD_REQUEST

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return response

    return app


def _metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "token_endpoint_auth_methods_supported": ["none"],
    }


def _authorize(provider: Provider, asked: dict[str, str]) -> AnyResponse:
    client_id, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if client_id != provider.client_id or not _is_redirect(redirect_uri):
        raise Refused("invalid_request")
    state = asked.get("state", "")
    if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
        raise Refused("invalid_request", redirect_uri=redirect_uri, state=state)
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
        raise Refused("invalid_request", redirect_uri=redirect_uri, state=state)
    hint = asked.pop("login_hint", "")
    people = provider.known()
    if not hint:
        return Response(render_template_string(PAGE, people=people, asked=asked))
    person = next((one for one in people if one.subject == hint), None)
    if person is None:
        raise Refused("login_required", redirect_uri=redirect_uri, state=state)
    code = secrets.token_urlsafe(24)
    provider.codes[code] = SignIn(
        person=person,
        client_id=client_id,
        redirect_uri=redirect_uri,
        nonce=asked.get("nonce", ""),
        code_challenge=asked["code_challenge"],
        signed_in_at=clock.now().timestamp(),
    )
    return _back(redirect_uri, code=code, state=state)


def _token(provider: Provider, form: Mapping[str, str]) -> dict[str, Any]:
    if form.get("grant_type") != "authorization_code":
        raise Refused("unsupported_grant_type")
    sign_in = provider.codes.pop(form.get("code", ""), None)
    if sign_in is None or clock.now().timestamp() - sign_in.signed_in_at > CODE_LIFE_SECONDS:
        raise Refused("invalid_grant")
    if (form.get("client_id"), form.get("redirect_uri")) != (
        sign_in.client_id,
        sign_in.redirect_uri,
    ):
        raise Refused("invalid_grant")
    challenge = _s256(form.get("code_verifier", ""))
    if not hmac.compare_digest(challenge, sign_in.code_challenge):
        raise Refused("invalid_grant")
    claims = id_token_claims(provider.issuer, sign_in, provider.faults)
    return {
        "access_token": secrets.token_urlsafe(24),
        "token_type": "Bearer",
        "expires_in": CODE_LIFE_SECONDS,
        "id_token": provider.keys.sign(claims, provider.faults),
    }


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is_redirect(uri: str) -> bool:
    parts = urlsplit(uri)
    is_loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    is_app = "." in parts.scheme or parts.scheme == "https"
    return len(uri) <= LONGEST_REDIRECT and (is_app or (parts.scheme == "http" and is_loopback))


def _back(redirect_uri: str, **values: str) -> AnyResponse:
    joint = "&" if urlsplit(redirect_uri).query else "?"
    return redirect(f"{redirect_uri}{joint}{urlencode(values)}", HTTPStatus.SEE_OTHER)
