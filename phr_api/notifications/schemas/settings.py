"""Settings and devices on the wire."""

from typing import Any, get_args

from marshmallow import ValidationError, fields, post_load, pre_load, validate

from phr_api.kit.web import Moment, Schema
from phr_api.kit.words import PHONE_SHAPE
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
        validate=validate.Regexp(MOBILE, error=PHONE_SHAPE),
        metadata={
            "description": "where SMS go, once it is proven (POST /v1/me/sms-phone);"
            " a phone sign-in's own number needs no entry"
        },
    )
    channels = fields.List(
        fields.Nested(NotificationChannelSchema),
        required=True,
        validate=validate.Length(max=len(CATEGORIES) * len(CHANNELS)),
        metadata={"description": "what is not in the list is on"},
    )

    @pre_load
    def as_it_was_read(self, data: Any, **_: Any) -> Any:
        """What a client read and sends back: whether the number is proven is not its to say."""
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if name != "smsPhoneProven"}
        return data

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewSettings:
        channels = {(one["category"], one["channel"]): one["is_on"] for one in data["channels"]}
        if len(channels) < len(data["channels"]):
            raise ValidationError("A category and channel twice.", field_name="channels")
        return NewSettings(**data | {"channels": channels})


class ShownSettingsSchema(NotificationSettingsSchema):
    sms_phone_proven = fields.Boolean(
        required=True, metadata={"description": "false: nothing is sent there yet"}
    )


class SmsPhoneSchema(Schema):
    phone = fields.String(
        required=True,
        validate=validate.Regexp(MOBILE, error=PHONE_SHAPE),
    )


class SmsCodeSentSchema(Schema):
    expires_at = Moment(required=True)


class SmsCodeSchema(Schema):
    code = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{6}$"))


class PushTokenSchema(Schema):
    token = fields.String(required=True, validate=validate.Length(1, LONGEST_TOKEN))
    platform = fields.String(required=True, validate=validate.OneOf(("android", "ios", "web")))
    language = fields.String(load_default="vi", validate=validate.OneOf(LANGUAGES))
