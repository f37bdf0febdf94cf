"""How an account wants to be told, and the devices that it is told on."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import time
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import insert_rows
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotFound, StaleVersion
from phr_api.notifications.models import NotificationPreference, NotificationSetting, PushToken
from phr_api.notifications.problems import NotThisDevice

_BIND = text(
    "SELECT bind_push_token(:account, :session, :device, :id, :token, :hash, :platform, :language,"
    " :at)"
)
_SIGNED_IN_BY = text("SELECT 1 FROM phone_proof WHERE account_id = :account AND phone = :phone")


@dataclass(slots=True, kw_only=True)
class NewSettings:
    """What an account says; the defaults are what counts until it says anything."""

    language: str = "vi"
    quiet_from: time = time(21)
    quiet_until: time = time(7)
    opened: str = "first"
    remind_day_before: bool = True
    remind_two_hours: bool = True
    sms_phone: str | None = None
    channels: Mapping[tuple[str, str], bool] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Settings(NewSettings):
    """What holds now; `version` is 0 until the account said anything.

    `sms_phone_proven`: SMS go there, since the number was proven by a code or by a phone sign-in.
    """

    id: UUID
    version: int
    sms_phone_proven: bool = False


def read_settings(session: Session, account_id: UUID) -> Settings:
    """Return the account's settings, whose scope is set."""
    row = session.get(NotificationSetting, account_id)
    chosen = session.scalars(
        select(NotificationPreference)
        .where(NotificationPreference.account_id == account_id)
        .order_by(NotificationPreference.category, NotificationPreference.channel)
    )
    channels = {(one.category, one.channel): one.is_on for one in chosen}
    if row is None:
        return Settings(id=account_id, version=0, channels=channels)
    return Settings(
        id=account_id,
        version=row.version,
        language=row.language,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        opened=row.opened,
        remind_day_before=row.remind_day_before,
        remind_two_hours=row.remind_two_hours,
        sms_phone=row.sms_phone,
        sms_phone_proven=_is_proven(session, row),
        channels=channels,
    )


def change_settings(session: Session, before: Settings, new: NewSettings) -> Settings:
    """Replace the settings that the caller has seen; StaleVersion when another change came first.

    Another number for SMS is one that was not proven. The account's scope is set.
    """
    values = {name: value for name, value in asdict(new).items() if name != "channels"}
    values |= {"updated_at": clock.now(), "version": before.version + 1}
    if new.sms_phone != before.sms_phone:
        values |= {"sms_proven_at": None}
    written = session.scalar(
        insert(NotificationSetting)
        .values(account_id=before.id, **values)
        .on_conflict_do_update(
            index_elements=["account_id"],
            set_=values,
            where=NotificationSetting.version == before.version,
        )
        .returning(NotificationSetting.version)
    )
    if written is None:
        raise StaleVersion
    session.execute(
        delete(NotificationPreference).where(NotificationPreference.account_id == before.id)
    )
    insert_rows(
        session,
        NotificationPreference,
        [
            {"account_id": before.id, "category": category, "channel": channel, "is_on": is_on}
            for (category, channel), is_on in new.channels.items()
        ],
    )
    session.expire_all()
    return read_settings(session, before.id)


def _is_proven(session: Session, row: NotificationSetting) -> bool:
    if row.sms_phone is None or row.sms_proven_at is not None:
        return row.sms_phone is not None
    parameters = {"account": row.account_id, "phone": row.sms_phone}
    return session.scalar(_SIGNED_IN_BY, parameters) is not None


def bind_token(
    session: Session,
    principal: Principal,
    device_id: UUID,
    *,
    token: str,
    platform: str,
    language: str,
) -> None:
    """Let this device hear pushes while this session lives; the token leaves whoever had it.

    Raises NotThisDevice unless the session is signed in on that device.
    """
    bound = session.scalar(
        _BIND,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "device": device_id,
            "id": new_row_id(),
            "token": token,
            "hash": hashlib.sha256(token.encode()).digest(),
            "platform": platform,
            "language": language,
            "at": clock.now(),
        },
    )
    if not bound:
        raise NotThisDevice


def forget_token(session: Session, principal: Principal, device_id: UUID) -> None:
    """Let a device of the account hear no more pushes; NotFound when it hears none."""
    forgotten = session.scalar(
        delete(PushToken)
        .where(PushToken.account_id == principal.account_id, PushToken.device_id == device_id)
        .returning(PushToken.id)
    )
    if forgotten is None:
        raise NotFound
