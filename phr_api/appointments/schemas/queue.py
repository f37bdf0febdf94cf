"""Wire shapes of the line."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from phr_api.appointments.service.blocks import MOST_NUMBERS, GivenNumber
from phr_api.appointments.service.line import NewGuest
from phr_api.kit.web import Moment, Schema
from phr_api.vocab import InvalidIdentifier, PartialDate, check_phone

PRIORITIES = (
    "emergency",
    "under-6",
    "pregnant",
    "severe-disability",
    "aged-75",
    "merit",
    "none",
)
LONGEST_ROOM = 40
LONGEST_SCAN = 1000


def priority() -> fields.String:
    """Who goes first by law; children under 6 and people of 75 do by their birth anyway."""
    return fields.String(load_default="none", validate=validate.OneOf(PRIORITIES))


def check_birth(text: str) -> None:
    """Refuse what is no date, without repeating it."""
    try:
        PartialDate.parse(text)
    except ValueError:
        raise ValidationError("Not a date, a month or a year.") from None


def read_phone(text: str) -> None:
    """Refuse what is no phone number, without repeating it."""
    try:
        check_phone(text)
    except InvalidIdentifier as error:
        raise ValidationError(error.code) from None


class NewGuestSchema(Schema):
    full_name = fields.String(required=True, validate=validate.Length(1, 100))
    phone = fields.String(load_default=None, allow_none=True, validate=read_phone)
    birth = fields.String(
        load_default=None,
        allow_none=True,
        validate=check_birth,
        metadata={"example": "1985-03", "description": "as much of it as is known"},
    )
    sex = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(("male", "female", "unknown"))
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> NewGuest:
        return NewGuest(**data)


class NewTicketSchema(Schema):
    """A number for somebody who stands there, with or without a phone."""

    queue_id = fields.UUID(required=True)
    priority = priority()
    guest = fields.Nested(NewGuestSchema, load_default=None, allow_none=True)


class TicketSchema(Schema):
    id = fields.UUID(required=True)
    queue_id = fields.UUID(required=True)
    label = fields.String(required=True, metadata={"example": "A012"})
    number = fields.Integer(required=True)
    priority = fields.String(required=True, validate=validate.OneOf(PRIORITIES))
    state = fields.String(
        required=True,
        validate=validate.OneOf(("waiting", "called", "skipped", "in-room", "done", "left")),
    )
    room = fields.String(required=True, allow_none=True)
    source = fields.String(
        required=True, validate=validate.OneOf(("qr", "card", "desk", "walk-in", "offline"))
    )
    booking_id = fields.UUID(required=True, allow_none=True)
    person_name = fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    called_at = Moment(required=True, allow_none=True)
    calls = fields.Integer(required=True)
    by = fields.String(
        required=True, allow_none=True, metadata={"description": "who of the staff acted last"}
    )
    version = fields.Integer(required=True)
    etag = fields.String(required=True, metadata={"description": "what If-Match takes"})


class TicketsSchema(Schema):
    items = fields.List(fields.Nested(TicketSchema), required=True)


class DayQuerySchema(Schema):
    on = fields.Date(load_default=None, metadata={"description": "a day; today without it"})


class QueueSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True)
    rooms = fields.List(fields.String(), required=True)
    screen_key = fields.String(
        required=True, metadata={"description": "of the screen that everybody may see"}
    )
    minutes_each = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "people, today"})


class QueuesSchema(Schema):
    items = fields.List(fields.Nested(QueueSchema), required=True)


class NextSchema(Schema):
    room = fields.String(required=True, validate=validate.Length(1, LONGEST_ROOM))


class MoveSchema(Schema):
    """Another room, or another line."""

    room = fields.String(load_default=None, validate=validate.Length(1, LONGEST_ROOM))
    queue_id = fields.UUID(load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        if (data["room"] is None) == (data["queue_id"] is None):
            raise ValidationError("Either room or queueId.", "room")


class NewBlockSchema(Schema):
    count = fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST_NUMBERS))


class BlockSchema(Schema):
    id = fields.UUID(required=True)
    queue_id = fields.UUID(required=True)
    prefix = fields.String(required=True)
    on = fields.Date(required=True)
    first = fields.Integer(required=True)
    last = fields.Integer(required=True)


class GivenNumberSchema(Schema):
    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))
    priority = priority()
    at = Moment(required=True, metadata={"description": "when it was given"})
    guest = fields.Nested(NewGuestSchema, load_default=None, allow_none=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> GivenNumber:
        return GivenNumber(**data)


class GivenNumbersSchema(Schema):
    items = fields.List(
        fields.Nested(GivenNumberSchema), required=True, validate=validate.Length(1, MOST_NUMBERS)
    )


class CallSchema(Schema):
    label = fields.String(required=True)
    room = fields.String(required=True, allow_none=True)


class ScreenSchema(Schema):
    """Numbers and rooms; nobody's name."""

    calling = fields.List(fields.Nested(CallSchema), required=True)
    next = fields.List(fields.String(), required=True)


class CheckInSchema(Schema):
    """What the scanner read, or a booking of the desk's list."""

    scan = fields.String(
        load_default=None,
        validate=validate.Length(1, LONGEST_SCAN),
        metadata={"description": "the booking's code, or a citizen card's; not kept"},
    )
    booking_id = fields.UUID(load_default=None)
    priority = priority()
    queue_id = fields.UUID(load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        if (data["scan"] is None) == (data["booking_id"] is None):
            raise ValidationError("Either scan or bookingId.", "scan")


class CandidateSchema(Schema):
    booking_id = fields.UUID(required=True)
    starts_at = Moment(required=True)
    service_name = fields.String(required=True)
    person_name = fields.String(required=True, allow_none=True)


class CandidatesSchema(Schema):
    candidates = fields.List(fields.Nested(CandidateSchema), required=True)


class PositionSchema(Schema):
    """How far one's own number is."""

    label = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(
            ("expected", "waiting", "called", "skipped", "in-room", "done", "left")
        ),
        metadata={
            "description": "expected: without a number, until the check-in; left: comes no more"
        },
    )
    room = fields.String(required=True, allow_none=True)
    ahead = fields.Integer(required=True, allow_none=True)
    estimated_at = Moment(required=True, allow_none=True)
    calling = fields.List(fields.String(), required=True)


class NewClosingSchema(Schema):
    on = fields.Date(required=True)


class ClosingSchema(Schema):
    id = fields.UUID(required=True)
    on = fields.Date(required=True)
    by = fields.String(required=True)
    closed_at = Moment(required=True)
    no_show = fields.Integer(required=True, metadata={"description": "bookings nobody came for"})
    left = fields.Integer(required=True, metadata={"description": "numbers that still waited"})
    done = fields.Integer(required=True, metadata={"description": "people who were in a room"})
    undone_at = Moment(required=True, allow_none=True)
    undone_by = fields.String(required=True, allow_none=True)
    restored = fields.Integer(required=True)
    kept = fields.Integer(
        required=True, metadata={"description": "changed since the closing, so left as they are"}
    )


class WhereSchema(Schema):
    """Which clinic, or which service."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class SuggestedServiceSchema(WhereSchema):
    id = fields.UUID(required=True)


class SuggestedSlotSchema(Schema):
    id = fields.UUID(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class SuggestedHoldSchema(Schema):
    """The body of POST /v1/holds: one tap."""

    service_id = fields.UUID(required=True)
    slot_id = fields.UUID(required=True)
    people = fields.List(fields.UUID(), required=True)


class SuggestionSchema(Schema):
    why = fields.String(required=True, validate=validate.OneOf(("follow-up", "medicines-end")))
    on = fields.Date(required=True)
    facility = fields.Nested(WhereSchema, required=True)
    service = fields.Nested(SuggestedServiceSchema, required=True, allow_none=True)
    slot = fields.Nested(SuggestedSlotSchema, required=True, allow_none=True)
    hold = fields.Nested(SuggestedHoldSchema, required=True, allow_none=True)
    paper_id = fields.UUID(required=True, allow_none=True)
    encounter_id = fields.UUID(required=True, allow_none=True)


class SuggestionsSchema(Schema):
    items = fields.List(fields.Nested(SuggestionSchema), required=True)
