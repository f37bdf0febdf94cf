"""Writes of the directory: lists that an operator loads, and what a desk says of its clinic."""

from phr_api.clinics.service.loading import (
    CodeRow,
    FacilitiesChanged,
    NewFacility,
    load_codes,
    load_demo_codes,
    read_codes,
    read_facilities,
    save_facilities,
)
from phr_api.clinics.service.offering import (
    NewPractitioner,
    NewQueue,
    NewService,
    ServiceChanged,
)

__all__ = [
    "CodeRow",
    "FacilitiesChanged",
    "NewFacility",
    "NewPractitioner",
    "NewQueue",
    "NewService",
    "ServiceChanged",
    "load_codes",
    "load_demo_codes",
    "read_codes",
    "read_facilities",
    "save_facilities",
]
