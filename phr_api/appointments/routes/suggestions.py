"""What to book next, from the health book."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.queries import suggestions
from phr_api.appointments.queries.slots import SlotRow
from phr_api.appointments.routes.answers import opened
from phr_api.appointments.routes.blueprint import bookings_blp
from phr_api.appointments.schemas.queue import SuggestionsSchema
from phr_api.clinics import ServiceRow
from phr_api.consent import RecordScope
from phr_api.healthbook import FollowUp, find_follow_ups
from phr_api.kit import clock

PAST, AHEAD = timedelta(days=30), timedelta(days=60)
# a booking so long before the day is of this day; a free time so long after it still answers it
BEFORE, LATER = timedelta(days=14), timedelta(days=14)
MOST_HIDDEN = 20


@bookings_blp.route("/profiles/<uuid:profile_id>/booking-suggestions")
@bookings_blp.response(200, SuggestionsSchema)
def list_suggestions(profile_id: UUID) -> dict[str, Any]:
    """Suggest bookings: follow-ups that were ordered, and medicines that end, not yet booked

    From 30 days ago to 60 days ahead, each with the clinic's first free time on or after the day.
    """
    today = clock.today()
    with opened(profile_id, "booking.suggestions") as (session, scope):
        asked = find_follow_ups(session, scope, since=today - PAST, until=today + AHEAD)
        booked = suggestions.find_booked(session, scope, since=clock.now() - PAST - BEFORE)
        names = clinics.find_facility_names(session, {one.facility_code for one in asked})
        open_ones = [one for one in asked if not _is_booked(one, booked)]
        return {"items": [_suggestion(session, scope, one, names) for one in open_ones]}


def _is_booked(one: FollowUp, booked: list[tuple[str, datetime]]) -> bool:
    return any(
        facility_code == one.facility_code
        and starts_at.astimezone(clock.VIETNAM).date() >= one.on - BEFORE
        for facility_code, starts_at in booked
    )


def _suggestion(
    session: Session, scope: RecordScope, one: FollowUp, names: dict[str, str]
) -> dict[str, Any]:
    slot, service = _first_free(session, scope, one.facility_code, max(one.on, clock.today()))
    return {
        "why": one.kind,
        "on": one.on,
        "facility": {
            "code": one.facility_code,
            "name": names.get(one.facility_code, one.facility_code),
        },
        "service": service,
        "slot": slot,
        "paper_id": one.paper_id,
        "encounter_id": one.encounter_id,
    }


def _first_free(
    session: Session, scope: RecordScope, facility_code: str, on: date
) -> tuple[SlotRow | None, ServiceRow | None]:
    """The clinic's first free time, of a service that this view may know of (R18)."""
    start = datetime.combine(on, time(), clock.VIETNAM)
    hidden: set[UUID] = set()
    while len(hidden) < MOST_HIDDEN:
        slot = suggestions.find_first_free(
            session, facility_code, after=start, until=start + LATER, at=clock.now(), hidden=hidden
        )
        service = clinics.find_service(session, slot.service_id) if slot else None
        if slot is None or service is None:
            return None, None
        if scope.classes.issuperset(service.classes):
            return slot, service
        hidden.add(service.id)
    return None, None
