"""A booking as a calendar file, and how far its number is on the day."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.models import Booking, Ticket
from phr_api.appointments.queries import line
from phr_api.appointments.queries.bookings import find_last_change, get_booking
from phr_api.appointments.routes.answers import opened
from phr_api.appointments.routes.blueprint import bookings_blp, queue_blp
from phr_api.appointments.routes.phones import ONE as PHONES
from phr_api.appointments.routes.phones import by_phone
from phr_api.appointments.rules.calendar import Entry, write_calendar
from phr_api.appointments.rules.line import estimate, label_of
from phr_api.appointments.schemas.queue import PositionSchema
from phr_api.appointments.service.changing import OPEN
from phr_api.kit import clock
from phr_api.kit.web import language

ONE = "/profiles/<uuid:profile_id>/bookings/<uuid:booking_id>"
CALENDAR = "text/calendar"
FILE = {
    200: {
        "description": "An iCalendar file (RFC 5545)",
        "content": {CALENDAR: {"schema": {"type": "string"}}},
    }
}


@bookings_blp.route(f"{ONE}/calendar.ics")
@bookings_blp.doc(responses=FILE)
def download_calendar(profile_id: UUID, booking_id: UUID) -> Response:
    """Download a booking for the phone's calendar; the same file again replaces the entry

    It names no clinic and no service, unless that is turned on for this booking.
    """
    with opened(profile_id, "booking.calendar") as (session, _):
        return _file(_entry(session, get_booking(session, booking_id)))


@bookings_blp.route(f"{PHONES}/calendar.ics")
@bookings_blp.doc(responses=FILE)
def download_calendar_by_phone(booking_id: UUID) -> Response:
    """Download a booking that was made by phone for the phone's calendar"""
    with by_phone() as (session, _):
        return _file(_entry(session, get_booking(session, booking_id)))


def _file(entry: Entry) -> Response:
    spoken = language()
    body = write_calendar(entry, spoken)
    response = Response(body, content_type=f"{CALENDAR}; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    response.headers["Content-Language"] = spoken
    return response


def _entry(session: Session, booking: Booking) -> Entry:
    title = place = None
    if booking.shows_names:
        service = clinics.find_service(session, booking.service_id)
        facility = clinics.find_facility(session, booking.facility_code)
        title = service.name if service else None
        place = ", ".join(filter(None, (facility.name, facility.address))) if facility else None
    return Entry(
        booking_id=booking.id,
        sequence=booking.sequence,
        state=booking.state,
        changed_at=find_last_change(session, booking.id) or booking.created_at,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        title=title,
        place=place,
    )


@queue_blp.route(f"{ONE}/queue")
@queue_blp.response(200, PositionSchema)
def read_position(profile_id: UUID, booking_id: UUID) -> dict[str, Any]:
    """Read how far one's number is: how many are before it, and about when it is called"""
    with opened(profile_id, "booking.queue") as (session, _):
        return _position_of(session, booking_id)


@queue_blp.route(f"{PHONES}/queue")
@queue_blp.response(200, PositionSchema)
def read_position_by_phone(booking_id: UUID) -> dict[str, Any]:
    """Read how far the number of a booking is that was made by phone"""
    with by_phone() as (session, _):
        return _position_of(session, booking_id)


def _position_of(session: Session, booking_id: UUID) -> dict[str, Any]:
    booking = get_booking(session, booking_id)
    ticket = line.find_last_ticket(session, booking.id)
    if ticket is None or ticket.on_date != clock.today():
        return _without_number("expected" if booking.state in OPEN else "left")
    return _position(session, ticket)


def _without_number(state: str) -> dict[str, Any]:
    unknown = dict.fromkeys(("label", "room", "ahead", "estimated_at"))
    return unknown | {"state": state, "calling": []}


def _position(session: Session, ticket: Ticket) -> dict[str, Any]:
    queue = clinics.find_queue(session, ticket.queue_id)
    prefix, usual = (queue.prefix, queue.minutes_each) if queue else ("", 0)
    place = line.find_place(session, ticket)
    waits = ticket.state == "waiting"
    when = estimate(clock.now(), place.ahead, place.pace, usual) if waits else None
    return {
        "label": label_of(prefix, ticket.number),
        "state": ticket.state,
        "room": ticket.room,
        "ahead": place.ahead if waits else None,
        "estimated_at": when,
        "calling": [label_of(prefix, number) for number in place.calling],
    }
