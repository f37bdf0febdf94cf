"""A person's bookings, for themself and for carers: seeing, cancelling, moving, answering."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import RAISE

from phr_api.appointments.queries.bookings import find_lines, get_booking
from phr_api.appointments.routes.answers import (
    answer,
    answered_once,
    changed,
    opened,
    page_of,
    shown,
)
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.rules.states import By
from phr_api.appointments.schemas.bookings import (
    BookingSchema,
    BookingsPageSchema,
    CancelBookingSchema,
    ChangeBookingSchema,
    ComingSchema,
    MineQuerySchema,
    ProposalAnswerSchema,
    RescheduleSchema,
)
from phr_api.appointments.service import mine, moving
from phr_api.consent import RecordScope
from phr_api.kit import clock, cursor

MINE = "/profiles/<uuid:profile_id>/bookings"
ONE = f"{MINE}/<uuid:booking_id>"
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def place(kind: str, after: str | None, start: tuple[datetime, UUID]) -> dict[str, Any]:
    """Where a page begins by its cursor; InvalidCursor if it is none of this list."""
    at, row_id = start
    if after is not None:
        told, told_id = cursor.decode(kind, after)
        at, row_id = datetime.fromisoformat(told), UUID(told_id)
    return {"after_at": at, "after_id": row_id}


@bookings_blp.route(MINE)
@bookings_blp.arguments(MineQuerySchema, location="query", unknown=RAISE)
@bookings_blp.response(200, BookingsPageSchema)
def list_mine(asked: dict[str, Any], profile_id: UUID) -> Response:
    """List bookings: those to come, the next one first, or those past, the last one first"""
    name, limit = asked["when"], asked["limit"]
    kind = f"bookings/{profile_id}/{name}"
    start = (BEGINNING, FIRST) if name == "upcoming" else (END, LAST)
    values = {"whose": profile_id, "at": clock.now(), "limit": limit + 1}
    with opened(profile_id, "bookings.list") as (session, _):
        lines = find_lines(session, name, values | place(kind, asked["after"], start))
    keys = [(line.starts_at.isoformat(), line.id) for line in lines]
    return answer(page_of(kind, [line.wire for line in lines], limit, keys))


@bookings_blp.route(ONE)
class BookingById(MethodView):
    @bookings_blp.etag
    @bookings_blp.response(200, BookingSchema)
    def get(self, profile_id: UUID, booking_id: UUID) -> Response:
        """Read one booking, with its history"""
        with opened(profile_id, "booking.read") as (session, scope):
            return shown(session, scope, get_booking(session, booking_id))

    @bookings_blp.etag
    @bookings_blp.arguments(ChangeBookingSchema)
    @bookings_blp.response(200, BookingSchema)
    def patch(self, body: dict[str, Any], profile_id: UUID, booking_id: UUID) -> Response:
        """Change reason or answers, or whether calendars may name facility and service (R26)"""
        with opened(profile_id, "booking.change", power="book") as (session, scope):
            booking = get_booking(session, booking_id)
            bookings_blp.check_version(booking)
            changed = mine.change(session, booking, body, actor=_by(scope))
            return shown(session, scope, changed)


@bookings_blp.route(f"{ONE}/cancellation", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(CancelBookingSchema)
@bookings_blp.response(200, BookingSchema)
def cancel(body: dict[str, Any], profile_id: UUID, booking_id: UUID) -> Response:
    """Cancel, before the booking begins; needs If-Match"""
    act = partial(mine.cancel, reason=body["reason"])
    with opened(profile_id, "booking.cancel", power="book") as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/reschedule", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(RescheduleSchema)
@bookings_blp.response(200, BookingSchema)
def reschedule(body: dict[str, Any], profile_id: UUID, booking_id: UUID) -> Response:
    """Move to another time of the service, or keep the seat when that is full; needs If-Match"""
    act = partial(moving.reschedule, slot_id=body["slot_id"])
    with opened(profile_id, "booking.reschedule", power="book") as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/proposal-answer", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(ProposalAnswerSchema)
@bookings_blp.response(200, BookingSchema)
def answer_proposal(body: dict[str, Any], profile_id: UUID, booking_id: UUID) -> Response:
    """Take the time that the clinic proposes, or keep the old one; needs If-Match"""
    act = partial(moving.answer_proposal, accept=body["accept"])
    with opened(profile_id, "booking.answer", power="book") as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/still-coming", methods=["POST"])
@bookings_blp.etag
@bookings_blp.idempotent
@bookings_blp.arguments(ComingSchema)
@bookings_blp.response(200, BookingSchema)
def say_still_coming(body: dict[str, Any], profile_id: UUID, booking_id: UUID) -> Response:
    """Answer the question of the day before: yes keeps the seat, no gives it to who waits"""
    act = partial(mine.say_still_coming, coming=body["coming"])
    with opened(profile_id, "booking.still-coming", power="book") as (session, scope):
        return answered_once(session, scope, booking_id, act, _by(scope))


def _by(scope: RecordScope) -> By:
    return By(kind="citizen", id=scope.actor.id)
