"""A facility's bookings, as its desk works on them."""

from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import RAISE

from phr_api import audit
from phr_api.appointments.models import Booking
from phr_api.appointments.queries.bookings import find_lines, get_booking
from phr_api.appointments.routes.answers import (
    READERS,
    answer,
    at_desk,
    by_staff,
    changed,
    page_of,
    shown,
)
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.routes.bookings import BEGINNING, FIRST, place
from phr_api.appointments.schemas.bookings import (
    BookingReasonSchema,
    ConfirmationsSchema,
    DeskBookingSchema,
    DeskPageSchema,
    DeskQuerySchema,
    GuestBookingSchema,
    OutcomesSchema,
    ProposeSchema,
)
from phr_api.appointments.service import desk, moving
from phr_api.identity import current_principal
from phr_api.kit import clock
from phr_api.kit.idempotency import Created, once
from phr_api.kit.problems import InvalidRequest
from phr_api.kit.web import current_attempt, version_tag

ALL = "/facilities/<string(length=5):code>/bookings"
ONE = f"{ALL}/<uuid:booking_id>"
LISTED = {None: "day", "requested": "waiting", "stranded": "stranded"}


@bookings_blp.route(ALL)
class DeskBookings(MethodView):
    @bookings_blp.arguments(DeskQuerySchema, location="query", unknown=RAISE)
    @bookings_blp.response(200, DeskPageSchema)
    def get(self, asked: dict[str, Any], code: str) -> Response:
        """List a day's bookings (today without `on`), requests, or who sits in a closed time

        Requests come with the longest waiting first; `stranded` are those of closed times to whom
        nothing else was offered yet, from today on.
        """
        name, limit = LISTED[asked["state"]], asked["limit"]
        kind = f"desk/{code}/{name}/{asked['on']}"
        values = {"whose": code, "at": clock.now(), "limit": limit + 1} | _days(asked)
        with at_desk(code, READERS) as (session, scope):
            start = place(kind, asked["after"], (BEGINNING, FIRST))
            lines = find_lines(session, name, values | start)
            subjects = {line.profile_id for line in lines[:limit] if line.profile_id}
            if subjects:  # the page asks every few seconds; an empty list shows nobody
                audit.record_list(session, scope.actor, action="bookings.list", subjects=subjects)
        moments = [line.state_at if name == "waiting" else line.starts_at for line in lines]
        keys = [(at.isoformat(), line.id) for at, line in zip(moments, lines, strict=True)]
        wires = [line.wire | {"etag": version_tag(line)} for line in lines]
        return answer(page_of(kind, wires, limit, keys))

    @bookings_blp.etag
    @bookings_blp.idempotent
    @bookings_blp.arguments(GuestBookingSchema)
    @bookings_blp.response(201, DeskBookingSchema)
    def post(self, new: desk.GuestBooking, code: str) -> Any:
        """Book a time for somebody who calls or comes without an account"""
        attempt = current_attempt(current_principal().principal_id)
        with at_desk(code) as (session, scope):
            actor = by_staff(session, scope)

            def create() -> Created[Booking]:
                made = desk.book_guest(session, scope, new, actor=actor)
                return Created(entity=made, reference=str(made.id), location=None)

            booking, status, _ = once(
                session,
                attempt,
                create=create,
                again=lambda booking_id: get_booking(session, UUID(booking_id)),
            )
            return shown(session, scope, booking, status)


def _days(asked: dict[str, Any]) -> dict[str, datetime]:
    """From which moment to which; a desk sees no day that is over (R7)."""
    since = desk.start_of_today()
    if asked["state"]:
        return {"since": since}
    on = asked["on"] or clock.today()
    if on < clock.today():
        raise InvalidRequest(errors={"query": {"on": ["Today or later."]}})
    start = datetime.combine(on, time(), clock.VIETNAM)
    return {"since": start, "until": start + timedelta(days=1)}


@bookings_blp.route(ONE)
@bookings_blp.etag
@bookings_blp.response(200, DeskBookingSchema)
def read_at_desk(code: str, booking_id: UUID) -> Response:
    """Read one booking of today or later, with answers and history"""
    with at_desk(code, READERS) as (session, scope):
        booking = desk.get_at_desk(session, booking_id)
        subjects = {booking.profile_id} if booking.profile_id else set()
        if subjects:  # a guest has no record to leave a trace in
            audit.record_list(session, scope.actor, action="bookings.list", subjects=subjects)
        return shown(session, scope, booking)


@bookings_blp.route(f"{ALL}/confirmations", methods=["POST"])
@bookings_blp.idempotent
@bookings_blp.arguments(ConfirmationsSchema)
@bookings_blp.response(200, OutcomesSchema)
def confirm_all(body: dict[str, Any], code: str) -> Any:
    """Confirm many requests at once, with an outcome of each

    Asked again with the same key, it tells the first outcomes, with state and version as they are.
    """
    items = [(item["id"], item["version"]) for item in body["items"]]
    with at_desk(code) as (session, scope):
        actor = by_staff(session, scope)

        def create() -> Created[list[dict[str, Any]]]:
            made = desk.confirm_all(session, items, actor=actor)
            outcomes = " ".join(row["outcome"] for row in made)
            return Created(entity=made, reference=outcomes, location=None, status=200)

        rows, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=create,
            again=lambda told: desk.tell_outcomes(session, items, told.split()),
        )
        return {"items": rows}, status, headers


@bookings_blp.route(f"{ONE}/confirmation", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.response(200, DeskBookingSchema)
def confirm(code: str, booking_id: UUID) -> Response:
    """Confirm a request; needs If-Match, and who comes second gets the current state"""
    with at_desk(code) as (session, scope):
        found = desk.get_at_desk(session, booking_id)
        return changed(session, scope, found, desk.confirm, by_staff(session, scope))


@bookings_blp.route(f"{ONE}/decline", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(BookingReasonSchema)
@bookings_blp.response(200, DeskBookingSchema)
def decline(body: dict[str, Any], code: str, booking_id: UUID) -> Response:
    """Decline a request with a reason; needs If-Match"""
    act = partial(desk.decline, reason=body["reason"])
    with at_desk(code) as (session, scope):
        found = desk.get_at_desk(session, booking_id)
        return changed(session, scope, found, act, by_staff(session, scope))


@bookings_blp.route(f"{ONE}/proposal", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(ProposeSchema)
@bookings_blp.response(200, DeskBookingSchema)
def propose(body: dict[str, Any], code: str, booking_id: UUID) -> Response:
    """Propose another time; both seats are kept until it is answered. Needs If-Match"""
    act = partial(moving.propose, slot_id=body["slot_id"], until=body["until"])
    with at_desk(code) as (session, scope):
        found = desk.get_at_desk(session, booking_id)
        return changed(session, scope, found, act, by_staff(session, scope))


@bookings_blp.route(f"{ONE}/cancellation", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(BookingReasonSchema)
@bookings_blp.response(200, DeskBookingSchema)
def cancel_at_desk(body: dict[str, Any], code: str, booking_id: UUID) -> Response:
    """Cancel from the clinic's side, with a reason; needs If-Match"""
    act = partial(desk.cancel, reason=body["reason"])
    with at_desk(code) as (session, scope):
        found = desk.get_at_desk(session, booking_id)
        return changed(session, scope, found, act, by_staff(session, scope))


@bookings_blp.route(f"{ONE}/no-show", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.response(200, DeskBookingSchema)
def mark_no_show(code: str, booking_id: UUID) -> Response:
    """Note that the person did not come; needs If-Match"""
    with at_desk(code) as (session, scope):
        found = desk.get_at_desk(session, booking_id)
        return changed(session, scope, found, desk.mark_no_show, by_staff(session, scope))
