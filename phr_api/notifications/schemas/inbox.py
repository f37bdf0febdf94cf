"""The inbox on the wire."""

from marshmallow import fields, validate

from phr_api.kit.web import Moment, Schema

MOST_ITEMS = 100


class InboxQuerySchema(Schema):
    after = fields.String(load_default=None, metadata={"description": "`next` of the page before"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST_ITEMS))
    unread = fields.Boolean(load_default=False, metadata={"description": "unread ones only"})


class NotificationRefSchema(Schema):
    kind = fields.String(required=True)
    id = fields.UUID(required=True)


class NotificationSchema(Schema):
    id = fields.UUID(required=True)
    category = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    profile_id = fields.UUID(required=True, allow_none=True)
    ref = fields.Nested(NotificationRefSchema, required=True, allow_none=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    is_read = fields.Boolean(required=True)


class InboxSchema(Schema):
    items = fields.List(fields.Nested(NotificationSchema), required=True)
    unread = fields.Integer(required=True, metadata={"description": "100 means that or more"})
    next = fields.String(required=True, allow_none=True)


class ReadUpToSchema(Schema):
    up_to = fields.UUID(required=True)
