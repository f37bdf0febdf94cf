"""Wire shapes of slots."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from phr_api.kit.web import Moment, Schema

DAY_FORMAT = {"example": "2026-12-01", "description": "a day in Viet Nam"}
A_DAY = validate.Range(date(2020, 1, 1), date(2199, 12, 31))


class DaysQuerySchema(Schema):
    """From which day to which, both included; without them two weeks from today."""

    since = fields.Date(data_key="from", load_default=None, validate=A_DAY, metadata=DAY_FORMAT)
    until = fields.Date(load_default=None, validate=A_DAY, metadata=DAY_FORMAT)

    @validates_schema(skip_on_field_errors=True)
    def check_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["since"] and data["until"] and data["until"] < data["since"]:
            raise ValidationError("Before from.", "until")


class SlotSchema(Schema):
    id = fields.UUID(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    left = fields.Integer(required=True, metadata={"description": "seats that nobody has"})
    capacity = fields.Integer(required=True)
    opens_at = Moment(required=True)
    is_open = fields.Boolean(
        required=True, metadata={"description": "whether it can be booked now, if anything is left"}
    )
    room = fields.String(required=True, allow_none=True)
    practitioner = fields.String(required=True, allow_none=True)


class DaySchema(Schema):
    date = fields.Date(required=True)
    left = fields.Integer(required=True, metadata={"description": "of slots that are open now"})
    slots = fields.List(fields.Nested(SlotSchema), required=True)


class DaysSchema(Schema):
    days = fields.List(fields.Nested(DaySchema), required=True)


class SoonestQuerySchema(DaysQuerySchema):
    service = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        metadata={"description": "the code of the service, such as one of /v1/services"},
    )
    province = fields.String(
        required=True,
        validate=validate.Length(1, 60),
        metadata={"description": "its name or code, as in /v1/facilities", "example": "Hà Nội"},
    )
    kind = fields.String(load_default=None, validate=validate.OneOf(["on-site", "remote"]))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 50))


class SoonestPlaceSchema(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


class SoonestServiceSchema(Schema):
    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    minutes = fields.Integer(required=True)
    price_vnd = fields.Integer(required=True, allow_none=True)


class SoonestSchema(Schema):
    facility = fields.Nested(SoonestPlaceSchema, required=True)
    service = fields.Nested(SoonestServiceSchema, required=True)
    slot = fields.Nested(SlotSchema, required=True)


class SoonestPageSchema(Schema):
    items = fields.List(fields.Nested(SoonestSchema), required=True)
