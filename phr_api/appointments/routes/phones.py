"""What somebody who proved a phone number, and nothing else, sees and does: their bookings (R2)."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import RAISE
from sqlalchemy.orm import Session

from phr_api.appointments.queries.bookings import find_lines, get_booking
from phr_api.appointments.routes.answers import (
    answer,
    answered_once,
    changed,
    page_of,
    shown,
    telling,
)
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.routes.bookings import END, LAST, place
from phr_api.appointments.rules.states import By
from phr_api.appointments.schemas.bookings import (
    BookingSchema,
    BookingsPageSchema,
    CancelBookingSchema,
    ComingSchema,
    PhoneQuerySchema,
    ProposalAnswerSchema,
    RescheduleSchema,
)
from phr_api.appointments.service import mine, moving
from phr_api.consent import PhoneScope, open_phone
from phr_api.identity import current_principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work

ALL = "/me/phone-bookings"
ONE = f"{ALL}/<uuid:booking_id>"


@contextmanager
def by_phone() -> Generator[tuple[Session, PhoneScope]]:
    """Give a transaction in which this phone's bookings can be seen and changed."""
    with telling(), unit_of_work() as session:
        yield session, open_phone(session, current_principal())


@bookings_blp.route(ALL)
@bookings_blp.arguments(PhoneQuerySchema, location="query", unknown=RAISE)
@bookings_blp.response(200, BookingsPageSchema)
def list_phones(asked: dict[str, Any]) -> Response:
    """List the bookings made by phone since the number was last verified, the last one first"""
    limit = asked["limit"]
    with by_phone() as (session, scope):
        kind = f"phone-bookings/{scope.account_id}"
        values = {"whose": scope.account_id, "at": clock.now(), "limit": limit + 1}
        start = place(kind, asked["after"], (END, LAST))
        lines = find_lines(session, "phones", values | start)
    keys = [(line.starts_at.isoformat(), line.id) for line in lines]
    return answer(page_of(kind, [line.wire for line in lines], limit, keys))


@bookings_blp.route(ONE)
@bookings_blp.etag
@bookings_blp.response(200, BookingSchema)
def read_phones(booking_id: UUID) -> Response:
    """Read one booking that was made by phone"""
    with by_phone() as (session, scope):
        return shown(session, scope, get_booking(session, booking_id))


@bookings_blp.route(f"{ONE}/cancellation", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(CancelBookingSchema)
@bookings_blp.response(200, BookingSchema)
def cancel_by_phone(body: dict[str, Any], booking_id: UUID) -> Response:
    """Cancel a booking that was made by phone; needs If-Match"""
    act = partial(mine.cancel, reason=body["reason"])
    with by_phone() as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/reschedule", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(RescheduleSchema)
@bookings_blp.response(200, BookingSchema)
def reschedule_by_phone(body: dict[str, Any], booking_id: UUID) -> Response:
    """Move a booking that was made by phone; needs If-Match"""
    act = partial(moving.reschedule, slot_id=body["slot_id"])
    with by_phone() as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/proposal-answer", methods=["POST"])
@bookings_blp.etag
@bookings_blp.conditional
@bookings_blp.arguments(ProposalAnswerSchema)
@bookings_blp.response(200, BookingSchema)
def answer_by_phone(body: dict[str, Any], booking_id: UUID) -> Response:
    """Take the time that the clinic proposes, or keep the old one; needs If-Match"""
    act = partial(moving.answer_proposal, accept=body["accept"])
    with by_phone() as (session, scope):
        return changed(session, scope, get_booking(session, booking_id), act, _by(scope))


@bookings_blp.route(f"{ONE}/still-coming", methods=["POST"])
@bookings_blp.etag
@bookings_blp.idempotent
@bookings_blp.arguments(ComingSchema)
@bookings_blp.response(200, BookingSchema)
def still_coming_by_phone(body: dict[str, Any], booking_id: UUID) -> Response:
    """Answer the question of the day before"""
    act = partial(mine.say_still_coming, coming=body["coming"])
    with by_phone() as (session, scope):
        return answered_once(session, scope, booking_id, act, _by(scope))


def _by(scope: PhoneScope) -> By:
    return By(kind="citizen", id=scope.account_id)
