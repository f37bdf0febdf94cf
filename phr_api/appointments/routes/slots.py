"""The times that can be booked: one service by day, and a province's clinics soonest first."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Response, after_this_request
from marshmallow import RAISE
from sqlalchemy.orm import Session

from phr_api import clinics
from phr_api.appointments.problems.slots import RangeTooLong
from phr_api.appointments.queries.offers import Offer, Wanted, find_offers, find_soonest
from phr_api.appointments.routes.blueprint import slots_blp
from phr_api.appointments.schemas.slots import (
    DaysQuerySchema,
    DaysSchema,
    SoonestPageSchema,
    SoonestQuerySchema,
)
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import NotFound
from phr_api.vocab import province_key

MOST_DAYS = 31
DAYS_UNASKED = 14


@slots_blp.route("/facilities/<string(length=5):code>/services/<uuid:service_id>/slots")
@slots_blp.public
@slots_blp.arguments(DaysQuerySchema, location="query", unknown=RAISE)
@slots_blp.response(200, DaysSchema)
def list_slots(asked: dict[str, Any], code: str, service_id: UUID) -> dict[str, Any]:
    """List a service's times by day, with what is left of each"""
    since, until = _moments(asked)
    with unit_of_work() as session:
        service = clinics.find_service(session, service_id)
        if service is None or service.facility_code != code or service.ended_at is not None:
            raise NotFound
        found = find_offers(session, service_id, since=since, until=until)
        shown = _shown(session, found)
    _do_not_keep()
    by_day = groupby(shown, key=lambda slot: slot["starts_at"].astimezone(clock.VIETNAM).date())
    return {"days": [_day(on, list(slots)) for on, slots in by_day]}


@slots_blp.route("/slots")
@slots_blp.public
@slots_blp.arguments(SoonestQuerySchema, location="query", unknown=RAISE)
@slots_blp.response(200, SoonestPageSchema)
def list_soonest(asked: dict[str, Any]) -> dict[str, Any]:
    """Find who in a province has a free time for a service, soonest first, one time a clinic"""
    since, until = _moments(asked)
    wanted = Wanted(
        province=province_key(asked["province"]),
        service=asked["service"],
        kind=asked["kind"],
        since=since,
        until=until,
    )
    with unit_of_work() as session:
        found = find_soonest(session, wanted, at=clock.now(), limit=asked["limit"])
        places = clinics.find_facilities_by_code(session, {each.facility_code for each in found})
        services = clinics.find_services(session, {each.service_id for each in found})
        shown = _shown(session, found)
    _do_not_keep()
    return {
        "items": [
            {
                "facility": places[offer.facility_code],
                "service": services[offer.service_id],
                "slot": slot,
            }
            for offer, slot in zip(found, shown, strict=True)
        ]
    }


def _moments(asked: dict[str, Any]) -> tuple[datetime, datetime]:
    """From the first day's start, or now, to the end of the last."""
    since: date = asked["since"] or clock.today()
    until: date = asked["until"] or since + timedelta(days=DAYS_UNASKED - 1)
    if (until - since).days >= MOST_DAYS:
        raise RangeTooLong
    start = datetime.combine(since, time(), clock.VIETNAM)
    end = datetime.combine(until + timedelta(days=1), time(), clock.VIETNAM)
    return max(start, clock.now()), end


def _shown(session: Session, found: Collection[Offer]) -> list[dict[str, Any]]:
    at = clock.now()
    ids = {each.practitioner_id for each in found if each.practitioner_id is not None}
    names = clinics.find_practitioner_names(session, ids)
    return [
        {
            "id": offer.id,
            "starts_at": offer.starts_at,
            "ends_at": offer.ends_at,
            "left": offer.left,
            "capacity": offer.capacity,
            "opens_at": offer.opens_at,
            "is_open": offer.is_open(at),
            "room": offer.room,
            "practitioner": names.get(offer.practitioner_id) if offer.practitioner_id else None,
        }
        for offer in found
    ]


def _day(on: date, slots: list[dict[str, Any]]) -> dict[str, Any]:
    left = sum(slot["left"] for slot in slots if slot["is_open"])
    return {"date": on, "left": left, "slots": slots}


def _do_not_keep() -> None:
    """What is left must not lie."""

    @after_this_request
    def tell(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response
