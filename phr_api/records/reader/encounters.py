"""The visit itself, from XML1, or from the check-in (XML0) while nothing else is known."""

from datetime import date, datetime, timedelta

from phr_api.healthbook import Diagnosis, Encounter
from phr_api.records.reader.cells import Cells, code_list
from phr_api.records.reader.rows import Row
from phr_api.vocab import FacilityCode, SensitivityClass, parse_moment

# NGAY_RA of these is the last day of medicine, not the end of the visit (QĐ 4750, XML1 no. 37).
MEDICINE_CARE = frozenset({"02", "05", "07"})
LONGEST_KEY = 200


def read_encounter(
    cells: Cells,
    *,
    received: Row,
    visit_key: str,
    facility_code: str,
    today: date,
    diagnoses: tuple[Diagnosis, ...],
    classes: frozenset[SensitivityClass],
) -> Encounter | None:
    """Return the encounter, or None with reasons."""
    started_at = _required_moment(cells, "NGAY_VAO")
    ended_at = _optional_moment(cells, "NGAY_RA")
    _check_facility(cells, facility_code)
    _check_keys(cells, visit_key)
    if started_at is None:
        return None
    if started_at.date() > today + timedelta(days=1):
        cells.faults.refuse("visit-in-future", cells.table, "NGAY_VAO")
    if ended_at is not None and ended_at.date() < started_at.date():
        cells.faults.refuse("date-order", cells.table, "NGAY_RA")
    care_type = _care_type(cells.text("MA_LOAI_KCB"))
    medicines_until = None
    if ended_at is not None and (care_type in MEDICINE_CARE or ended_at.date() > today):
        medicines_until, ended_at = ended_at.date(), None
    text = cells.text
    return Encounter(
        classes=classes,
        received=received,
        visit_key=visit_key,
        facility_code=FacilityCode(facility_code),
        started_at=started_at,
        admitted_at=cells.moment("NGAY_VAO_NOI_TRU"),
        ended_at=ended_at,
        medicines_until=medicines_until,
        care_type=care_type,
        category=text("MA_DOITUONG_KCB"),
        reason=text("LY_DO_VV") or text("LY_DO_VNT"),
        admission_diagnosis=text("CHAN_DOAN_VAO"),
        discharge_diagnosis=text("CHAN_DOAN_RV"),
        diagnoses=diagnoses,
        outcome=text("KET_QUA_DTRI"),
        discharge_kind=text("MA_LOAI_RV"),
        treatment=text("PP_DIEU_TRI"),
        advice=text("GHI_CHU"),
        blood_group=text("NHOM_MAU"),
        weight_kg=cells.decimal("CAN_NANG"),
        departments=cells.parts("MA_KHOA"),
        referred_from=_facility(text("MA_NOI_DI")),
        referred_to=_facility(text("MA_NOI_DEN")),
        revisit_on=cells.days("NGAY_TAI_KHAM"),
        record_number=text("MA_HSBA"),
        patient_code=text("MA_BN"),
        is_arrival=cells.table == "XML0",
    )


def read_diagnoses(cells: Cells) -> tuple[Diagnosis, ...]:
    """Return the codes; of several in MA_BENH_CHINH the first is the main one."""
    main = code_list(cells.text("MA_BENH_CHINH"))
    found = {code: Diagnosis(code=code, role="main") for code in main[:1]}
    for code in main[1:] + code_list(cells.text("MA_BENH_KT")):
        found.setdefault(code, Diagnosis(code=code, role="other"))
    for code in code_list(cells.text("MA_BENH_YHCT")):
        found.setdefault(code, Diagnosis(code=code, role="traditional"))
    return tuple(found.values())


def _required_moment(cells: Cells, element: str) -> datetime | None:
    if cells.text(element) is None:
        cells.faults.refuse("required-missing", cells.table, element, expected="yyyymmddHHMM")
        return None
    return _optional_moment(cells, element)


def _optional_moment(cells: Cells, element: str) -> datetime | None:
    """Read a moment that the visit hangs on: a shape that cannot be read refuses it."""
    text = cells.text(element)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        cells.faults.refuse("date-shape", cells.table, element, text=text, expected="yyyymmddHHMM")
        return None


def _check_facility(cells: Cells, facility_code: str) -> None:
    stated = cells.text("MA_CSKCB")
    if stated is not None and stated.upper() != facility_code:
        cells.faults.refuse("facility-mismatch", cells.table, "MA_CSKCB")


def _check_keys(cells: Cells, visit_key: str) -> None:
    for element, value in (("MA_LK", visit_key), ("MA_BN", cells.text("MA_BN") or "")):
        if len(value) > LONGEST_KEY:
            cells.faults.refuse("text-too-long", cells.table, element, text=value)


def _care_type(text: str | None) -> str | None:
    """Return two digits: `1` is written for `01`."""
    return text.zfill(2) if text is not None and text.isdigit() else text


def _facility(text: str | None) -> FacilityCode | None:
    return None if text is None else FacilityCode(text)
