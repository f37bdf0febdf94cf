"""What people are told, and where it went."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, TextList, UuidPk


class Notification(Base):
    """What somebody has to know: inbox and outbox are this one row, written by its cause."""

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint(
            "category IN ('booking', 'reminder', 'offer', 'record', 'correction', 'access',"
            " 'queue', 'account')",
            name="category",
        ),
        CheckConstraint("num_nonnulls(profile_id, account_id) >= 1", name="owner"),
        Index("ix_notification_profile_id_id", "profile_id", "id"),
        Index(
            "ix_notification_account_id_id",
            "account_id",
            "id",
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        Index(
            "ix_notification_outbox", "due_at", "id", postgresql_where=text("relayed_at IS NULL")
        ),
        Index("ix_notification_ref_id", "ref_id", postgresql_where=text("relayed_at IS NULL")),
    )

    id: Mapped[UuidPk]
    profile_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    via_phone: Mapped[bool] = mapped_column(default=False)
    category: Mapped[str]
    kind: Mapped[str]
    ref_kind: Mapped[str | None]
    ref_id: Mapped[UUID | None]
    params: Mapped[Json]
    classes: Mapped[TextList]
    is_urgent: Mapped[bool] = mapped_column(default=False)
    wants_sms: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]


class InboxMark(Base):
    """A single message that was read."""

    __tablename__ = "inbox_mark"
    __table_args__ = (PrimaryKeyConstraint("account_id", "notification_id"),)

    account_id: Mapped[UUID]
    notification_id: Mapped[UUID]
    read_at: Mapped[datetime]


class InboxState(Base):
    """Everything up to `read_before` was read."""

    __tablename__ = "inbox_state"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    read_before: Mapped[UUID | None]
    updated_at: Mapped[datetime]


class PushToken(Base):
    """Where a device gets its pushes; it counts while its session lives."""

    __tablename__ = "push_token"
    __table_args__ = (
        CheckConstraint("platform IN ('android', 'ios', 'web')", name="platform"),
        UniqueConstraint("account_id", "device_id", name="uq_push_token_account_id_device_id"),
        Index("ix_push_token_seen_at", "seen_at"),
    )

    id: Mapped[UuidPk]
    account_id: Mapped[UUID]
    session_id: Mapped[UUID]
    device_id: Mapped[UUID]
    token: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    platform: Mapped[str]
    language: Mapped[str] = mapped_column(default="vi")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class NotificationSetting(Base):
    """When and in which language an account wants to be told."""

    __tablename__ = "notification_setting"
    __table_args__ = (CheckConstraint("opened IN ('every', 'first', 'emergency')", name="opened"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(default="vi")
    quiet_from: Mapped[time] = mapped_column(default=time(21, 0))
    quiet_until: Mapped[time] = mapped_column(default=time(7, 0))
    opened: Mapped[str] = mapped_column(default="first")
    remind_day_before: Mapped[bool] = mapped_column(default=True)
    remind_two_hours: Mapped[bool] = mapped_column(default=True)
    sms_phone: Mapped[str | None]
    sms_proven_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class SmsCode(Base):
    """The code that was sent to a number, while it lives; only the newest one counts."""

    __tablename__ = "sms_code"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    proven_at: Mapped[datetime | None]


class SmsDay(Base):
    """How many SMS an account or a number, hashed, was sent on a day."""

    __tablename__ = "sms_day"
    __table_args__ = (PrimaryKeyConstraint("key", "on_date"),)

    key: Mapped[bytes] = mapped_column(LargeBinary)
    on_date: Mapped[date]
    count: Mapped[int]


class LineChange(Base):
    """A ticket that changed its line, until the open streams of those who wait were woken."""

    __tablename__ = "line_change"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    queue_id: Mapped[UUID]
    on_date: Mapped[date]
    ticket_id: Mapped[UUID]


class NotificationPreference(Base):
    """A category that an account turned off, or on, for one channel."""

    __tablename__ = "notification_preference"
    __table_args__ = (
        CheckConstraint("channel IN ('push', 'sms')", name="channel"),
        PrimaryKeyConstraint("account_id", "category", "channel"),
    )

    account_id: Mapped[UUID]
    category: Mapped[str]
    channel: Mapped[str]
    is_on: Mapped[bool]


class Delivery(Base):
    """One message to one device or phone, and how it ended."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("channel IN ('push', 'sms')", name="channel"),
        CheckConstraint("state IN ('due', 'handed', 'expired', 'dead')", name="state"),
        UniqueConstraint(
            "notification_id",
            "account_id",
            "channel",
            "token_id",
            name="uq_delivery_notification_id_account_id_channel_token_id",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_delivery_due", "due_at", postgresql_where=text("state = 'due'")),
        Index(
            "ix_delivery_token_id_collapse_id",
            "token_id",
            "collapse_id",
            postgresql_where=text("token_id IS NOT NULL"),
        ),
    )

    id: Mapped[UuidPk]
    notification_id: Mapped[UUID]
    account_id: Mapped[UUID]
    token_id: Mapped[UUID | None]
    channel: Mapped[str]
    state: Mapped[str]
    collapse_id: Mapped[str]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None]
    handed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
