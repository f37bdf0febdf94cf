"""What one visit says, typed: what intake hands over and `write_visit` stores.

Every fact keeps `received`: all fields of its row as they came, money and unknown ones too.
`classes` are its sensitivity classes, the visit's own included.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from phr_api.vocab import PaperKind, SensitivityClass

Classes = frozenset[SensitivityClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A row that came, and how sensitive it is."""

    classes: Classes
    received: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One code of the visit: the main disease, an accompanying one, or a traditional one."""

    code: str
    role: Literal["main", "other", "traditional"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter(Fact):
    """The visit itself (XML1, or XML0 while the person is still there: `is_arrival`)."""

    care_type: str | None
    patient_category: str | None
    started_at: datetime
    admitted_at: datetime | None
    ended_at: datetime | None
    medicines_until: date | None
    reason: str | None
    admission_diagnosis: str | None
    diagnosis_text: str | None
    diagnoses: tuple[Diagnosis, ...]
    outcome: str | None
    discharge_kind: str | None
    treatment: str | None
    advice: str | None
    weight_kg: Decimal | None
    departments: tuple[str, ...]
    referred_from: str | None
    referred_to: str | None
    follow_up_on: tuple[date, ...]
    record_number: str | None
    is_arrival: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication(Fact):
    """A medicine that was ordered (XML2). `until_on` is the last day it is taken, best effort."""

    code: str | None
    name: str
    strength: str | None
    form: str | None
    route: str | None
    dose_text: str | None
    instructions: str | None
    quantity: Decimal | None
    unit: str | None
    ordered_at: datetime | None
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure(Fact):
    """A service, bed or supply (XML3)."""

    code: str | None
    name: str
    group_code: str | None
    quantity: Decimal | None
    unit: str | None
    ordered_at: datetime | None
    performed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Fact):
    """A laboratory value or a description of an image (XML4); name of the service from XML3.

    `value_num` is set only when the text is plainly a number: "> 150" stays text.
    """

    service_code: str | None
    service_name: str | None
    code: str | None
    name: str
    value_text: str | None
    value_num: Decimal | None
    unit: str | None
    description: str | None
    conclusion: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Fact):
    """A line of the clinical course (XML5)."""

    at: datetime | None
    text: str | None
    stage: str | None
    consultation: str | None
    operation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme(Fact):
    """Care under a national programme: HIV (XML6), tuberculosis (XML15)."""

    kind: Literal["hiv", "tb"]
    started_on: date | None
    ended_on: date | None
    regimen: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper(Fact):
    """A paper that the facility issued (XML7-14). `details` are its readable parts, camelCase."""

    kind: PaperKind
    number: str | None
    issued_on: date | None
    valid_from: date | None
    valid_until: date | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One MA_LK of one facility, with all that came of it."""

    facility_code: str
    visit_key: str
    patient_code: str | None
    encounter: Encounter
    medications: tuple[Medication, ...] = field(default=())
    procedures: tuple[Procedure, ...] = field(default=())
    results: tuple[Result, ...] = field(default=())
    notes: tuple[Note, ...] = field(default=())
    programmes: tuple[Programme, ...] = field(default=())
    papers: tuple[Paper, ...] = field(default=())
