"""A person in the line of a service."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api.appointments.models import WaitlistEntry
from phr_api.appointments.queries.waiting import find_entries, get_entry, place_of
from phr_api.appointments.routes.answers import opened
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.schemas.waiting import NewWaitingSchema, WaitingSchema, WaitingsSchema
from phr_api.appointments.service import waiting
from phr_api.identity import current_principal
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt

LINE = "/profiles/<uuid:profile_id>/waitlist"


@bookings_blp.route(LINE)
class Waitlist(MethodView):
    @bookings_blp.response(200, WaitingsSchema)
    def get(self, profile_id: UUID) -> dict[str, Any]:
        """List the lines that the person stands in, with the place in each"""
        with opened(profile_id, "waitlist.list") as (session, scope):
            return {"items": [_shown(session, row) for row in find_entries(session, scope)]}

    @bookings_blp.idempotent
    @bookings_blp.arguments(NewWaitingSchema)
    @bookings_blp.response(201, WaitingSchema)
    def post(self, new: waiting.NewEntry, profile_id: UUID) -> Any:
        """Wait for a free time of a service: it is offered when one is freed"""
        attempt = current_attempt(current_principal().principal_id)
        with opened(profile_id, "waitlist.join", power="book") as (session, scope):

            def create() -> Created[WaitlistEntry]:
                entry = waiting.join(session, scope, new)
                waiting.check_full(session, new)
                return Created(entity=entry, reference=str(entry.id), location=None)

            entry, status, headers = once(
                session,
                attempt,
                create=create,
                again=lambda entry_id: get_entry(session, UUID(entry_id)),
            )
            return _shown(session, entry), status, headers


@bookings_blp.route(f"{LINE}/<uuid:waiting_id>", methods=["DELETE"])
@bookings_blp.response(204)
def leave(profile_id: UUID, waiting_id: UUID) -> None:
    """Leave the line; an open offer is declined"""
    with opened(profile_id, "waitlist.leave", power="book") as (session, scope):
        waiting.leave(session, scope, waiting_id)


def _shown(session: Session, entry: WaitlistEntry) -> dict[str, Any]:
    shown = ("facility_code", "service_id", "from_on", "until_on", "part_of_day")
    more = {name: getattr(entry, name) for name in ("hold_id", "offer_until")}
    return {
        "id": entry.id,
        "state": entry.state,
        "place": place_of(session, entry),
        **{name: getattr(entry, name) for name in shown},
        **(more if entry.state == "offered" else dict.fromkeys(more)),
    }
