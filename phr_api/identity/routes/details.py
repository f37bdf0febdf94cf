"""One's own person, and the numbers that one declares."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.identity import queries
from phr_api.identity.current import current_principal
from phr_api.identity.models import ProfileIdentifier
from phr_api.identity.routes.limited import take
from phr_api.identity.schemas import DetailsSchema, IdentifierSchema, NewIdentifierSchema
from phr_api.identity.service import details
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import Blueprint, current_attempt

blueprint = Blueprint(
    "details",
    __name__,
    url_prefix="/v1/me",
    description="One's own person: numbers, addresses, insurance",
)


@blueprint.route("/details")
class Details(MethodView):
    @blueprint.response(200, DetailsSchema)
    def get(self) -> dict[str, Any]:
        """My own details as hospitals and my sign-in know them"""
        with unit_of_work() as session:
            return details.read_details(session, current_principal())


@blueprint.route("/identifiers")
class Identifiers(MethodView):
    @blueprint.idempotent
    @blueprint.arguments(NewIdentifierSchema)
    @blueprint.response(201, IdentifierSchema)
    def post(self, new: details.NewIdentifier) -> Any:
        """Declare a number of mine; it is kept for me and matches nothing"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        take((details.DECLARED, principal.principal_id))
        with unit_of_work() as session:
            own = details.open_own(session, principal)

            def create() -> Created[ProfileIdentifier]:
                row = details.declare_identifier(session, own, new)
                return Created(entity=row, reference=str(row.id), location=None)

            return once(
                session,
                attempt,
                create=create,
                again=lambda row_id: queries.get_identifier(session, own, UUID(row_id)),
            )


@blueprint.route("/identifiers/<uuid:identifier_id>")
class IdentifierById(MethodView):
    @blueprint.response(204)
    def delete(self, identifier_id: UUID) -> None:
        """Take back a number that I declared"""
        with unit_of_work() as session:
            own = details.open_own(session, current_principal())
            details.withdraw_identifier(session, own, identifier_id)
