"""Wire shapes of the first screen."""

from typing import Any

from marshmallow import fields, post_load, validate

from phr_api.home.service import Seen
from phr_api.kit.web import Moment, Schema

MOST_PEOPLE = 50


class AccountSchema(Schema):
    id = fields.UUID(required=True)


class OwnSessionSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    assurance = fields.String(
        required=True, metadata={"description": "record, or account: opens no health record"}
    )
    signed_in_at = Moment(required=True)


class OwnProfileSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    relation = fields.String(required=True, metadata={"description": "self or carer"})
    powers = fields.List(fields.String(), required=True)


class MemberFacilitySchema(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class MembershipSchema(Schema):
    facility = fields.Nested(MemberFacilitySchema, required=True)
    role = fields.String(required=True)
    display_name = fields.String(
        required=True, metadata={"description": "the name that stands on what one does there"}
    )


class NoticeSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    at = Moment(required=True)
    read_at = Moment(required=True, allow_none=True)


class MeSchema(Schema):
    account = fields.Nested(AccountSchema, required=True)
    session = fields.Nested(OwnSessionSchema, required=True)
    profiles = fields.List(fields.Nested(OwnProfileSchema), required=True)
    memberships = fields.List(fields.Nested(MembershipSchema), required=True)
    notices = fields.List(fields.Nested(NoticeSchema), required=True)
    events = fields.String(
        required=True, metadata={"description": "address of the stream of events, GET /v1/events"}
    )


class HomePersonSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    relation = fields.String(required=True)
    unread = fields.Integer(required=True)
    new = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "by section, what hospitals sent since this was marked as seen"},
    )
    cursor = fields.String(
        required=True,
        metadata={"description": "last change that the caller may see: for changes and seen"},
    )
    version = fields.String(metadata={"description": "ETag of the caller's own book"})


class HomeSchema(Schema):
    profiles = fields.List(fields.Nested(HomePersonSchema), required=True)


class SeenProfileSchema(Schema):
    profile_id = fields.UUID(required=True)
    cursor = fields.String(required=True, validate=validate.Length(1, 100))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> Seen:
        return Seen(**data)


class SeenSchema(Schema):
    items = fields.List(
        fields.Nested(SeenProfileSchema), required=True, validate=validate.Length(1, MOST_PEOPLE)
    )
