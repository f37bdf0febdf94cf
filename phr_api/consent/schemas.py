"""Wire shapes of carers."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from phr_api.consent.carers import NewCarer, SeenPerson
from phr_api.kit.web import Moment, Schema
from phr_api.vocab import PartialDate, Power

RELATIONS = ("mother", "father", "guardian")


def partial_date(text: str) -> None:
    """Raise ValidationError for a day that no calendar has; parts may be left out."""
    try:
        PartialDate.parse(text)
    except ValueError as error:
        raise ValidationError("Not a date like 1985, 1985-03 or 1985-03-02.") from error


class SeenPersonSchema(Schema):
    """A person as the documents on the desk name them."""

    number = fields.String(
        required=True,
        validate=validate.Length(8, 15),
        metadata={"description": "citizen number, passport or 15-character insurance card"},
    )
    full_name = fields.String(required=True, validate=validate.Length(1, 255))
    birth = fields.String(
        required=True,
        validate=[validate.Regexp(r"^\d{4}(-\d{2}(-\d{2})?)?\Z"), partial_date],
        metadata={"description": "birth date, parts unknown left out", "example": "1990-02-28"},
    )

    @post_load
    def to_person(self, data: dict[str, Any], **_: Any) -> SeenPerson:
        return SeenPerson(**data)


class NewCarerSchema(Schema):
    child = fields.Nested(SeenPersonSchema, required=True)
    carer = fields.Nested(SeenPersonSchema, required=True)
    relation = fields.String(required=True, validate=validate.OneOf(RELATIONS))
    powers = fields.List(
        fields.String(validate=validate.OneOf([power.value for power in Power])),
        required=True,
        validate=validate.Length(1, len(Power)),
    )
    document_seen = fields.String(
        required=True,
        validate=validate.Length(3, 200),
        metadata={"description": "the paper that proves it, such as a birth certificate's number"},
    )

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewCarer:
        return NewCarer(
            child=data["child"],
            carer=data["carer"],
            relation=data["relation"],
            powers=tuple(sorted(set(data["powers"]))),
            reason=data["document_seen"],
        )


class CarerSchema(Schema):
    id = fields.UUID(required=True)
    relation = fields.String(required=True)
    powers = fields.List(fields.String(), required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    suspended_at = Moment(required=True, allow_none=True)


class CarersSchema(Schema):
    items = fields.List(fields.Nested(CarerSchema), required=True)


class SuspensionSchema(Schema):
    reason = fields.String(required=True, validate=validate.Length(3, 500))
