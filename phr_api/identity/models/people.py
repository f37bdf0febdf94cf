"""Whose record it is. Each row is one person's and stands under row-level security (R8)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, TextList, person_table


class Profile(Base):
    """A person. `birth` is as exact as known; earliest and latest are the days that it allows."""

    __tablename__ = "profile"
    __table_args__ = (
        CheckConstraint("sex IN ('male', 'female', 'unknown')", name="sex"),
        CheckConstraint("birth_earliest <= birth_latest", name="birth"),
        {"info": person_table("profile")},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    full_name: Mapped[str]
    name_key: Mapped[str]
    search_key: Mapped[str]
    sex: Mapped[str]
    birth: Mapped[str]
    birth_earliest: Mapped[date]
    birth_latest: Mapped[date]
    phone: Mapped[str | None]
    ethnicity: Mapped[str | None]
    nationality: Mapped[str | None]
    occupation: Mapped[str | None]
    blood_group: Mapped[str | None]
    classes: Mapped[TextList]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ProfileIdentifier(Base):
    """A number of a person. Verified and received ones match; a declared one never does (R11)."""

    __tablename__ = "profile_identifier"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        Index(
            "ix_profile_identifier_value",
            "system",
            "value",
            postgresql_include=["profile_id", "assurance"],
            postgresql_where="ended_at IS NULL AND assurance <> 'declared'",
        ),
        Index(
            "uq_profile_identifier_live",
            "profile_id",
            "system",
            "value",
            "assurance",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        CheckConstraint("assurance IN ('declared', 'verified', 'received')", name="assurance"),
        {"info": person_table("profile")},
    )

    id: Mapped[UUID]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    system: Mapped[str]
    value: Mapped[str]
    assurance: Mapped[str]
    facility_code: Mapped[str | None]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    classes: Mapped[TextList]


class ProfileAddress(Base):
    """Where a person lives, in the division scheme and list version that it was received in."""

    __tablename__ = "profile_address"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("scheme IN ('three-level', 'two-level')", name="scheme"),
        {"info": person_table("profile")},
    )

    id: Mapped[UUID]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    scheme: Mapped[str]
    list_version: Mapped[str]
    province_code: Mapped[str | None]
    district_code: Mapped[str | None]
    commune_code: Mapped[str | None]
    line: Mapped[str | None]
    facility_code: Mapped[str | None]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    classes: Mapped[TextList]


class Coverage(Base):
    """A health-insurance card; replaced by a new row, never overwritten."""

    __tablename__ = "coverage"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        {"info": person_table("coverage")},
    )

    id: Mapped[UUID]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    card_number: Mapped[str]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    registered_facility_code: Mapped[str | None]
    facility_code: Mapped[str | None]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    classes: Mapped[TextList]


class Disagreement(Base):
    """How often a sender's people disagreed with a known number on a day (R11)."""

    __tablename__ = "disagreement"
    __table_args__ = (PrimaryKeyConstraint("facility_code", "client_id", "day"),)

    facility_code: Mapped[str]
    client_id: Mapped[UUID]
    day: Mapped[date]
    count: Mapped[int]
