"""One visit that a facility sent: its history, its withdrawal, its way to the right person."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api.consent import FacilityRole, FacilityScope, open_facility
from phr_api.identity import current_principal
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.problems import NotFound
from phr_api.kit.web import Blueprint, current_attempt
from phr_api.records.models import VisitOrder
from phr_api.records.queries import visits as queries
from phr_api.records.schemas import (
    OrderSchema,
    ReattachmentSchema,
    VisitSchema,
    WithdrawalSchema,
)
from phr_api.records.service import orders, tracing
from phr_api.records.service.commands import Reattachment

blp = Blueprint(
    "visits",
    __name__,
    url_prefix="/v1/facilities/<string:code>/visits",
    description="Visits that a facility sent, by MA_LK",
)

READERS: frozenset[FacilityRole] = frozenset({"system", "desk", "doctor"})
STAFF: frozenset[FacilityRole] = frozenset({"desk", "doctor"})
LONGEST_MA_LK = 100


@blp.route("/<path:visit>/withdrawal")
class Withdrawal(MethodView):
    @blp.idempotent
    @blp.arguments(WithdrawalSchema)
    @blp.response(202, OrderSchema)
    def post(self, body: dict[str, str], code: str, visit: str) -> Any:
        """Withdraw a visit: marked as withdrawn in the person's book, never deleted"""

        def order(session: Session, scope: FacilityScope) -> VisitOrder:
            return orders.order_withdrawal(session, scope, visit, body["reason"])

        return place_order(code, visit, order, roles=READERS)


@blp.route("/<path:visit>/reattachment")
class ReattachmentOrder(MethodView):
    @blp.idempotent
    @blp.arguments(ReattachmentSchema)
    @blp.response(202, OrderSchema)
    def post(self, command: Reattachment, code: str, visit: str) -> Any:
        """Move a visit that went to the wrong person to the one it belongs to"""

        def order(session: Session, scope: FacilityScope) -> VisitOrder:
            return orders.order_reattachment(session, scope, visit, command)

        return place_order(code, visit, order, roles=STAFF)


@blp.route("/<path:visit>")
class Visit(MethodView):
    @blp.response(200, VisitSchema)
    def get(self, code: str, visit: str) -> dict[str, Any]:
        """Read the history of a visit: versions, newest first, and what was ordered"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            versions = queries.get_versions(session, scope.facility_code, visit)
            found = queries.find_orders(session, scope.facility_code, visit)
            shown = [row.id for row in versions]
            tracing.trace_staff(session, scope, "visit.history", shown, is_list=False)
        return {
            "visit": visit,
            "state": versions[0].state,
            "versions": versions,
            "orders": found,
        }


def place_order(
    code: str,
    visit: str,
    order: Callable[[Session, FacilityScope], VisitOrder],
    *,
    roles: frozenset[FacilityRole],
) -> Any:
    """Place an order once per Idempotency-Key; the worker carries it out."""
    if len(visit) > LONGEST_MA_LK:
        raise NotFound
    principal = current_principal()
    with unit_of_work() as session:
        scope = open_facility(session, principal, code, roles=roles)

        def create() -> Created[VisitOrder]:
            made = order(session, scope)
            return Created(
                entity=made,
                reference=str(made.id),
                location=f"/v1/facilities/{code}/visits/{quote(visit)}",
                status=202,
            )

        return once(
            session,
            current_attempt(principal.principal_id),
            create=create,
            again=lambda order_id: queries.get_order(session, code, UUID(order_id)),
        )
