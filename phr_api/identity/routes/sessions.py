"""One's own sessions and devices."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.identity import queries
from phr_api.identity.current import current_principal
from phr_api.identity.schemas import DevicesSchema, SessionsSchema
from phr_api.identity.service import sessions
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.web import Blueprint

blueprint = Blueprint(
    "sessions",
    __name__,
    url_prefix="/v1",
    description="Where one is signed in; ending that",
)


@blueprint.route("/sessions")
class Sessions(MethodView):
    @blueprint.response(200, SessionsSchema)
    def get(self) -> dict[str, Any]:
        """List where I am signed in"""
        principal = current_principal()
        with unit_of_work() as session:
            sessions.require_live(session, principal)
            rows = queries.find_sessions(session, principal.principal_id, clock.now())
        return {
            "items": [asdict(row) | {"is_current": row.id == principal.session_id} for row in rows]
        }


@blueprint.route("/sessions/<uuid:session_id>")
class SessionById(MethodView):
    @blueprint.response(204)
    def delete(self, session_id: UUID) -> None:
        """Sign out there: its tokens open nothing from the next request on"""
        with unit_of_work() as session:
            sessions.require_live(session, current_principal())
            sessions.end_session(session, session_id)


@blueprint.route("/devices")
class Devices(MethodView):
    @blueprint.response(200, DevicesSchema)
    def get(self) -> dict[str, Any]:
        """List my devices"""
        principal = current_principal()
        with unit_of_work() as session:
            sessions.require_live(session, principal)
            return {"items": queries.find_devices(session, principal.principal_id)}


@blueprint.route("/devices/<uuid:device_id>")
class DeviceById(MethodView):
    @blueprint.response(204)
    def delete(self, device_id: UUID) -> None:
        """Sign out everywhere on this device"""
        with unit_of_work() as session:
            sessions.require_live(session, current_principal())
            sessions.end_device(session, device_id)
