"""What the citizen, or a carer for them, enters: kept apart from what hospitals sent."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, TextList, Versioned, person_table

# An entry made by mistake is marked, never deleted: the feed tells it as a tombstone.
LIVE = "current"
MISTAKEN = "entered-in-error"
STATUS_CHECK = f"status IN ('{LIVE}', '{MISTAKEN}')"
SOURCE_CHECK = "source IN ('self', 'carer')"


class Entered:
    """Columns of everything that people enter: by whom, how often changed, whether it stands."""

    id: Mapped[UUID]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    version: Mapped[int]
    classes: Mapped[TextList]
    status: Mapped[str]
    source: Mapped[str]
    recorded_by: Mapped[UUID]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Allergy(Entered, Versioned, Base):
    """Something the person does not tolerate, after FHIR AllergyIntolerance."""

    __tablename__ = "allergy"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint(STATUS_CHECK, name="status"),
        CheckConstraint(SOURCE_CHECK, name="source"),
        CheckConstraint(
            "category IN ('medication', 'food', 'environment', 'other')", name="category"
        ),
        CheckConstraint("severity IN ('mild', 'moderate', 'severe')", name="severity"),
        {"info": person_table("allergies")},
    )

    substance: Mapped[str]
    category: Mapped[str]
    severity: Mapped[str | None]
    reaction: Mapped[str | None]
    noted_on: Mapped[str | None]
    ended_on: Mapped[date | None]
    note: Mapped[str | None]


class Condition(Entered, Versioned, Base):
    """An illness that the person knows of, after FHIR Condition; `code` is ICD-10 if known."""

    __tablename__ = "condition"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint(STATUS_CHECK, name="status"),
        CheckConstraint(SOURCE_CHECK, name="source"),
        {"info": person_table("conditions")},
    )

    name: Mapped[str]
    code: Mapped[str | None]
    onset: Mapped[str | None]
    ended_on: Mapped[date | None]
    note: Mapped[str | None]


class Measurement(Entered, Versioned, Base):
    """A value measured at home, after FHIR Observation; for blood pressure `value` is systolic.

    `client_id` is the phone's own id: the same one from the same account again is the same value.
    """

    __tablename__ = "measurement"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        Index("uq_measurement_client_id", "profile_id", "recorded_by", "client_id", unique=True),
        Index(
            "ix_measurement_timeline",
            "profile_id",
            "taken_at",
            "id",
            postgresql_where=text("status = 'current'"),
        ),
        CheckConstraint(STATUS_CHECK, name="status"),
        CheckConstraint(SOURCE_CHECK, name="source"),
        CheckConstraint("(kind = 'blood-pressure') = (diastolic IS NOT NULL)", name="diastolic"),
        {"info": person_table("measurements")},
    )

    client_id: Mapped[str]
    kind: Mapped[str]
    value: Mapped[Decimal] = mapped_column(Numeric)
    diastolic: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str]
    taken_at: Mapped[datetime]
    note: Mapped[str | None]


Entry = Allergy | Condition | Measurement
