"""Wire shapes of bookings; the SQL function booking_wire makes what they document."""

from datetime import date
from typing import Any

from marshmallow import fields, post_load, validate

from phr_api.appointments.schemas.holds import ANSWER, ANSWER_ID, BIRTH, MOST_ANSWERS, SEXES
from phr_api.appointments.service.desk import GuestBooking
from phr_api.kit.web import Moment, Schema
from phr_api.kit.words import PHONE_SHAPE

STATES = (
    "held",
    "requested",
    "confirmed",
    "declined",
    "cancelled",
    "no-show",
    "arrived",
    "in-room",
    "done",
)
MOST_CONFIRMED = 200


class BookingFacilitySchema(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class BookingServiceSchema(Schema):
    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    preparation = fields.String(required=True, allow_none=True)
    price_vnd = fields.Integer(required=True, allow_none=True)
    questions = fields.List(fields.Dict(), required=True)


class BookingPersonSchema(Schema):
    profile_id = fields.UUID(allow_none=True, metadata={"description": "not at the desk"})
    name = fields.String(required=True, allow_none=True)
    birth = fields.String(allow_none=True, metadata={"description": "at the desk only"})
    sex = fields.String(allow_none=True, metadata={"description": "at the desk only"})
    phone = fields.String(allow_none=True, metadata={"description": "at the desk only"})


class BookingCardSchema(Schema):
    number = fields.String(required=True)
    valid_until = fields.Date(required=True, allow_none=True)
    is_expired = fields.Boolean(required=True, metadata={"description": "on the day of the visit"})


class ProposalSchema(Schema):
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    until = Moment(required=True)


class SlotRefSchema(Schema):
    slot_id = fields.UUID(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class HappenedSchema(Schema):
    at = Moment(required=True)
    what = fields.String(required=True)
    by = fields.String(
        required=True, allow_none=True, metadata={"description": "staff, by their own name"}
    )
    note = fields.String(required=True, allow_none=True)


class BookingSchema(Schema):
    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    version = fields.Integer(required=True)
    source = fields.String(required=True)
    facility = fields.Nested(BookingFacilitySchema, required=True)
    service = fields.Nested(BookingServiceSchema, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    slot_id = fields.UUID(required=True, allow_none=True)
    person = fields.Nested(BookingPersonSchema, required=True)
    reason = fields.String(required=True, allow_none=True)
    card = fields.Nested(BookingCardSchema, required=True, allow_none=True)
    respond_by = Moment(required=True, allow_none=True)
    proposal = fields.Nested(ProposalSchema, required=True, allow_none=True)
    alternatives = fields.List(fields.Nested(SlotRefSchema), required=True)
    declined_reason = fields.String(required=True, allow_none=True)
    cancelled_by = fields.String(required=True, allow_none=True)
    is_late = fields.Boolean(required=True)
    still_coming = fields.String(required=True, allow_none=True)
    shows_names = fields.Boolean(required=True)
    qr = fields.String(allow_none=True, metadata={"description": "the person's; not at the desk"})
    answers = fields.Dict(metadata={"description": "not in lists"})
    history = fields.List(fields.Nested(HappenedSchema), metadata={"description": "not in lists"})


class DeskBookingSchema(BookingSchema):
    requested_at = Moment(required=True)
    waiting_minutes = fields.Integer(required=True, allow_none=True)
    etag = fields.String(required=True, metadata={"description": "for If-Match"})
    is_overdue = fields.Boolean(
        required=True, metadata={"description": "half of the time to answer has passed"}
    )
    is_stranded = fields.Boolean(
        required=True, metadata={"description": "the clinic closed this time"}
    )


class BookedSchema(Schema):
    items = fields.List(fields.Nested(BookingSchema), required=True)


class BookingsPageSchema(Schema):
    items = fields.List(fields.Nested(BookingSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DeskPageSchema(Schema):
    items = fields.List(fields.Nested(DeskBookingSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class MineQuerySchema(Schema):
    when = fields.String(load_default="upcoming", validate=validate.OneOf(["upcoming", "past"]))
    after = fields.String(load_default=None, validate=validate.Length(max=300))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class PhoneQuerySchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(max=300))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class DeskQuerySchema(Schema):
    """A day, or the requests that wait for an answer, or who sits in a time that was closed."""

    on = fields.Date(
        load_default=None, validate=validate.Range(date(2020, 1, 1), date(2199, 12, 31))
    )
    state = fields.String(load_default=None, validate=validate.OneOf(["requested", "stranded"]))
    after = fields.String(load_default=None, validate=validate.Length(max=300))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 200))


class BookingReasonSchema(Schema):
    reason = fields.String(required=True, validate=validate.Length(1, 500))


class CancelBookingSchema(Schema):
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


class ChangeBookingSchema(Schema):
    """What is left out stays as it is."""

    reason = fields.String(allow_none=True, validate=validate.Length(max=1000))
    answers = fields.Dict(
        keys=ANSWER_ID,
        values=ANSWER,
        validate=validate.Length(max=MOST_ANSWERS),
    )
    shows_names = fields.Boolean()


class RescheduleSchema(Schema):
    slot_id = fields.UUID(required=True)


class ProposeSchema(Schema):
    slot_id = fields.UUID(required=True)
    until = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        metadata={"description": "until when it is kept; at most 48 hours, before either time"},
    )


class ProposalAnswerSchema(Schema):
    accept = fields.Boolean(required=True)


class ComingSchema(Schema):
    coming = fields.Boolean(required=True)


class ConfirmItemSchema(Schema):
    id = fields.UUID(required=True)
    version = fields.Integer(required=True, validate=validate.Range(1))


class ConfirmationsSchema(Schema):
    items = fields.List(
        fields.Nested(ConfirmItemSchema),
        required=True,
        validate=validate.Length(1, MOST_CONFIRMED),
    )


class OutcomeSchema(Schema):
    id = fields.UUID(required=True)
    outcome = fields.String(
        required=True, validate=validate.OneOf(["confirmed", "state-changed", "not-found"])
    )
    state = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)


class OutcomesSchema(Schema):
    items = fields.List(fields.Nested(OutcomeSchema), required=True)


class GuestBookingSchema(Schema):
    """Somebody who calls or comes without an account."""

    service_id = fields.UUID(required=True)
    slot_id = fields.UUID(required=True)
    full_name = fields.String(required=True, validate=validate.Length(1, 255))
    phone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^\+?\d{8,15}\Z", error=PHONE_SHAPE),
    )
    birth = fields.String(load_default=None, allow_none=True, validate=BIRTH)
    sex = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(SEXES))
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=1000))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> GuestBooking:
        return GuestBooking(**data)
