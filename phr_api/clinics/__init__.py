"""Facilities and code lists: the directory. No patient data."""

from phr_api.clinics.queries import (
    FacilityRow,
    HolidayRow,
    QueueRow,
    ServiceRow,
    find_facilities_by_code,
    find_facility,
    find_facility_names,
    find_holidays,
    find_practitioner_names,
    find_practitioners_of,
    find_queue,
    find_queues,
    find_service,
    find_services,
)
from phr_api.clinics.service import (
    CodeRow,
    NewFacility,
    ServiceChanged,
    load_codes,
    load_demo_codes,
    save_facilities,
)

__all__ = [
    "CodeRow",
    "FacilityRow",
    "HolidayRow",
    "NewFacility",
    "QueueRow",
    "ServiceChanged",
    "ServiceRow",
    "find_facilities_by_code",
    "find_facility",
    "find_facility_names",
    "find_holidays",
    "find_practitioner_names",
    "find_practitioners_of",
    "find_queue",
    "find_queues",
    "find_service",
    "find_services",
    "load_codes",
    "load_demo_codes",
    "save_facilities",
]
