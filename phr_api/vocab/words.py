"""Ids and closed lists of words. Their values are sent and stored: never renamed."""

from enum import StrEnum
from typing import NewType
from uuid import UUID

ProfileId = NewType("ProfileId", UUID)
FacilityCode = NewType("FacilityCode", str)


class Section(StrEnum):
    """Parts of a person's record that a right may name."""

    PROFILE = "profile"
    COVERAGE = "coverage"
    ENCOUNTERS = "encounters"
    MEDICATIONS = "medications"
    RESULTS = "results"
    PROCEDURES = "procedures"
    NOTES = "notes"
    PROGRAMMES = "programmes"
    PAPERS = "papers"
    IMMUNIZATIONS = "immunizations"
    ALLERGIES = "allergies"
    CONDITIONS = "conditions"
    MEASUREMENTS = "measurements"


class SensitivityClass(StrEnum):
    """Classes that a grant opens only by name (RIGHTS R8)."""

    HIV = "hiv"
    TB = "tb"
    MENTAL = "mental"
    REPRODUCTIVE = "reproductive"


class Sex(StrEnum):
    """FHIR R4 AdministrativeGender, as far as GIOI_TINH goes: 1, 2, 3."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


class IdentifierSystem(StrEnum):
    """What kind of number a person's number is."""

    CITIZEN = "citizen-id"
    OLD = "old-id"
    PASSPORT = "passport"
    CARD = "bhyt-card"
    INSURANCE = "bhxh"


class PaperKind(StrEnum):
    """Papers of a visit, by the table they come in (vietnam.md §3.2)."""

    DISCHARGE = "discharge"
    SUMMARY = "summary"
    BIRTH = "birth"
    PREGNANCY_REST = "pregnancy-rest"
    SICK_LEAVE = "sick-leave"
    MEDICAL_ASSESSMENT = "medical-assessment"
    REFERRAL = "referral"
    FOLLOW_UP = "follow-up"


class Power(StrEnum):
    """What a carer may do (RIGHTS R17)."""

    SEE = "see"
    BOOK = "book"
    JOIN = "join"
    SHARE = "share"
