"""Words of the domain with no I/O: identifiers, names, dates, classes, code systems.

README.md explains the Vietnamese terms.
"""

from phr_api.vocab.dates import VIETNAM, PartialDate, parse_clock, parse_day, parse_moment
from phr_api.vocab.identifiers import (
    InvalidIdentifier,
    check_citizen_number,
    check_facility_code,
    check_phone,
    classify_card,
    classify_person_number,
)
from phr_api.vocab.names import name_key, search_key
from phr_api.vocab.provinces import province_key
from phr_api.vocab.sensitivity import classes_of_codes, classes_of_services, classes_of_text
from phr_api.vocab.words import (
    FacilityCode,
    IdentifierSystem,
    PaperKind,
    Power,
    ProfileId,
    Section,
    SensitivityClass,
    Sex,
)

__all__ = [
    "VIETNAM",
    "FacilityCode",
    "IdentifierSystem",
    "InvalidIdentifier",
    "PaperKind",
    "PartialDate",
    "Power",
    "ProfileId",
    "Section",
    "SensitivityClass",
    "Sex",
    "check_citizen_number",
    "check_facility_code",
    "check_phone",
    "classes_of_codes",
    "classes_of_services",
    "classes_of_text",
    "classify_card",
    "classify_person_number",
    "name_key",
    "parse_clock",
    "parse_day",
    "parse_moment",
    "province_key",
    "search_key",
]
