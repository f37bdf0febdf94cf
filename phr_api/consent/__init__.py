"""Who may open which record. `open_record()` is the only way to a RecordScope."""

from phr_api.consent.phone import PhoneScope, open_phone
from phr_api.consent.problems import RecordSignInNeeded
from phr_api.consent.service import (
    DirectoryScope,
    FacilityRole,
    FacilityScope,
    RecordOpened,
    RecordScope,
    judge,
    narrow,
    open_directory,
    open_facility,
    open_for_intake,
    open_record,
    refuse,
)

__all__ = [
    "DirectoryScope",
    "FacilityRole",
    "FacilityScope",
    "PhoneScope",
    "RecordOpened",
    "RecordScope",
    "RecordSignInNeeded",
    "judge",
    "narrow",
    "open_directory",
    "open_facility",
    "open_for_intake",
    "open_phone",
    "open_record",
    "refuse",
]
