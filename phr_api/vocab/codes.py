"""Names of the code systems, and the small list of words that comes with the house.

The list is worded by us, for demonstration and tests; operators load the official ones. A code that
no list knows is shown as itself.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources


class CodeSystem(StrEnum):
    """What a code is a code of; the values stand in the database and on the wire."""

    ICD10 = "icd10"  # MA_BENH_*
    CARE_TYPE = "care-type"  # MA_LOAI_KCB
    OUTCOME = "outcome"  # KET_QUA_DTRI
    DISCHARGE_KIND = "discharge-kind"  # MA_LOAI_RV
    PATIENT_CATEGORY = "patient-category"  # MA_DOITUONG_KCB
    SERVICE_GROUP = "service-group"  # MA_NHOM
    SEX = "sex"  # GIOI_TINH
    PAPER_KIND = "paper-kind"  # XML7 to XML14
    REFERRAL_REASON = "referral-reason"  # MA_LYDO_CT
    COVERAGE_SCOPE = "coverage-scope"  # PHAM_VI
    PAYMENT_METHOD = "payment-method"  # MA_PTTT
    MEDICINE_SOURCE = "medicine-source"  # NGUON_CTRA
    MEDICINE_ROUTE = "medicine-route"  # DUONG_DUNG
    ANAESTHESIA = "anaesthesia"  # PP_VO_CAM
    LIVING_AREA = "living-area"  # MA_KHUVUC
    DEPARTMENT = "department"  # MA_KHOA
    ETHNICITY = "ethnicity"  # MA_DANTOC
    NATIONALITY = "nationality"  # MA_QUOCTICH
    OCCUPATION = "occupation"  # MA_NGHE_NGHIEP
    PROVINCE_2025 = "province-2025"
    PROVINCE_63 = "province-63"


@dataclass(frozen=True, slots=True)
class CodeWords:
    """A code with its words in Vietnamese and English."""

    system: CodeSystem
    code: str
    vi: str
    en: str


@lru_cache(maxsize=1)
def demo_codes() -> tuple[CodeWords, ...]:
    """Return the small list, by system and code."""
    text = resources.files("phr_api.vocab").joinpath("data/codes.csv").read_text(encoding="utf-8")
    return tuple(
        CodeWords(CodeSystem(row["system"]), row["code"], row["vi"], row["en"])
        for row in csv.DictReader(text.splitlines())
    )
