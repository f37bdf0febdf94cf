"""The directory: everybody may read it; a desk changes its own facility's rows, the worker all."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, CreatedAt, JsonList, TextList, UuidPk, Versioned


class Facility(Base):
    """A place of care, by the 5-character code of the social-insurance list (mã CSKCB)."""

    __tablename__ = "facility"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-Z]{5}$'", name="code"),
        Index("ix_facility_search_key", "search_key", "code"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    province: Mapped[str | None]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    search_key: Mapped[str]
    created_at: Mapped[CreatedAt]
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    remote_licence: Mapped[str | None]  # the number that permits care from afar
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class CodeList(Base):
    """One version of one list, as an operator loaded it; one of each system is current."""

    __tablename__ = "code_list"
    __table_args__ = (
        PrimaryKeyConstraint("system", "version"),
        Index("uq_code_list_current", "system", unique=True, postgresql_where=text("is_current")),
    )

    system: Mapped[str]
    version: Mapped[str]
    loaded_at: Mapped[datetime]
    is_current: Mapped[bool]


class Code(Base):
    """A code's words in one version of its list."""

    __tablename__ = "code"
    __table_args__ = (
        PrimaryKeyConstraint("system", "version", "code"),
        ForeignKeyConstraint(
            ["system", "version"], ["code_list.system", "code_list.version"], ondelete="CASCADE"
        ),
    )

    system: Mapped[str]
    version: Mapped[str]
    code: Mapped[str]
    display_vi: Mapped[str]
    display_en: Mapped[str | None]


class ReferenceVersion(Base):
    """How often the shown names of `directory` or `codes` changed: part of the book's ETag.

    Raised by triggers, so that no writer can forget it.
    """

    __tablename__ = "reference_version"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]


class Practitioner(Versioned, Base):
    """Somebody whom a clinic lists, with the number of the licence to practise."""

    __tablename__ = "practitioner"
    __table_args__ = (
        UniqueConstraint(
            "facility_code", "licence_number", name="uq_practitioner_facility_code_licence_number"
        ),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str] = mapped_column(ForeignKey("facility.code"))
    full_name: Mapped[str]
    title: Mapped[str | None]
    licence_number: Mapped[str]
    specialty: Mapped[str | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]


class ClinicQueue(Base):
    """A line that people wait in: `prefix` before its numbers, `screen_key` for its screen."""

    __tablename__ = "clinic_queue"
    __table_args__ = (CheckConstraint("prefix ~ '^[A-Z]{0,2}$'", name="prefix"),)

    id: Mapped[UuidPk]
    facility_code: Mapped[str] = mapped_column(ForeignKey("facility.code"))
    name: Mapped[str]
    prefix: Mapped[str]
    rooms: Mapped[TextList]
    screen_key: Mapped[str] = mapped_column(unique=True)
    minutes_each: Mapped[int] = mapped_column(default=8)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ClinicService(Versioned, Base):
    """What a clinic offers, and its rules for booking it.

    `visit_kind` and `departments` (MA_KHOA; none: all of them) say which follow-ups it answers.
    """

    __tablename__ = "clinic_service"
    __table_args__ = (
        CheckConstraint("kind IN ('on-site', 'remote')", name="kind"),
        CheckConstraint("minutes BETWEEN 1 AND 480", name="minutes"),
        CheckConstraint("price_vnd >= 0", name="price_vnd"),
        CheckConstraint("respond_minutes BETWEEN 1 AND 20160", name="respond_minutes"),
        CheckConstraint("when_unanswered IN ('confirm', 'decline')", name="when_unanswered"),
        CheckConstraint("visit_kind IN ('consultation', 'follow-up', 'other')", name="visit_kind"),
        UniqueConstraint("facility_code", "code", name="uq_clinic_service_facility_code_code"),
        Index("ix_clinic_service_code", "code", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str] = mapped_column(ForeignKey("facility.code"))
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str | None]
    search_key: Mapped[str]
    kind: Mapped[str]
    minutes: Mapped[int]
    price_vnd: Mapped[int | None] = mapped_column(BigInteger)
    visit_kind: Mapped[str] = mapped_column(default="other")
    departments: Mapped[TextList]
    preparation: Mapped[str | None]
    classes: Mapped[TextList]
    questions: Mapped[JsonList]
    queue_id: Mapped[UUID | None] = mapped_column(ForeignKey("clinic_queue.id"))
    confirms_itself: Mapped[bool] = mapped_column(default=False)
    respond_minutes: Mapped[int] = mapped_column(default=240)
    when_unanswered: Mapped[str] = mapped_column(default="decline")
    lead_minutes: Mapped[int] = mapped_column(default=60)
    cancel_minutes: Mapped[int] = mapped_column(default=120)
    most_open: Mapped[int] = mapped_column(default=2)
    has_waitlist: Mapped[bool] = mapped_column(default=True)
    offer_minutes: Mapped[int] = mapped_column(default=30)
    asks_still_coming: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]


class Holiday(Base):
    """A public holiday, as the yearly decision dates it; never computed."""

    __tablename__ = "holiday"
    __table_args__ = (PrimaryKeyConstraint("country", "on_date"),)

    on_date: Mapped[date]
    country: Mapped[str] = mapped_column(default="VN")
    name_vi: Mapped[str]
    name_en: Mapped[str]
