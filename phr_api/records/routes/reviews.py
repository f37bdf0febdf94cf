"""Visits whose number is known and whose name or birth is another: the facility decides."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api.consent import FacilityScope, open_facility
from phr_api.identity import current_principal
from phr_api.kit import cursor
from phr_api.kit.db import unit_of_work
from phr_api.kit.web import Blueprint
from phr_api.records.models import VisitOrder
from phr_api.records.queries import visits as queries
from phr_api.records.routes.visits import STAFF, place_order
from phr_api.records.schemas import DecisionSchema, OrderSchema, PageSchema, ReviewsSchema
from phr_api.records.service import orders, tracing
from phr_api.records.service.commands import Decision

blp = Blueprint(
    "reviews",
    __name__,
    url_prefix="/v1/facilities/<string:code>/reviews",
    description="Visits that wait until a person of the facility says whose they are",
)


@blp.route("")
class Reviews(MethodView):
    @blp.arguments(PageSchema, location="query")
    @blp.response(200, ReviewsSchema)
    def get(self, page: dict[str, Any], code: str) -> dict[str, Any]:
        """List visits that wait for a decision, the oldest first

        Names which received facts disagree, never what is known of the number's holder.
        """
        kind = f"reviews/{code}"
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=STAFF)
            found = queries.find_reviews(
                session,
                scope.facility_code,
                limit=page["limit"] + 1,
                after=_place(kind, page["after"]),
            )
            items = found[: page["limit"]]
            tracing.trace_staff(session, scope, "reviews.list", [item.id for item in items])
        more = len(found) > len(items)
        last = cursor.encode(kind, items[-1].received_at, items[-1].id) if more else None
        return {"items": items, "next": last}


@blp.route("/<uuid:review_id>/decision")
class ReviewDecision(MethodView):
    @blp.idempotent
    @blp.arguments(DecisionSchema)
    @blp.response(202, OrderSchema)
    def post(self, command: Decision, code: str, review_id: UUID) -> Any:
        """Say whether a waiting visit belongs to the holder of its number"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=STAFF)
            visit = queries.get_review(session, scope.facility_code, review_id).ma_lk

        def order(session: Session, scope: FacilityScope) -> VisitOrder:
            return orders.order_decision(session, scope, review_id, command)

        return place_order(code, visit, order, roles=STAFF)


def _place(kind: str, after: str | None) -> tuple[datetime, UUID] | None:
    if after is None:
        return None
    at, row_id = cursor.decode(kind, after)
    return datetime.fromisoformat(at), UUID(row_id)
