"""Which ways out this process has."""

from phr_api.notifications.service import delivering, sms_codes, streams
from phr_api.notifications.service.sending import ConsoleSender, NoSender, Sender
from phr_api.settings import SettingError, Settings


def configure(settings: Settings) -> None:
    """Choose the senders: what is configured, else the console in development. SettingError."""
    ways = settings.notifications
    default: Sender = ConsoleSender() if settings.is_development else NoSender()
    senders = {"push": default, "sms": default}
    if ways.fcm_credentials is not None:
        from phr_api.notifications.service.push import FcmSender  # noqa: PLC0415 - slow to import

        try:
            senders["push"] = FcmSender(ways.fcm_credentials, url=ways.fcm_url)
        except (ValueError, KeyError):
            reason = "is not the key of a service account"
            raise SettingError("FCM_CREDENTIALS", reason) from None
    codes = default
    if ways.sms_url is not None:
        from phr_api.notifications.service.sms import (  # noqa: PLC0415 - slow to import
            CODE_TIMEOUT,
            SmsGateway,
        )

        senders["sms"] = SmsGateway(ways.sms_url, ways.sms_token)
        codes = SmsGateway(ways.sms_url, ways.sms_token, timeout=CODE_TIMEOUT)
    delivering.use(senders)
    sms_codes.use(codes, settings.secret)
    _Configured.settings = settings
    streams.configure(serves_streams=settings.serves_streams)


class _Configured:
    settings: Settings | None = None


def events_address() -> str:
    """Return where an app opens its stream of events: on the slow process."""
    if _Configured.settings is None:
        raise RuntimeError("notifications are not configured")
    return f"{_Configured.settings.slow_url}/v1/events"
