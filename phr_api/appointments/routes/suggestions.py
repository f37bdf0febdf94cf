"""What to book next, from the health book."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.queries import suggestions
from phr_api.appointments.queries.slots import SlotRow
from phr_api.appointments.routes.answers import opened
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.rules.fitting import NEAR, Choice, choices_of, days_of, is_booked
from phr_api.appointments.schemas.queue import SuggestionsSchema
from phr_api.consent import RecordScope
from phr_api.healthbook import FollowUp, find_follow_ups
from phr_api.kit import clock

PAST, AHEAD = timedelta(days=30), timedelta(days=60)


@bookings_blp.route("/profiles/<uuid:profile_id>/booking-suggestions")
@bookings_blp.response(200, SuggestionsSchema)
def list_suggestions(profile_id: UUID) -> dict[str, Any]:
    """Suggest bookings: follow-ups that were ordered, and medicines that end, not yet booked

    From 30 days ago to 60 days ahead. Each comes with the clinic's nearest free time of a follow-up
    or consultation that fits doctor or department - after the day, or before medicines end (or else
    soon after) - and with what a hold of it is asked with; without a time when there is none such.
    """
    today = clock.today()
    with opened(profile_id, "booking.suggestions") as (session, scope):
        asked = find_follow_ups(session, scope, since=today - PAST, until=today + AHEAD)
        booked = suggestions.find_booked(session, scope, since=clock.now() - PAST - NEAR)
        names = clinics.find_facility_names(session, {one.facility_code for one in asked})
        found = [(one, _choices(session, scope, one)) for one in asked]
        return {
            "items": [
                _suggestion(session, scope, one, choices, names)
                for one, choices in found
                if not is_booked(one, choices, booked, today)
            ]
        }


def _suggestion(
    session: Session,
    scope: RecordScope,
    one: FollowUp,
    choices: list[Choice],
    names: dict[str, str],
) -> dict[str, Any]:
    slot = _nearest(session, scope, one, choices)
    return {
        "why": one.kind,
        "on": one.on,
        "facility": {
            "code": one.facility_code,
            "name": names.get(one.facility_code, one.facility_code),
        },
        "service": clinics.find_service(session, slot.service_id) if slot else None,
        "slot": slot,
        "hold": {"service_id": slot.service_id, "slot_id": slot.id, "people": [scope.profile_id]}
        if slot
        else None,
        "paper_id": one.paper_id,
        "encounter_id": one.encounter_id,
    }


def _choices(session: Session, scope: RecordScope, one: FollowUp) -> list[Choice]:
    """The clinic's services that answer what the book asks for and this view may know of (R18)."""
    services = [
        row
        for row in clinics.list_services(session, one.facility_code)
        if scope.classes.issuperset(row.classes)
    ]
    doctors = clinics.find_practitioners_of(session, one.facility_code, licences=one.doctors)
    return choices_of(one, services, doctors)


def _nearest(
    session: Session, scope: RecordScope, one: FollowUp, choices: list[Choice]
) -> SlotRow | None:
    for days in days_of(one, clock.today()):
        for choice in choices:
            slot = suggestions.find_nearest(session, scope, choice, days, at=clock.now())
            if slot is not None:
                return slot
    return None
