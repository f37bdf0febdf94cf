"""Facilities and code lists: the directory. No patient data."""

from phr_api.clinics.queries import FacilityRow, find_facility, find_facility_names
from phr_api.clinics.service import (
    CodeRow,
    NewFacility,
    load_codes,
    load_demo_codes,
    save_facilities,
)

__all__ = [
    "CodeRow",
    "FacilityRow",
    "NewFacility",
    "find_facility",
    "find_facility_names",
    "load_codes",
    "load_demo_codes",
    "save_facilities",
]
