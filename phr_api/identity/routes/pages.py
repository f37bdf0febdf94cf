"""Signing in to a page: the same sign-in, with the refresh token in a cookie (HttpOnly)."""

import hashlib
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, request
from flask.views import MethodView
from marshmallow import RAISE

from phr_api.identity.problems import PageLocked
from phr_api.identity.routes.limited import take
from phr_api.identity.routes.oauth import FRESH, RENEWED
from phr_api.identity.routes.sign_in import COMPLETED
from phr_api.identity.schemas import (
    ClerkSchema,
    PageCompletionSchema,
    PageRenewalSchema,
    PageTokensSchema,
)
from phr_api.identity.service import pages
from phr_api.identity.service.sessions import Tokens
from phr_api.identity.service.sign_in import Completion
from phr_api.kit.limits import Limit
from phr_api.kit.problems import NotSignedIn
from phr_api.kit.web import Blueprint

blueprint = Blueprint(
    "pages",
    __name__,
    url_prefix="/v1",
    description="Sessions of the desk's page: as in an app, with the refresh token in a cookie",
)

ENDED = Limit(name="page session ended", count=30, per=timedelta(minutes=1))

Granted = tuple[Tokens, int, dict[str, str]]


@blueprint.route("/sign-in/attempts/<uuid:attempt_id>/page-completion")
class AttemptPageCompletion(MethodView):
    @blueprint.public
    @blueprint.arguments(PageCompletionSchema)
    @blueprint.response(200, PageTokensSchema)
    def post(self, body: dict[str, Any], attempt_id: UUID) -> Granted:
        """Finish a member of staff's sign-in in a page: the refresh token goes into a cookie

        Only for pages of this service (Origin).
        """
        pages.check_origin(request.headers.get("Origin"))
        take((COMPLETED, attempt_id))
        completion: Completion = body["completion"]
        return _granted(body["clerk"], pages.complete(attempt_id, completion))


@blueprint.route("/sessions/page-renewal")
class PageRenewal(MethodView):
    @blueprint.public
    @blueprint.arguments(PageRenewalSchema)
    @blueprint.response(200, PageTokensSchema)
    def post(self, body: dict[str, Any]) -> Granted:
        """Renew a page's access token by its cookie, which is replaced

        A repeated renewal after a lost answer gets the same cookie again. A session whose page
        nobody touched for ten minutes is over (401 page-locked): `idleSeconds` tells of hands.
        """
        pages.check_origin(request.headers.get("Origin"))
        token = _cookie(body["clerk"])
        take((RENEWED, hashlib.sha256((token or "").encode()).hexdigest()))
        try:
            return _granted(body["clerk"], pages.renew(token, untouched=body["untouched"]))
        except (NotSignedIn, PageLocked):
            _forget(body["clerk"])
            raise

    @blueprint.public
    @blueprint.arguments(ClerkSchema, location="query", unknown=RAISE)
    @blueprint.response(204)
    def delete(self, asked: dict[str, int]) -> None:
        """Sign a page's clerk out, even when the access token is over"""
        pages.check_origin(request.headers.get("Origin"))
        token = _cookie(asked["clerk"])
        take((ENDED, hashlib.sha256((token or "").encode()).hexdigest()))
        pages.end(token)
        _forget(asked["clerk"])


def _cookie(clerk: int) -> str | None:
    return request.cookies.get(pages.cookie_name(clerk))


def _granted(clerk: int, tokens: Tokens) -> Granted:
    """Answer the access token, and let the refresh token go with the answer as a cookie.

    It has no Max-Age: a desk's machine forgets it when the browser is closed.
    """

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            pages.cookie_name(clerk),
            tokens.refresh_token or "",
            path="/",
            secure=pages.is_secure(),
            httponly=True,
            samesite="Strict",
        )
        return response

    return tokens, HTTPStatus.OK, FRESH


def _forget(clerk: int) -> None:
    @after_this_request
    def drop(response: Response) -> Response:
        response.delete_cookie(
            pages.cookie_name(clerk),
            path="/",
            secure=pages.is_secure(),
            httponly=True,
            samesite="Strict",
        )
        return response
