"""The token endpoint (RFC 6749), our keys (RFC 7517) and what we are (RFC 8414)."""

import hashlib
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask.views import MethodView

from phr_api.identity import keys
from phr_api.identity.configuration import settings
from phr_api.identity.problems import (
    InvalidClient,
    InvalidGrant,
    PageLocked,
    UnsupportedGrantType,
)
from phr_api.identity.routes.limited import take, take_failure
from phr_api.identity.schemas import (
    KeysSchema,
    ServerMetadataSchema,
    TokenRequestSchema,
    TokenResponseSchema,
)
from phr_api.identity.service import clients, sessions
from phr_api.identity.service.sessions import Tokens
from phr_api.kit.limits import Limit
from phr_api.kit.web import Blueprint

blueprint = Blueprint(
    "tokens",
    __name__,
    url_prefix="/",
    description="Renew a citizen's tokens; a system's token for its signed assertion",
)

RENEWED = Limit(name="refresh token", count=30, per=timedelta(minutes=1))

FRESH = {"Cache-Control": "no-store"}  # RFC 6749 §5.1
KEPT = {"Cache-Control": "public, max-age=300"}


@blueprint.route("/v1/oauth/token")
class Token(MethodView):
    @blueprint.public
    @blueprint.arguments(TokenRequestSchema, location="form")
    @blueprint.response(200, TokenResponseSchema)
    def post(self, form: dict[str, str | None]) -> tuple[Tokens, int, dict[str, str]]:
        """Renew tokens by refresh_token, or get a system's by client_credentials

        A repeated refresh after a lost answer gets the same refresh token again.
        """
        return _granted(form), HTTPStatus.OK, FRESH


def _granted(form: dict[str, str | None]) -> Tokens:
    if form["grant_type"] == "refresh_token":
        token = form["refresh_token"] or ""
        take((RENEWED, hashlib.sha256(token.encode()).hexdigest()))
        try:
            return sessions.renew(token)
        except PageLocked:  # a page's token in an app's hands: the protocol's own answer
            raise InvalidGrant from None
    if form["grant_type"] == "client_credentials":
        take()
        return _granted_to_system(form)
    raise UnsupportedGrantType


def _granted_to_system(form: dict[str, str | None]) -> Tokens:
    assertion = form["client_assertion"] or ""
    if form["client_assertion_type"] != clients.ASSERTION_TYPE:
        raise InvalidClient
    try:
        return clients.grant(assertion, form["scope"])
    except InvalidClient:
        take_failure(clients.claimed_client(assertion))
        raise


@blueprint.route("/.well-known/jwks.json")
class Keys(MethodView):
    @blueprint.public
    @blueprint.response(200, KeysSchema)
    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """The keys that our access tokens are signed with"""
        return keys.jwks(), HTTPStatus.OK, KEPT


@blueprint.route("/.well-known/oauth-authorization-server")
class ServerMetadata(MethodView):
    @blueprint.public
    @blueprint.response(200, ServerMetadataSchema)
    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Where the token endpoint and the keys are"""
        issuer = settings().public_url
        metadata = {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/v1/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "scopes_supported": list(clients.SCOPES),
            "response_types_supported": ["none"],
            "grant_types_supported": ["refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256", "PS256"],
        }
        return metadata, HTTPStatus.OK, KEPT
