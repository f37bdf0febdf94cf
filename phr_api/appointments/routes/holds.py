"""Holds, and booking what is held."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from phr_api.appointments.routes.answers import answer, raw, telling
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.schemas.bookings import BookedSchema
from phr_api.appointments.schemas.holds import BookSchema, HoldSchema, HoldsSchema, NewHoldSchema
from phr_api.appointments.service import holds, lapsing
from phr_api.identity import current_principal
from phr_api.kit.db import unit_of_work
from phr_api.kit.web import current_attempt


@bookings_blp.route("/holds")
class Holds(MethodView):
    @bookings_blp.response(200, HoldsSchema)
    def get(self) -> Response:
        """List the caller's open holds and offers, those that end first, first"""
        with unit_of_work() as session:
            return answer({"items": holds.find_holds(session, current_principal())})

    @bookings_blp.idempotent
    @bookings_blp.arguments(NewHoldSchema)
    @bookings_blp.response(201, HoldSchema)
    def post(self, new: holds.NewHold) -> Response:
        """Hold a seat for ten minutes, for each of up to five people

        A further hold for the same person and service replaces the first.
        """
        principal = current_principal()
        return raw(holds.hold(principal, new, current_attempt(principal.principal_id)), 201)


@bookings_blp.route("/holds/<uuid:hold_id>", methods=["DELETE"])
@bookings_blp.response(204)
def release(hold_id: UUID) -> None:
    """Give the seats back, or decline the waitlist's offer"""
    with unit_of_work() as session:
        lapsing.release(session, current_principal(), hold_id)


@bookings_blp.route("/holds/<uuid:hold_id>/booking", methods=["POST"])
@bookings_blp.idempotent
@bookings_blp.arguments(BookSchema)
@bookings_blp.response(201, BookedSchema)
def book(body: dict[str, Any], hold_id: UUID) -> Response:
    """Book all that is held, or nothing"""
    principal = current_principal()
    attempt = current_attempt(principal.principal_id)
    with telling():
        return raw(holds.book(principal, hold_id, body["bookings"], attempt), 201)
