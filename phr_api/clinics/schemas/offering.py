"""Wire shapes of services, practitioners and queues."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from phr_api.clinics.schemas.directory import LONGEST_CURSOR, province_searched, searched
from phr_api.clinics.service.offering import NewPractitioner, NewQueue, NewService
from phr_api.kit.web import Schema
from phr_api.kit.words import words
from phr_api.vocab import SensitivityClass

KINDS = ("on-site", "remote")
VISIT_KINDS = ("consultation", "follow-up", "other")
MINUTES_OF_TWO_WEEKS = 20160
MINUTES_OF_A_MONTH = 43200
CODE = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")


def _optional(longest: int) -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=words(longest))


def _minutes(longest: int, *, default: int, least: int = 0) -> fields.Integer:
    return fields.Integer(load_default=default, validate=validate.Range(least, longest))


class QuestionSchema(Schema):
    """Something that the clinic wants to know before the visit."""

    id = fields.String(required=True, validate=CODE)
    text = fields.String(required=True, validate=words(300))
    text_en = fields.String(allow_none=True, validate=words(300))
    kind = fields.String(required=True, validate=validate.OneOf(["text", "yes-no", "choice"]))
    options = fields.List(fields.String(validate=words(100)), validate=validate.Length(1, 20))
    is_required = fields.Boolean(required=True)

    @validates_schema(skip_on_field_errors=True)
    def check_options(self, data: dict[str, Any], **_: Any) -> None:
        if (data["kind"] == "choice") != ("options" in data):
            raise ValidationError("A choice has options, nothing else has.", "options")


class ChangedServiceSchema(Schema):
    name = fields.String(required=True, validate=words(200))
    name_en = _optional(200)
    kind = fields.String(load_default="on-site", validate=validate.OneOf(KINDS))
    minutes = _minutes(480, default=15, least=1)
    price_vnd = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(0, 10**12)
    )
    visit_kind = fields.String(
        load_default="other",
        validate=validate.OneOf(VISIT_KINDS),
        metadata={"description": "which visits it is for; follow-ups are suggested by it"},
    )
    departments = fields.List(
        fields.String(validate=words(20)),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "codes of the departments (MA_KHOA) it serves; none: all"},
    )
    preparation = _optional(2000)
    classes = fields.List(
        fields.String(validate=validate.OneOf([each.value for each in SensitivityClass])),
        load_default=list,
        metadata={"description": "what a booking of it tells about a person (sensitivity)"},
    )
    questions = fields.List(
        fields.Nested(QuestionSchema), load_default=list, validate=validate.Length(max=20)
    )
    queue_id = fields.UUID(load_default=None, allow_none=True)
    confirms_itself = fields.Boolean(load_default=False)
    respond_minutes = _minutes(MINUTES_OF_TWO_WEEKS, default=240, least=1)
    when_unanswered = fields.String(
        load_default="decline", validate=validate.OneOf(["confirm", "decline"])
    )
    lead_minutes = _minutes(MINUTES_OF_A_MONTH, default=60)
    cancel_minutes = _minutes(MINUTES_OF_A_MONTH, default=120)
    most_open = fields.Integer(load_default=2, validate=validate.Range(1, 20))
    has_waitlist = fields.Boolean(load_default=True)
    offer_minutes = _minutes(1440, default=30, least=5)
    asks_still_coming = fields.Boolean(load_default=True)

    @validates_schema(skip_on_field_errors=True)
    def check_ids(self, data: dict[str, Any], **_: Any) -> None:
        ids = [question["id"] for question in data["questions"]]
        if len(ids) != len(set(ids)):
            raise ValidationError("Two questions have one id.", "questions")

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewService:
        """Questions are stored as they are shown, each with all its members."""
        all_members = [{"options": [], "text_en": None} | one for one in data["questions"]]
        return NewService(**data | {"questions": QuestionSchema(many=True).dump(all_members)})


class NewServiceSchema(ChangedServiceSchema):
    code = fields.String(required=True, validate=CODE)


class ServiceSchema(Schema):
    id = fields.UUID(required=True)
    facility_code = fields.String(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True)
    minutes = fields.Integer(required=True)
    price_vnd = fields.Integer(required=True, allow_none=True)
    visit_kind = fields.String(required=True)
    departments = fields.List(fields.String(), required=True)
    preparation = fields.String(required=True, allow_none=True)
    classes = fields.List(fields.String(), required=True)
    questions = fields.List(
        fields.Dict(), required=True, metadata={"description": "as they were written"}
    )
    queue_id = fields.UUID(required=True, allow_none=True)
    confirms_itself = fields.Boolean(required=True)
    respond_minutes = fields.Integer(required=True)
    when_unanswered = fields.String(required=True)
    lead_minutes = fields.Integer(required=True)
    cancel_minutes = fields.Integer(required=True)
    most_open = fields.Integer(required=True)
    has_waitlist = fields.Boolean(required=True)
    offer_minutes = fields.Integer(required=True)
    asks_still_coming = fields.Boolean(required=True)


class ServicesSchema(Schema):
    items = fields.List(fields.Nested(ServiceSchema), required=True)


class ServiceSearchSchema(Schema):
    q = searched("name or code")
    province = province_searched()
    facility = fields.String(load_default=None, validate=validate.Length(equal=5))
    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS))
    after = fields.String(load_default=None, validate=validate.Length(max=LONGEST_CURSOR))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class ServicePageSchema(Schema):
    items = fields.List(fields.Nested(ServiceSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class NewPractitionerSchema(Schema):
    full_name = fields.String(required=True, validate=words(100))
    title = _optional(50)
    licence_number = fields.String(required=True, validate=words(50))
    specialty = _optional(100)

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewPractitioner:
        return NewPractitioner(**data)


class PractitionerSchema(Schema):
    id = fields.UUID(required=True)
    full_name = fields.String(required=True)
    title = fields.String(required=True, allow_none=True)
    licence_number = fields.String(required=True)
    specialty = fields.String(required=True, allow_none=True)


class PractitionersSchema(Schema):
    items = fields.List(fields.Nested(PractitionerSchema), required=True)


class NewQueueSchema(Schema):
    name = fields.String(required=True, validate=words(100))
    prefix = fields.String(load_default="", validate=validate.Regexp(r"^[A-Z]{0,2}\Z"))
    rooms = fields.List(
        fields.String(validate=words(40)), load_default=list, validate=validate.Length(max=50)
    )
    minutes_each = _minutes(240, default=8, least=1)

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewQueue:
        return NewQueue(**data)


class ClinicQueueSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True)
    rooms = fields.List(fields.String(), required=True)
    screen_key = fields.String(
        required=True, metadata={"description": "of the public screen: /v1/screens/{screenKey}"}
    )
    minutes_each = fields.Integer(required=True)
