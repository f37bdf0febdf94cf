"""What one visit tells about one person, as the book takes it: typed, without I/O.

Frozen to the type checker only: a dataclass that is frozen at run time sets each of its fields by a
call, and a visit has some 15 facts of 20 fields.

`received` holds every field of the source row as it came, money and unknown fields too; `classes`
says what a right must name to open the fact (empty: general). The sources are named by table and
element of QĐ 3176. A `None` is a field that the file did not tell.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeVar, dataclass_transform

from phr_api.vocab import FacilityCode, PaperKind, SensitivityClass

DiagnosisRole = Literal["main", "other", "traditional"]
AFact = TypeVar("AFact")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def _fact(kind: type[AFact]) -> type[AFact]:
    return dataclass(slots=True, kw_only=True)(kind)


@_fact
class Fact:
    """What every fact has."""

    classes: frozenset[SensitivityClass] = frozenset()
    received: dict[str, str] = field(default_factory=dict)


@_fact
class Diagnosis:
    """A code of MA_BENH_CHINH (main), MA_BENH_KT (other) or MA_BENH_YHCT (traditional)."""

    code: str
    role: DiagnosisRole


@_fact
class Encounter(Fact):
    """The visit itself (XML1), or the mere arrival (XML0, `is_arrival`).

    `ended_at` is None when NGAY_RA is the last day of medicine and not the end of the visit; then
    `medicines_until` holds that day.
    """

    visit_key: str  # MA_LK
    facility_code: FacilityCode  # MA_CSKCB
    started_at: datetime  # NGAY_VAO
    admitted_at: datetime | None = None  # NGAY_VAO_NOI_TRU
    ended_at: datetime | None = None  # NGAY_RA
    medicines_until: date | None = None  # NGAY_RA of care types 02, 05, 07
    care_type: str | None = None  # MA_LOAI_KCB, two digits
    category: str | None = None  # MA_DOITUONG_KCB
    reason: str | None = None  # LY_DO_VV, or LY_DO_VNT
    admission_diagnosis: str | None = None  # CHAN_DOAN_VAO
    discharge_diagnosis: str | None = None  # CHAN_DOAN_RV
    diagnoses: tuple[Diagnosis, ...] = ()
    outcome: str | None = None  # KET_QUA_DTRI
    discharge_kind: str | None = None  # MA_LOAI_RV
    treatment: str | None = None  # PP_DIEU_TRI
    advice: str | None = None  # GHI_CHU
    blood_group: str | None = None  # NHOM_MAU
    weight_kg: Decimal | None = None  # CAN_NANG
    departments: tuple[str, ...] = ()  # MA_KHOA, in order of stay
    referred_from: FacilityCode | None = None  # MA_NOI_DI
    referred_to: FacilityCode | None = None  # MA_NOI_DEN
    revisit_on: tuple[date, ...] = ()  # NGAY_TAI_KHAM
    record_number: str | None = None  # MA_HSBA
    patient_code: str | None = None  # MA_BN, the facility's own
    is_arrival: bool = False


@_fact
class Medication(Fact):
    """A line of XML2. `until_on` is the last day by the dose text, where that says so."""

    line_no: int
    code: str | None = None  # MA_THUOC
    name: str  # TEN_THUOC
    strength: str | None = None  # HAM_LUONG
    route: str | None = None  # DUONG_DUNG
    form: str | None = None  # DANG_BAO_CHE
    dose_text: str | None = None  # LIEU_DUNG
    instructions: str | None = None  # CACH_DUNG
    quantity: Decimal | None = None  # SO_LUONG
    unit: str | None = None  # DON_VI_TINH
    ordered_at: datetime | None = None  # NGAY_YL
    until_on: date | None = None
    prescriber: str | None = None  # MA_BAC_SI, a licence code


@_fact
class Procedure(Fact):
    """A line of XML3: a supply when MA_VAT_TU is set, else a service."""

    line_no: int
    kind: Literal["service", "supply"]
    group_code: str | None = None  # MA_NHOM
    code: str | None = None  # MA_DICH_VU, or MA_VAT_TU
    name: str  # TEN_DICH_VU, or TEN_VAT_TU
    quantity: Decimal | None = None  # SO_LUONG
    unit: str | None = None  # DON_VI_TINH
    ordered_at: datetime | None = None  # NGAY_YL
    performed_at: datetime | None = None  # NGAY_TH_YL
    resulted_at: datetime | None = None  # NGAY_KQ


@_fact
class Result(Fact):
    """A line of XML4. `value_num` only when the value is a plain number; no range exists there."""

    line_no: int
    service_code: str | None = None  # MA_DICH_VU
    service_name: str | None = None  # of the line of XML3 with that code
    code: str | None = None  # MA_CHI_SO
    name: str  # TEN_CHI_SO
    value_text: str | None = None  # GIA_TRI
    value_num: Decimal | None = None
    unit: str | None = None  # DON_VI_DO
    description: str | None = None  # MO_TA
    conclusion: str | None = None  # KET_LUAN
    resulted_at: datetime | None = None  # NGAY_KQ


@_fact
class Vitals:
    """What the convention `CSST<M75_T37_HA120/70_NT18_SP98>` of a note tells."""

    pulse: int | None = None
    temperature: Decimal | None = None
    systolic: int | None = None
    diastolic: int | None = None
    respiration: int | None = None
    spo2: int | None = None
    nursing_level: int | None = None


@_fact
class Note(Fact):
    """A line of XML5. Its text may hold `<` and `>`: escape it wherever it is shown as HTML."""

    line_no: int
    noted_at: datetime | None = None  # THOI_DIEM_DBLS
    text: str | None = None  # DIEN_BIEN_LS
    stage: str | None = None  # GIAI_DOAN_BENH
    consultation: str | None = None  # HOI_CHAN
    operation: str | None = None  # PHAU_THUAT
    authors: tuple[str, ...] = ()  # NGUOI_THUC_HIEN, licence codes
    vitals: Vitals | None = None


@_fact
class Programme(Fact):
    """Care under a national programme: a line of XML6 (hiv) or XML15 (tb)."""

    line_no: int
    kind: Literal["hiv", "tb"]
    started_on: date | None = None
    ended_on: date | None = None
    regimen: str | None = None


@_fact
class Paper(Fact):
    """A paper of XML7 to XML14; `details` are its readable parts, camelCase, as the app shows."""

    line_no: int
    kind: PaperKind
    number: str | None = None
    issued_on: date | None = None
    from_on: date | None = None
    to_on: date | None = None
    appointment_on: date | None = None
    to_facility: FacilityCode | None = None
    diagnosis: str | None = None
    details: dict[str, str] = field(default_factory=dict)


@_fact
class Visit:
    """One visit with all that was sent of it."""

    encounter: Encounter
    medications: tuple[Medication, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    results: tuple[Result, ...] = ()
    notes: tuple[Note, ...] = ()
    programmes: tuple[Programme, ...] = ()
    papers: tuple[Paper, ...] = ()
