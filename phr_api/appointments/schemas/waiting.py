"""Wire shapes of the waitlist."""

from datetime import date
from typing import Any

from marshmallow import fields, post_load, validate

from phr_api.appointments.service.waiting import NewEntry
from phr_api.kit.web import Moment, Schema

A_DAY = validate.Range(date(2020, 1, 1), date(2199, 12, 31))
PARTS = ("any", "morning", "afternoon")


class NewWaitingSchema(Schema):
    """Which service, on which days, at what part of them."""

    service_id = fields.UUID(required=True)
    from_on = fields.Date(required=True, validate=A_DAY)
    until_on = fields.Date(required=True, validate=A_DAY)
    part_of_day = fields.String(load_default="any", validate=validate.OneOf(PARTS))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> NewEntry:
        return NewEntry(**data)


class WaitingSchema(Schema):
    id = fields.UUID(required=True)
    state = fields.String(required=True)
    place = fields.Integer(required=True, metadata={"description": "in the line now, from 1"})
    facility_code = fields.String(required=True)
    service_id = fields.UUID(required=True)
    from_on = fields.Date(required=True)
    until_on = fields.Date(required=True)
    part_of_day = fields.String(required=True)
    hold_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "an offer, to be booked"}
    )
    offer_until = Moment(required=True, allow_none=True)


class WaitingsSchema(Schema):
    items = fields.List(fields.Nested(WaitingSchema), required=True)
