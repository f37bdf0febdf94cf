"""Facts that hospitals sent. Never overwritten: a corrected visit is a new one that supersedes.

Codes are stored, names are joined at read; `received` keeps every field as it came, money too.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    PrimaryKeyConstraint,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, JsonList, TextList, person_table

Received = Annotated[dict[str, str], mapped_column(JSON, server_default="{}")]

STATUS_CHECK = "status IN ('current', 'superseded', 'withdrawn')"


class Fact:
    """Columns of everything received: whose, how sensitive, whether it stands, as it came.

    `received` is json, not jsonb: it is kept in its order and read whole, and costs less to write.
    """

    id: Mapped[UUID]
    profile_id: Mapped[UUID]
    classes: Mapped[TextList]
    status: Mapped[str]
    received: Mapped[Received]


class OfVisit(Fact):
    """A fact of one encounter; the key leads with the person, so it cannot cross records."""

    encounter_id: Mapped[UUID]
    line_no: Mapped[int]


def of_visit(table: str, section: str, *more: object) -> tuple[object, ...]:
    """Return the constraints of a table whose rows belong to an encounter."""
    return (
        PrimaryKeyConstraint("profile_id", "id"),
        ForeignKeyConstraint(
            ["profile_id", "encounter_id"],
            ["encounter.profile_id", "encounter.id"],
        ),
        Index(f"ix_{table}_encounter_id", "profile_id", "encounter_id"),
        CheckConstraint(STATUS_CHECK, name="status"),
        *more,
        {"info": person_table(section)},
    )


class Encounter(Fact, Base):
    """A visit, after FHIR Encounter: one MA_LK of one facility, in one of its versions.

    `diagnoses` is a list of {code, role: main | other | traditional}. `medicines_until` is NGAY_RA
    of the types of care whose end is the last day of medicine (vietnam.md, XML1 no. 37).
    """

    __tablename__ = "encounter"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        ForeignKeyConstraint(
            ["profile_id", "supersedes"], ["encounter.profile_id", "encounter.id"]
        ),
        Index("ix_encounter_timeline", "profile_id", "started_at", "id"),
        CheckConstraint(STATUS_CHECK, name="status"),
        {"info": person_table("encounters")},
    )

    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    supersedes: Mapped[UUID | None]
    superseded_by: Mapped[UUID | None]
    submission_id: Mapped[UUID | None]
    source_state: Mapped[str]
    facility_code: Mapped[str]
    visit_key: Mapped[str]
    patient_code: Mapped[str | None]
    care_type: Mapped[str | None]
    category: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    admitted_at: Mapped[datetime | None]
    medicines_until: Mapped[date | None]
    reason: Mapped[str | None]
    admission_diagnosis: Mapped[str | None]
    discharge_diagnosis: Mapped[str | None]
    diagnoses: Mapped[JsonList]
    outcome: Mapped[str | None]
    discharge_kind: Mapped[str | None]
    treatment: Mapped[str | None]
    advice: Mapped[str | None]
    revisit_on: Mapped[JsonList]
    departments: Mapped[TextList]
    record_number: Mapped[str | None]
    referred_from: Mapped[str | None]
    referred_to: Mapped[str | None]
    blood_group: Mapped[str | None]
    weight_kg: Mapped[Decimal | None] = mapped_column(Numeric)
    is_arrival: Mapped[bool]
    created_at: Mapped[datetime]


class Medication(OfVisit, Base):
    """A medicine that was ordered (XML2)."""

    __tablename__ = "medication"
    __table_args__ = of_visit("medication", "medications")

    code: Mapped[str | None]
    name: Mapped[str]
    strength: Mapped[str | None]
    form: Mapped[str | None]
    route: Mapped[str | None]
    dose_text: Mapped[str | None]
    instructions: Mapped[str | None]
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    ordered_at: Mapped[datetime | None]
    until_on: Mapped[date | None]
    prescriber: Mapped[str | None]


class Procedure(OfVisit, Base):
    """A service, bed or supply (XML3)."""

    __tablename__ = "procedure"
    __table_args__ = of_visit("procedure", "procedures")

    kind: Mapped[str]
    code: Mapped[str | None]
    name: Mapped[str]
    group_code: Mapped[str | None]
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    ordered_at: Mapped[datetime | None]
    performed_at: Mapped[datetime | None]
    resulted_at: Mapped[datetime | None]


class Result(OfVisit, Base):
    """A laboratory value or a description of an image (XML4)."""

    __tablename__ = "result"
    __table_args__ = of_visit(
        "result", "results", Index("ix_result_series", "profile_id", "code", "resulted_at", "id")
    )

    service_code: Mapped[str | None]
    service_name: Mapped[str | None]
    code: Mapped[str | None]
    name: Mapped[str]
    value_text: Mapped[str | None]
    value_num: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    description: Mapped[str | None]
    conclusion: Mapped[str | None]
    resulted_at: Mapped[datetime | None]


class Note(OfVisit, Base):
    """A line of the clinical course (XML5)."""

    __tablename__ = "note"
    __table_args__ = of_visit("note", "notes")

    noted_at: Mapped[datetime | None]
    text: Mapped[str | None]
    stage: Mapped[str | None]
    consultation: Mapped[str | None]
    operation: Mapped[str | None]
    authors: Mapped[TextList]
    vitals: Mapped[Json | None]


class Programme(OfVisit, Base):
    """Care under a national programme: HIV (XML6), tuberculosis (XML15)."""

    __tablename__ = "programme"
    __table_args__ = of_visit("programme", "programmes")

    kind: Mapped[str]
    started_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    regimen: Mapped[str | None]


class Paper(OfVisit, Base):
    """A paper that the facility issued: referral, follow-up, discharge, sick leave … (XML7-14)."""

    __tablename__ = "paper"
    __table_args__ = of_visit("paper", "papers")

    kind: Mapped[str]
    number: Mapped[str | None]
    issued_on: Mapped[date | None]
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]
    appointment_on: Mapped[date | None]
    to_facility: Mapped[str | None]
    diagnosis: Mapped[str | None]
    details: Mapped[Json]


class Immunization(Fact, Base):
    """A dose; written by the vaccination room."""

    __tablename__ = "immunization"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        Index("ix_immunization_timeline", "profile_id", "occurred_on", "id"),
        CheckConstraint(STATUS_CHECK, name="status"),
        {"info": person_table("immunizations")},
    )

    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    vaccine_code: Mapped[str | None]
    vaccine_name: Mapped[str]
    occurred_on: Mapped[date]
    dose_number: Mapped[int | None]
    lot_number: Mapped[str | None]
    facility_code: Mapped[str | None]
    created_at: Mapped[datetime]
