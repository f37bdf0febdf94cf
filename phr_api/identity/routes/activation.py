"""Activation codes: a desk sees the document, the citizen types the code."""

from typing import Any

from flask.views import MethodView

from phr_api.identity.current import current_principal
from phr_api.identity.problems import (
    AccountHasProfile,
    ActivationCodeUnknown,
    IdentifierNotValid,
    IdentityDisagrees,
    ProfileAlreadyLinked,
)
from phr_api.identity.routes.limited import take
from phr_api.identity.schemas import (
    ActivationCodeSchema,
    ActivationSchema,
    NewActivationCodeSchema,
)
from phr_api.identity.service import activation
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import once
from phr_api.kit.web import Blueprint, current_attempt
from phr_api.vocab import InvalidIdentifier

blueprint = Blueprint(
    "activation",
    __name__,
    url_prefix="/v1",
    description="Link an account to a person whose document a desk has seen",
)

REFUSALS = {
    "taken": ProfileAlreadyLinked,
    "has-other": AccountHasProfile,
    "unknown": ActivationCodeUnknown,
}


@blueprint.route("/facilities/<string(length=5):code>/activation-codes")
class ActivationCodes(MethodView):
    @blueprint.idempotent
    @blueprint.arguments(NewActivationCodeSchema)
    @blueprint.response(201, ActivationCodeSchema)
    def post(self, seen: activation.SeenDocument, code: str) -> Any:
        """Issue an activation code for the person of a document on the desk

        One use, 24 hours. The answer does not tell whether the person was known.
        """
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            activation.require_desk(session, principal, code)
        take(
            (activation.ISSUED, principal.principal_id),
            (activation.ISSUED_FOR, seen.citizen_number),
        )
        try:
            with unit_of_work() as session:
                activation.require_desk(session, principal, code)
                return once(
                    session,
                    attempt,
                    create=lambda: activation.issue(session, principal, code, seen),
                    again=lambda reference: activation.issued_again(session, reference),
                )
        except InvalidIdentifier as error:
            raise IdentifierNotValid from error
        except IdentityDisagrees as refusal:
            activation.note_refusal(principal, code, refusal)
            raise


@blueprint.route("/me/activation")
class Activation(MethodView):
    @blueprint.arguments(ActivationSchema)
    @blueprint.response(204)
    def post(self, body: dict[str, str]) -> None:
        """Link my account to my person with a desk's activation code"""
        principal = current_principal()
        take((activation.TRIED, principal.principal_id))
        with unit_of_work() as session:
            outcome = activation.use(session, principal, body["code"])
        # raised outside: the code is used up and the first account told, whatever comes out
        if outcome in REFUSALS:
            raise REFUSALS[outcome]
