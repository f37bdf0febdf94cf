"""Settings and devices on the wire."""

from typing import Any, get_args

from marshmallow import ValidationError, fields, post_load, validate

from phr_api.kit.web import Schema
from phr_api.notifications.rules.words import Category
from phr_api.notifications.service.settings import NewSettings

CATEGORIES = get_args(Category)
CHANNELS = ("push", "sms")
LANGUAGES = ("vi", "en")
OPENED = ("every", "first", "emergency")
MOBILE = r"^\+84[0-9]{9}$"  # E.164, mobile numbers of Viet Nam
LONGEST_TOKEN = 4096


class NotificationChannelSchema(Schema):
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    is_on = fields.Boolean(required=True)


class NotificationSettingsSchema(Schema):
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    quiet_from = fields.Time(required=True, format="%H:%M")
    quiet_until = fields.Time(required=True, format="%H:%M")
    opened = fields.String(
        required=True,
        validate=validate.OneOf(OPENED),
        metadata={"description": "which openings of one's record by others are told"},
    )
    remind_day_before = fields.Boolean(required=True)
    remind_two_hours = fields.Boolean(required=True)
    sms_phone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(MOBILE),
        metadata={"description": "where SMS go; a phone sign-in's own number needs no entry"},
    )
    channels = fields.List(
        fields.Nested(NotificationChannelSchema),
        required=True,
        validate=validate.Length(max=len(CATEGORIES) * len(CHANNELS)),
        metadata={"description": "what is not in the list is on"},
    )

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewSettings:
        channels = {(one["category"], one["channel"]): one["is_on"] for one in data["channels"]}
        if len(channels) < len(data["channels"]):
            raise ValidationError("A category and channel twice.", field_name="channels")
        return NewSettings(**data | {"channels": channels})


class PushTokenSchema(Schema):
    token = fields.String(required=True, validate=validate.Length(1, LONGEST_TOKEN))
    platform = fields.String(required=True, validate=validate.OneOf(("android", "ios", "web")))
    language = fields.String(load_default="vi", validate=validate.OneOf(LANGUAGES))
