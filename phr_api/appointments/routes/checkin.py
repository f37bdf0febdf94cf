"""Check-in by code, card or list."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from sqlalchemy.orm import Session

from phr_api import audit, clinics
from phr_api.appointments.models import Ticket
from phr_api.appointments.queries.checkin import Expected
from phr_api.appointments.routes.blueprint import queue_blp
from phr_api.appointments.routes.queue import FACILITY, answered_once, made
from phr_api.appointments.routes.tickets import DESK, at_facility
from phr_api.appointments.schemas.queue import CandidatesSchema, CheckInSchema, TicketSchema
from phr_api.appointments.service import checkin
from phr_api.consent import FacilityScope
from phr_api.identity import current_principal
from phr_api.kit import limits
from phr_api.kit.idempotency import Created
from phr_api.kit.limits import Limit

SCANS = Limit(name="scans of a clerk", count=60, per=timedelta(minutes=1))


@queue_blp.route(f"{FACILITY}/check-ins", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(CheckInSchema)
@queue_blp.doc(
    responses={
        200: {
            "description": "The number given before, or whom the card may be of",
            "content": {
                "application/json": {"schema": {"anyOf": [TicketSchema, CandidatesSchema]}}
            },
        }
    }
)
@queue_blp.response(201, TicketSchema)
def check_in(command: dict[str, Any], code: str) -> Any:
    """Let a booked person in by the booking's code, the citizen card, or the desk's list

    200 with the number when it was given before. A card that fits several of today's bookings is
    answered with 200 and `candidates`: choose one by its bookingId. A card opens no record.
    """
    principal = current_principal()
    if command["scan"] is not None:
        limits.take((SCANS, principal.account_id))
    with at_facility(code, DESK) as (session, scope):
        source, booking_id = "desk", command["booking_id"]
        if command["scan"] is not None:
            source, found = checkin.find_scanned(session, scope, principal, command["scan"])
            if len(found) > 1:
                return _candidates(session, scope, found)
            booking_id = found[0].id

        def create() -> Created[Ticket]:
            return _arrive(session, scope, booking_id, source, command)

        return answered_once(session, scope, create)


def _arrive(
    session: Session, scope: FacilityScope, booking_id: UUID, source: str, command: dict[str, Any]
) -> Created[Ticket]:
    ticket, is_new = checkin.arrive(
        session,
        scope,
        booking_id,
        source=source,
        priority=command["priority"],
        queue_id=command["queue_id"],
    )
    return made(ticket, 201 if is_new else 200)


def _candidates(session: Session, scope: FacilityScope, found: list[Expected]) -> Response:
    """Who a card may be; the desk has seen these people, so it is traced as a list is (R7)."""
    services = clinics.find_services(session, {row.service_id for row in found})
    subjects = {row.profile_id for row in found if row.profile_id}
    audit.record_list(session, scope.actor, action="booking.candidates", subjects=subjects)
    candidates = [
        {
            "booking_id": row.id,
            "starts_at": row.starts_at,
            "service_name": services[row.service_id].name,
            "person_name": row.person_name,
        }
        for row in found
    ]
    return jsonify(CandidatesSchema().dump({"candidates": candidates}))
