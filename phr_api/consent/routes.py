"""Carers, as a facility's desk records them."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api import audit
from phr_api.consent import carers
from phr_api.consent.models import Carer
from phr_api.consent.problems import CarerNotFound
from phr_api.consent.schemas import CarerSchema, CarersSchema, NewCarerSchema, SuspensionSchema
from phr_api.consent.service import FacilityRole, open_facility
from phr_api.identity import Principal, current_principal
from phr_api.kit import limits
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Attempt, Created, once
from phr_api.kit.web import Blueprint, current_attempt

blp = Blueprint(
    "carers",
    __name__,
    url_prefix="/v1/facilities/<string:code>/carers",
    description="Parents who open a child's record, as a desk records them",
)
blueprints = (blp,)

DESK: frozenset[FacilityRole] = frozenset({"desk"})


@blp.route("")
class Carers(MethodView):
    @blp.response(200, CarersSchema)
    def get(self, code: str) -> dict[str, list[Carer]]:
        """List the carers that this facility recorded"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            found = carers.find_carers(session, scope.facility_code)
            audit.record(
                session,
                scope.actor,
                action="carers.list",
                subjects={carer.profile_id for carer in found},
            )
            return {"items": found}

    @blp.idempotent
    @blp.arguments(NewCarerSchema)
    @blp.response(201, CarerSchema)
    def post(self, new: carers.NewCarer, code: str) -> Any:
        """Record a parent as carer of a child, by the documents on the desk"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            actor = open_facility(session, principal, code, roles=DESK).actor
        limits.take(
            (carers.RECORDED, principal.principal_id),
            (carers.RECORDED_FOR, new.child.number),
            (carers.RECORDED_FOR, new.carer.number),
        )
        try:
            return self._record(principal, code, new, attempt)
        except CarerNotFound:
            # in a transaction of its own: a search for people that finds nobody is one, too (R11)
            audit.record_refusal(actor, action="carer.record", profile_id=None)
            raise

    @staticmethod
    def _record(principal: Principal, code: str, new: carers.NewCarer, attempt: Attempt) -> Any:
        with unit_of_work() as session:
            scope = open_facility(session, principal, code, roles=DESK)

            def create() -> Created[Carer]:
                carer = carers.record_carer(session, scope.actor, new)
                return Created(entity=carer, reference=str(carer.id), location=None)

            return once(
                session,
                attempt,
                create=create,
                again=lambda carer_id: carers.get_carer(session, scope.actor, UUID(carer_id)),
            )


@blp.route("/<uuid:carer_id>/suspension", methods=["POST"])
@blp.arguments(SuspensionSchema)
@blp.response(200, CarerSchema)
def suspend(body: dict[str, str], code: str, carer_id: UUID) -> Carer:
    """Close the child's record to this carer at once"""
    with unit_of_work() as session:
        scope = open_facility(session, current_principal(), code, roles=DESK)
        return carers.suspend_carer(session, scope.actor, carer_id, body["reason"])
