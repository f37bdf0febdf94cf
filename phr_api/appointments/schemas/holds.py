"""Wire shapes of holds, and of booking what is held."""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from phr_api.appointments.service.holds import BookItem, GuestPerson, NewHold
from phr_api.kit.web import UNSTORABLE, Moment, Schema
from phr_api.vocab import PartialDate

MOST_PEOPLE = 5
MOST_ANSWERS = 30
SEXES = ("female", "male", "other", "unknown")


def partial_date(text: str) -> None:
    """Raise ValidationError for a day that no calendar has; parts may be left out."""
    try:
        PartialDate.parse(text)
    except ValueError as error:
        raise ValidationError("Not a date like 1985, 1985-03 or 1985-03-02.") from error


BIRTH: list[Callable[[str], object]] = [
    validate.Regexp(r"^\d{4}(-\d{2}(-\d{2})?)?\Z"),
    partial_date,
]


def storable(text: str) -> None:
    """Raise ValidationError for what no column can hold; Schema looks at its own members only."""
    if UNSTORABLE.search(text):
        raise ValidationError("Not storable text.")


ANSWER_ID = fields.String(validate=[validate.Length(1, 40), storable])
ANSWER = fields.String(validate=[validate.Length(max=1000), storable])


class GuestPersonSchema(Schema):
    """Who comes, as a phone session names them."""

    full_name = fields.String(required=True, validate=validate.Length(1, 255))
    birth = fields.String(load_default=None, validate=BIRTH)
    sex = fields.String(load_default=None, validate=validate.OneOf(SEXES))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> GuestPerson:
        return GuestPerson(**data)


class NewHoldSchema(Schema):
    """A slot for one person, or for a family in slots that follow each other."""

    service_id = fields.UUID(required=True)
    slot_id = fields.UUID(required=True)
    people = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_PEOPLE),
        metadata={"description": "profiles whom the caller may book for; empty: a phone session"},
    )
    person = fields.Nested(GuestPersonSchema, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check_people(self, data: dict[str, Any], **_: Any) -> None:
        if len(set(data["people"])) != len(data["people"]):
            raise ValidationError("Each person once.", "people")
        if bool(data["people"]) == (data["person"] is not None):
            raise ValidationError("Either people, or person for a phone session.", "people")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> NewHold:
        return NewHold(**data)


class HeldSlotSchema(Schema):
    id = fields.UUID(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class HeldSchema(Schema):
    id = fields.UUID(required=True)
    profile_id = fields.UUID(required=True, allow_none=True)
    state = fields.String(required=True)
    slot = fields.Nested(HeldSlotSchema, required=True)


class HoldSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(
        required=True, metadata={"description": "hold, or offer: made by the waitlist"}
    )
    expires_at = Moment(required=True)
    is_booked = fields.Boolean(required=True)
    is_over = fields.Boolean(required=True, metadata={"description": "it ended without a booking"})
    bookings = fields.List(fields.Nested(HeldSchema), required=True)


class HoldsSchema(Schema):
    items = fields.List(fields.Nested(HoldSchema), required=True)


class BookItemSchema(Schema):
    id = fields.UUID(required=True, metadata={"description": "a booking of the hold"})
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=1000))
    answers = fields.Dict(
        keys=ANSWER_ID,
        values=ANSWER,
        load_default=dict,
        validate=validate.Length(max=MOST_ANSWERS),
        metadata={
            "description": "by the ids of the service's questions: yes or no, one of the options,"
            " or text; empty: left open"
        },
    )
    card_number = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[0-9A-Z]{10,15}\Z"),
        metadata={"description": "insurance card; without it the newest one known"},
    )
    shows_names = fields.Boolean(
        load_default=False,
        metadata={"description": "whether calendars may name facility and service"},
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> BookItem:
        return BookItem(**data)


class BookSchema(Schema):
    """What is told about each held booking: all of them, or none is booked."""

    bookings = fields.List(
        fields.Nested(BookItemSchema), required=True, validate=validate.Length(1, MOST_PEOPLE)
    )
