"""Signing in with an OpenID provider."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.identity.configuration import settings
from phr_api.identity.routes.limited import take
from phr_api.identity.schemas import (
    AttemptSchema,
    CompletionSchema,
    NewAttemptSchema,
    ProvidersSchema,
    TokensSchema,
)
from phr_api.identity.service import sign_in
from phr_api.identity.service.sessions import Tokens
from phr_api.kit.limits import Limit
from phr_api.kit.web import Blueprint

blueprint = Blueprint(
    "sign-in",
    __name__,
    url_prefix="/v1/sign-in",
    description="Sign in with an OpenID provider: begin here, finish here, in between there",
)

BEGUN = Limit(name="attempts begun on device", count=20, per=timedelta(hours=1))
COMPLETED = Limit(name="attempt completed", count=5, per=timedelta(minutes=10))


@blueprint.route("/providers")
class Providers(MethodView):
    @blueprint.public
    @blueprint.response(200, ProvidersSchema)
    def get(self) -> dict[str, Any]:
        """List the providers to sign in with"""
        return {"items": settings().providers}


@blueprint.route("/attempts")
class Attempts(MethodView):
    @blueprint.public
    @blueprint.arguments(NewAttemptSchema)
    @blueprint.response(201, AttemptSchema)
    def post(self, attempt: sign_in.NewAttempt) -> sign_in.BegunAttempt:
        """Begin to sign in: open authorizationUrl in the system's browser

        The attempt lives ten minutes and is good once.
        """
        take((BEGUN, attempt.device.installation_id))
        return sign_in.begin(attempt)


@blueprint.route("/attempts/<uuid:attempt_id>/completion")
class AttemptCompletion(MethodView):
    @blueprint.public
    @blueprint.arguments(CompletionSchema)
    @blueprint.response(200, TokensSchema)
    def post(self, completion: sign_in.Completion, attempt_id: UUID) -> Tokens:
        """Finish signing in with what the provider's redirect brought back"""
        take((COMPLETED, attempt_id))
        return sign_in.complete(attempt_id, completion)
