"""Wire shapes of what people enter themselves."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from phr_api.healthbook.rules import UNITS, MeasurementKind
from phr_api.healthbook.schemas.fields import (
    LONGEST_CURSOR,
    LONGEST_NOTE,
    PartialDateField,
    WordsSchema,
    moment_in_range,
    no_control_characters,
    not_blank,
    plain_number,
)
from phr_api.healthbook.service import NewAllergy, NewCondition, NewMeasurement
from phr_api.kit.web import Moment, Schema

CATEGORIES = ("medication", "food", "environment", "other")
SEVERITIES = ("mild", "moderate", "severe")
MOST_MEASUREMENTS = 100


def _text(longest: int) -> list[Any]:
    return [validate.Length(max=longest), no_control_characters]


def _words(longest: int) -> list[Any]:
    return [validate.Length(1, longest), no_control_characters, not_blank]


class NewAllergySchema(Schema):
    substance = fields.String(required=True, validate=_words(200))
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    severity = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(SEVERITIES)
    )
    reaction = fields.String(load_default=None, allow_none=True, validate=_text(500))
    noted_on = PartialDateField(load_default=None, allow_none=True)
    ended_on = fields.Date(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_text(LONGEST_NOTE))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewAllergy:
        return NewAllergy(**data)


class NewConditionSchema(Schema):
    name = fields.String(required=True, validate=_words(300))
    code = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?\Z"),
        metadata={"description": "ICD-10, if known", "example": "I10"},
    )
    onset = PartialDateField(load_default=None, allow_none=True)
    ended_on = fields.Date(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_text(LONGEST_NOTE))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewCondition:
        return NewCondition(**data)


class MeasuredSchema(Schema):
    """What was measured: systolic and diastolic for blood pressure, else a value."""

    kind = fields.String(required=True, validate=validate.OneOf([k.value for k in MeasurementKind]))
    value = fields.Decimal(validate=plain_number, metadata={"example": 36.6})
    systolic = fields.Decimal(validate=plain_number, metadata={"example": 120})
    diastolic = fields.Decimal(validate=plain_number, metadata={"example": 80})
    unit = fields.String(required=True, validate=validate.OneOf(UNITS))
    taken_at = Moment(required=True, validate=moment_in_range)
    note = fields.String(load_default=None, allow_none=True, validate=_text(LONGEST_NOTE))

    @validates_schema(skip_on_field_errors=True)
    def check_values(self, data: dict[str, Any], **_: Any) -> None:
        pressure = data["kind"] == MeasurementKind.BLOOD_PRESSURE
        wanted = {"systolic", "diastolic"} if pressure else {"value"}
        for name in ("value", "systolic", "diastolic"):
            if (name in wanted) != (name in data):
                message = "Needed for this kind." if name in wanted else "Not for this kind."
                raise ValidationError(message, name)


class NewMeasurementSchema(MeasuredSchema):
    client_id = fields.String(
        required=True,
        validate=_words(64),
        metadata={"description": "the phone's own id: sent again, it is the same measurement"},
    )

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewMeasurement:
        return _measurement(data)


class ChangedMeasurementSchema(MeasuredSchema):
    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewMeasurement:
        return _measurement(data | {"client_id": ""})


def _measurement(data: dict[str, Any]) -> NewMeasurement:
    return NewMeasurement(
        client_id=data["client_id"],
        kind=MeasurementKind(data["kind"]),
        value=data["systolic"] if "systolic" in data else data["value"],
        diastolic=data.get("diastolic"),
        unit=data["unit"],
        taken_at=data["taken_at"],
        note=data["note"],
    )


class MeasurementBatchSchema(Schema):
    items = fields.List(
        fields.Nested(NewMeasurementSchema),
        required=True,
        validate=validate.Length(1, MOST_MEASUREMENTS),
    )

    @validates_schema(skip_on_field_errors=True)
    def check_ids(self, data: dict[str, Any], **_: Any) -> None:
        if len({item.client_id for item in data["items"]}) < len(data["items"]):
            raise ValidationError("Each clientId once.", "items")


class EnteredSchema(Schema):
    """By whom and when; times with offset +07:00."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["current", "entered-in-error"]))
    source = fields.String(required=True, validate=validate.OneOf(["self", "carer"]))
    recorded_by = fields.UUID(required=True)
    classes = fields.List(fields.String())
    recorded_at = Moment(required=True)
    updated_at = Moment(required=True)
    note = fields.String()


class AllergySchema(EnteredSchema):
    substance = fields.String(required=True)
    category = fields.String(required=True)
    severity = fields.String()
    reaction = fields.String()
    noted_on = fields.String()
    ended_on = fields.Date()


class ConditionSchema(EnteredSchema):
    name = fields.String(required=True)
    code = fields.Nested(WordsSchema)
    onset = fields.String()
    ended_on = fields.Date()


class MeasurementSchema(EnteredSchema):
    client_id = fields.String(required=True)
    kind = fields.String(required=True)
    value = fields.Float()
    systolic = fields.Float()
    diastolic = fields.Float()
    unit = fields.String(required=True)
    taken_at = Moment(required=True)


class AllergiesSchema(Schema):
    items = fields.List(fields.Nested(AllergySchema), required=True)


class ConditionsSchema(Schema):
    items = fields.List(fields.Nested(ConditionSchema), required=True)


class MeasurementsSchema(Schema):
    items = fields.List(fields.Nested(MeasurementSchema), required=True)


class MeasurementPageSchema(MeasurementsSchema):
    next = fields.String(required=True, allow_none=True)


class MeasurementQuerySchema(Schema):
    kind = fields.String(
        load_default=None, validate=validate.OneOf([kind.value for kind in MeasurementKind])
    )
    before = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
