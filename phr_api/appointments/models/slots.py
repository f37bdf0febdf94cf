"""When people can come: schedules, and the slots and seats made of them."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, UuidPk, Versioned


class Schedule(Versioned, Base):
    """When a service is given again and again; the worker makes slots of it up to `made_until`."""

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint(
            "pattern IN ('weekly', 'month-day', 'nth-weekday', 'dates')", name="pattern"
        ),
        CheckConstraint("starts < ends", name="hours"),
        CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="slot_minutes"),
        CheckConstraint("capacity BETWEEN 1 AND 5000", name="capacity"),
        CheckConstraint("release_days BETWEEN 0 AND 180", name="release_days"),
        CheckConstraint("weekdays <@ ARRAY[1,2,3,4,5,6,7]", name="weekdays"),
        CheckConstraint("nths <@ ARRAY[1,2,3,4,5,-1]", name="nths"),
        Index("ix_schedule_due_at", "due_at", postgresql_where=text("ended_at IS NULL")),
        Index("ix_schedule_service_id", "service_id"),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    service_id: Mapped[UUID] = mapped_column(ForeignKey("clinic_service.id"))
    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    room: Mapped[str | None]
    name: Mapped[str]
    pattern: Mapped[str]
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    month_days: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    nths: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    starts: Mapped[time]
    ends: Mapped[time]
    slot_minutes: Mapped[int]
    capacity: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    works_on_holidays: Mapped[bool] = mapped_column(default=False)
    release_days: Mapped[int] = mapped_column(default=30)
    release_time: Mapped[time] = mapped_column(default=time(7, 0))
    made_until: Mapped[date | None]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]


class ScheduleException(Base):
    """Days that are closed, or extra hours.

    With neither schedule nor practitioner it closes the whole facility.
    """

    __tablename__ = "schedule_exception"
    __table_args__ = (
        CheckConstraint("kind IN ('closed', 'extra')", name="kind"),
        CheckConstraint("from_on <= until_on", name="period"),
        CheckConstraint(
            "kind = 'closed' OR (schedule_id IS NOT NULL AND starts < ends)", name="extra"
        ),
        Index("ix_schedule_exception_facility_code_until_on", "facility_code", "until_on"),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedule.id"))
    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    kind: Mapped[str]
    from_on: Mapped[date]
    until_on: Mapped[date]
    starts: Mapped[time | None]
    ends: Mapped[time | None]
    capacity: Mapped[int | None]
    reason: Mapped[str | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Slot(Base):
    """One time of one schedule that can be booked between `opens_at` and `closes_at`."""

    __tablename__ = "slot"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        UniqueConstraint("schedule_id", "starts_at", name="uq_slot_schedule_id_starts_at"),
        CheckConstraint("starts_at < ends_at", name="period"),
        Index(
            "ix_slot_service_id_starts_at",
            "service_id",
            "starts_at",
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_slot_province_service_code_starts_at",
            "province",
            "service_code",
            "starts_at",
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_slot_facility_code_starts_at", "facility_code", "starts_at"),
    )

    id: Mapped[UuidPk]
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"))
    facility_code: Mapped[str]
    province: Mapped[str | None]
    service_id: Mapped[UUID]
    service_code: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    capacity: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]


class Seat(Base):
    """One place in a slot, made with it; taken by one booking or by none.

    It carries person and time, so that the database itself refuses one person two times at once.
    """

    __tablename__ = "seat"
    __table_args__ = (
        PrimaryKeyConstraint("slot_id", "seat_no"),
        CheckConstraint("(booking_id IS NULL) = (during IS NULL)", name="taken"),
        CheckConstraint(
            "booking_id IS NOT NULL OR (profile_id IS NULL AND account_id IS NULL)", name="owner"
        ),
        Index(
            "ix_seat_free",
            "slot_id",
            "seat_no",
            postgresql_where=text("booking_id IS NULL AND NOT for_waitlist"),
        ),
        Index(
            "ix_seat_for_waitlist",
            "slot_id",
            postgresql_where=text("booking_id IS NULL AND for_waitlist"),
        ),
    )

    slot_id: Mapped[UUID]
    seat_no: Mapped[int]
    facility_code: Mapped[str]
    booking_id: Mapped[UUID | None]
    profile_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    during: Mapped[Range[datetime] | None] = mapped_column(TSTZRANGE)
    for_waitlist: Mapped[bool] = mapped_column(default=False)
