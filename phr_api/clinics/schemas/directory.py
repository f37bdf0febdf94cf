"""Wire shapes of the directory."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from phr_api.kit.web import Schema
from phr_api.kit.words import PHONE_SHAPE, words

LONGEST_CURSOR = 600
PHONE = r"^\+[0-9]{7,15}\Z"


def searched(words_of: str) -> fields.String:
    """Return a parameter of words to look for."""
    return fields.String(
        load_default="",
        validate=[validate.Length(max=100), validate.Regexp(r"[^\x00]*\Z")],
        metadata={"description": f"Words of {words_of}; diacritics do not matter"},
    )


def province_searched() -> fields.String:
    """Return a parameter that names a province."""
    return fields.String(
        load_default=None,
        validate=validate.Length(1, 60),
        metadata={
            "description": "Name or code, of the 34 or of the 63 before July 2025; one that was"
            " merged stands for the province that it went into"
        },
    )


def _optional(longest: int) -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=words(longest))


def _degrees(most: int) -> fields.Decimal:
    return fields.Decimal(
        places=6,
        load_default=None,
        allow_none=True,
        validate=validate.Range(-most, most),
        metadata={"minimum": -most, "maximum": most},  # as numbers; of a decimal they are text
    )


class FacilitySearchSchema(Schema):
    q = searched("name, address or code")
    province = province_searched()
    service = searched("name or code of a service that they offer")
    after = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class FacilitySchema(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    province = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    latitude = fields.Float(required=True, allow_none=True)
    longitude = fields.Float(required=True, allow_none=True)
    remote_licence = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the number that permits care from afar"},
    )


class ChangedFacilitySchema(Schema):
    name = fields.String(required=True, validate=words(300))
    kind = fields.String(required=True, validate=words(40))
    province = _optional(60)
    address = _optional(300)
    phone = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(PHONE, error=PHONE_SHAPE)
    )
    latitude = _degrees(90)
    longitude = _degrees(180)
    remote_licence = _optional(100)

    @validates_schema
    def _where(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("latitude") is None) != (data.get("longitude") is None):
            raise ValidationError("Latitude and longitude come together.", "latitude")


class NewFacilitySchema(ChangedFacilitySchema):
    kind = fields.String(load_default="hospital", validate=words(40))
    code = fields.String(required=True, validate=validate.Regexp(r"^[0-9A-Z]{5}\Z"))


class HolidayQuerySchema(Schema):
    year = fields.Integer(load_default=None, validate=validate.Range(2020, 2199))


class HolidaySchema(Schema):
    on = fields.Date(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)


class HolidaysSchema(Schema):
    items = fields.List(fields.Nested(HolidaySchema), required=True)


class FacilityPageSchema(Schema):
    items = fields.List(fields.Nested(FacilitySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class CodeQuerySchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


class CodeSchema(Schema):
    code = fields.String(required=True)
    display = fields.String(required=True)
    display_en = fields.String(required=True, allow_none=True)


class CodePageSchema(Schema):
    system = fields.String(required=True)
    version = fields.String(required=True)
    items = fields.List(fields.Nested(CodeSchema), required=True)
    next = fields.String(required=True, allow_none=True)
