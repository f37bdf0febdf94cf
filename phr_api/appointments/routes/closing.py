"""Closing a day, and undoing it."""

from collections import Counter
from typing import Any
from uuid import UUID

from phr_api.appointments.models import DayClosing
from phr_api.appointments.queries.closing import get_closing
from phr_api.appointments.routes.blueprint import queue_blp
from phr_api.appointments.routes.queue import FACILITY
from phr_api.appointments.routes.tickets import DESK, at_facility
from phr_api.appointments.schemas.queue import ClosingSchema, NewClosingSchema
from phr_api.appointments.service import closing as service
from phr_api.identity import current_principal
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt


@queue_blp.route(f"{FACILITY}/day-closings", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(NewClosingSchema)
@queue_blp.response(201, ClosingSchema)
def close_day(command: dict[str, Any], code: str) -> Any:
    """End a day: bookings nobody came for are no-shows, numbers that still wait are left"""
    with at_facility(code, DESK) as (session, scope):

        def create() -> Created[DayClosing]:
            made = service.close_day(session, scope, command["on"])
            return Created(entity=made, reference=str(made.id), location=None)

        made, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=create,
            again=lambda id_: get_closing(session, scope, UUID(id_)),
        )
        return _shown(made), status, headers


@queue_blp.route(f"{FACILITY}/day-closings/<uuid:closing_id>/undo", methods=["POST"])
@queue_blp.idempotent
@queue_blp.response(200, ClosingSchema)
def undo_closing(code: str, closing_id: UUID) -> Any:
    """Open a day again; what was changed since its end stays as it is, and is counted"""
    with at_facility(code, DESK) as (session, scope):

        def create() -> Created[DayClosing]:
            undone = service.undo_closing(session, scope, closing_id)
            return Created(entity=undone, reference=str(undone.id), location=None, status=200)

        undone, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=create,
            again=lambda id_: get_closing(session, scope, UUID(id_)),
        )
        return _shown(undone), status, headers


def _shown(closing: DayClosing) -> dict[str, Any]:
    changes = closing.changes
    bookings = Counter(change["after"] for change in changes["bookings"])
    tickets = Counter(change["after"] for change in changes["tickets"])
    return {
        "id": closing.id,
        "on": closing.on_date,
        "by": closing.by_name,
        "closed_at": closing.closed_at,
        "no_show": bookings["no-show"],
        "left": tickets["left"],
        "done": tickets["done"],
        "undone_at": closing.undone_at,
        "undone_by": closing.undone_by_name,
        "restored": changes.get("restored", 0),
        "kept": changes.get("kept", 0),
    }
