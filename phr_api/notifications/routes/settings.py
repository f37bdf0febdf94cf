"""How I want to be told, and on which devices."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api.identity import current_principal, require_live
from phr_api.kit.db import unit_of_work
from phr_api.kit.web import language
from phr_api.notifications.routes.blueprint import blp
from phr_api.notifications.schemas.settings import (
    NotificationSettingsSchema,
    PushTokenSchema,
    ShownSettingsSchema,
    SmsCodeSchema,
    SmsCodeSentSchema,
    SmsPhoneSchema,
)
from phr_api.notifications.service import settings as service
from phr_api.notifications.service import sms_codes


@blp.route("/me/notification-settings")
class NotificationSettings(MethodView):
    @blp.etag
    @blp.response(200, ShownSettingsSchema)
    def get(self) -> dict[str, Any]:
        """Read how I want to be told"""
        with unit_of_work() as session:
            held = _read(session)
        blp.tell_version(held)
        return _shown(held)

    @blp.etag
    @blp.arguments(NotificationSettingsSchema)
    @blp.response(200, ShownSettingsSchema)
    def put(self, new: service.NewSettings) -> dict[str, Any]:
        """Replace how I want to be told

        Nothing is sent to another `smsPhone` before it is proven: POST /v1/me/sms-phone.
        """
        with unit_of_work() as session:
            before = _read(session)
            blp.check_version(before)
            held = service.change_settings(session, before, new)
        blp.tell_version(held)
        return _shown(held)


@blp.route("/me/sms-phone", methods=["POST"])
@blp.arguments(SmsPhoneSchema)
@blp.response(202, SmsCodeSentSchema)
def send_sms_code(body: dict[str, str]) -> dict[str, datetime]:
    """Send a code to a number on which I want SMS; asked again within a minute, it is the same one

    It ends after ten minutes. Five codes a day for an account and for a number.
    """
    return {"expires_at": sms_codes.send_code(current_principal(), body["phone"], language())}


@blp.route("/me/sms-phone/proof", methods=["POST"])
@blp.etag
@blp.arguments(SmsCodeSchema)
@blp.response(200, ShownSettingsSchema)
def prove_sms_phone(body: dict[str, str]) -> dict[str, Any]:
    """Prove the number with the code that came there: from now on SMS go to it"""
    sms_codes.prove(current_principal(), body["code"])
    with unit_of_work() as session:
        held = _read(session)
    blp.tell_version(held)
    return _shown(held)


@blp.route("/devices/<uuid:device_id>/push-token")
class DevicePushToken(MethodView):
    @blp.arguments(PushTokenSchema)
    @blp.response(204)
    def put(self, body: dict[str, str], device_id: UUID) -> None:
        """Let this device, the one I am signed in on, hear pushes

        Signing out ends that. Send the token again whenever the app starts: one that was not sent
        for 270 days is dropped.
        """
        principal = current_principal()
        with unit_of_work() as session:
            require_live(session, principal)
            service.bind_token(session, principal, device_id, **body)

    @blp.response(204)
    def delete(self, device_id: UUID) -> None:
        """Let a device of mine hear no more pushes"""
        principal = current_principal()
        with unit_of_work() as session:
            require_live(session, principal)
            service.forget_token(session, principal, device_id)


def _read(session: Session) -> service.Settings:
    principal = current_principal()
    require_live(session, principal)
    return service.read_settings(session, principal.principal_id)


def _shown(held: service.Settings) -> dict[str, Any]:
    channels = [
        {"category": category, "channel": channel, "is_on": is_on}
        for (category, channel), is_on in sorted(held.channels.items())
    ]
    return asdict(held) | {"channels": channels}
