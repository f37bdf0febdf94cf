"""The line on the day itself."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, TextList, UuidPk


class PriorityClass(Base):
    """Who goes first, by law; rank 0 before all."""

    __tablename__ = "priority_class"

    code: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int]
    display_vi: Mapped[str]
    display_en: Mapped[str]
    min_years: Mapped[int | None]
    max_years: Mapped[int | None]
    source: Mapped[str]


class QueueDay(Base):
    """One line on one day: which number comes next."""

    __tablename__ = "queue_day"
    __table_args__ = (PrimaryKeyConstraint("queue_id", "on_date"),)

    queue_id: Mapped[UUID]
    on_date: Mapped[date]
    facility_code: Mapped[str]
    next_number: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(BigInteger, default=0)


class Ticket(Base):
    """A number in the line; `turn` orders those of one rank."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'called', 'skipped', 'in-room', 'done', 'left')", name="state"
        ),
        CheckConstraint("source IN ('qr', 'card', 'desk', 'walk-in', 'offline')", name="source"),
        UniqueConstraint("queue_id", "on_date", "number", name="uq_ticket_queue_id_on_date_number"),
        Index(
            "uq_ticket_booking_id",
            "booking_id",
            unique=True,
            postgresql_where=text("booking_id IS NOT NULL AND state <> 'left'"),
        ),
        Index(
            "ix_ticket_line",
            "queue_id",
            "on_date",
            "rank",
            "turn",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_ticket_facility_code_on_date", "facility_code", "on_date"),
        Index(
            "ix_ticket_profile_id_on_date",
            "profile_id",
            "on_date",
            postgresql_where=text("profile_id IS NOT NULL"),
        ),
        Index(
            "ix_ticket_account_id_on_date",
            "account_id",
            "on_date",
            postgresql_where=text("via_phone"),
        ),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    queue_id: Mapped[UUID]
    on_date: Mapped[date]
    number: Mapped[int]
    booking_id: Mapped[UUID | None]
    profile_id: Mapped[UUID | None]
    guest_id: Mapped[UUID | None]
    via_phone: Mapped[bool] = mapped_column(default=False)
    account_id: Mapped[UUID | None]
    classes: Mapped[TextList]
    priority: Mapped[str] = mapped_column(ForeignKey("priority_class.code"), default="none")
    rank: Mapped[int] = mapped_column(default=9)
    state: Mapped[str]
    room: Mapped[str | None]
    source: Mapped[str]
    turn: Mapped[Decimal] = mapped_column(Numeric)
    created_at: Mapped[datetime]
    called_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    calls: Mapped[int] = mapped_column(default=0)
    by_name: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class NumberBlock(Base):
    """Numbers given to a desk for when the network is away."""

    __tablename__ = "number_block"
    __table_args__ = (CheckConstraint("first <= last", name="range"),)

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    queue_id: Mapped[UUID]
    on_date: Mapped[date]
    first: Mapped[int]
    last: Mapped[int]
    account_id: Mapped[UUID]
    created_at: Mapped[datetime]


class DayClosing(Base):
    """A day's end: what it changed, so that it can be undone."""

    __tablename__ = "day_closing"
    __table_args__ = (
        Index(
            "uq_day_closing_live",
            "facility_code",
            "on_date",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    on_date: Mapped[date]
    closed_by: Mapped[UUID]
    by_name: Mapped[str]
    closed_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by_name: Mapped[str | None]
    changes: Mapped[Json]
