"""Wire shapes of schedules, exceptions and replans."""

from datetime import date, time
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from phr_api.appointments.rules.patterns import LAST, Plan
from phr_api.appointments.service.schedules import NewException, Replan
from phr_api.kit.web import Moment, Schema
from phr_api.kit.words import words

PATTERNS = ("weekly", "month-day", "nth-weekday", "dates")
MOST_SEATS = 5000
A_DAY = validate.Range(date(2020, 1, 1), date(2199, 12, 31))
HOUR = {"example": "07:30", "description": "an hour in Viet Nam"}


def _hour(**kwargs: Any) -> fields.Time:
    return fields.Time(format="%H:%M", metadata=HOUR, **kwargs)


def _numbers(least: int, most: int, **kwargs: Any) -> fields.List[Any]:
    return fields.List(
        fields.Integer(validate=validate.Range(least, most)),
        load_default=list,
        validate=validate.Length(max=31),
        **kwargs,
    )


class NewScheduleSchema(Schema):
    """When a service is given: on weekdays, days of the month, nth weekdays, or single dates."""

    service_id = fields.UUID(required=True)
    practitioner_id = fields.UUID(load_default=None, allow_none=True)
    room = fields.String(load_default=None, allow_none=True, validate=words(40))
    name = fields.String(required=True, validate=words(100))
    pattern = fields.String(required=True, validate=validate.OneOf(PATTERNS))
    weekdays = _numbers(1, 7, metadata={"description": "1 is Monday"})
    month_days = _numbers(1, 31)
    nths = fields.List(
        fields.Integer(validate=validate.OneOf([1, 2, 3, 4, 5, LAST])),
        load_default=list,
        metadata={"description": "-1 is the last"},
    )
    starts = _hour(required=True)
    ends = _hour(required=True)
    slot_minutes = fields.Integer(required=True, validate=validate.Range(5, 480))
    capacity = fields.Integer(required=True, validate=validate.Range(1, MOST_SEATS))
    valid_from = fields.Date(required=True, validate=A_DAY)
    valid_until = fields.Date(load_default=None, allow_none=True, validate=A_DAY)
    works_on_holidays = fields.Boolean(load_default=False)
    release_days = fields.Integer(
        load_default=30,
        validate=validate.Range(0, 180),
        metadata={"description": "how many days before its day a slot opens"},
    )
    release_time = _hour(load_default=time(7))

    @post_load
    def to_plan(self, data: dict[str, Any], **_: Any) -> Plan:
        return Plan(**data)


class ScheduleSchema(Schema):
    id = fields.UUID(required=True)
    service_id = fields.UUID(required=True)
    practitioner_id = fields.UUID(required=True, allow_none=True)
    room = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    pattern = fields.String(required=True)
    weekdays = fields.List(fields.Integer(), required=True)
    month_days = fields.List(fields.Integer(), required=True)
    nths = fields.List(fields.Integer(), required=True)
    starts = _hour(required=True)
    ends = _hour(required=True)
    slot_minutes = fields.Integer(required=True)
    capacity = fields.Integer(required=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True, allow_none=True)
    works_on_holidays = fields.Boolean(required=True)
    release_days = fields.Integer(required=True)
    release_time = _hour(required=True)
    made_until = fields.Date(
        required=True, allow_none=True, metadata={"description": "slots are made to this day"}
    )


class SchedulesSchema(Schema):
    items = fields.List(fields.Nested(ScheduleSchema), required=True)


class NewExceptionSchema(Schema):
    """Closed days of a schedule, a practitioner or, with neither, the facility; or extra hours."""

    schedule_id = fields.UUID(load_default=None, allow_none=True)
    practitioner_id = fields.UUID(load_default=None, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(["closed", "extra"]))
    from_on = fields.Date(required=True, validate=A_DAY)
    until_on = fields.Date(required=True, validate=A_DAY)
    starts = _hour(load_default=None, allow_none=True)
    ends = _hour(load_default=None, allow_none=True)
    capacity = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(1, MOST_SEATS)
    )
    reason = fields.String(load_default=None, allow_none=True, validate=words(300))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewException:
        return NewException(**data)


class ExceptionSchema(Schema):
    id = fields.UUID(required=True)
    schedule_id = fields.UUID(required=True, allow_none=True)
    practitioner_id = fields.UUID(required=True, allow_none=True)
    kind = fields.String(required=True)
    from_on = fields.Date(required=True)
    until_on = fields.Date(required=True)
    starts = _hour(required=True, allow_none=True)
    ends = _hour(required=True, allow_none=True)
    capacity = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class ExceptionsSchema(Schema):
    items = fields.List(fields.Nested(ExceptionSchema), required=True)


class ReplanSchema(Schema):
    """A schedule changed or closed for some days, and its people offered other times, at once.

    With neither: the people of its times that were closed before, as by a doctor's leave, a holiday
    or its end.
    """

    schedule_id = fields.UUID(required=True)
    exception = fields.Nested(NewExceptionSchema, load_default=None, allow_none=True)
    schedule = fields.Nested(NewScheduleSchema, load_default=None, allow_none=True)
    preview = fields.Boolean(
        load_default=False, metadata={"description": "only say what it would do"}
    )

    @validates_schema(skip_on_field_errors=True)
    def check_change(self, data: dict[str, Any], **_: Any) -> None:
        if data["exception"] is not None and data["schedule"] is not None:
            raise ValidationError("Either an exception or a schedule.", "exception")

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> Replan:
        return Replan(**data)


class MovedSchema(Schema):
    booking_id = fields.UUID(required=True)
    proposed_starts_at = Moment(required=True)
    until = Moment(required=True)


class ReplannedSchema(Schema):
    closed_slots = fields.Integer(required=True)
    removed_free = fields.Integer(required=True, metadata={"description": "seats that nobody had"})
    moved = fields.List(
        fields.Nested(MovedSchema),
        required=True,
        metadata={"description": "who was offered another time, and keeps the seat until then"},
    )
    unplaced = fields.List(
        fields.UUID(), required=True, metadata={"description": "bookings for the desk to call"}
    )
