"""The fictional facilities and visits of a development database. Nobody's name, nobody's number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import click

from phr_api.clinics import NewFacility, find_facility, save_facilities
from phr_api.commands.demo_claims import Tables, make_file
from phr_api.devprovider.people import CARER, CHILD, CITIZEN, FACILITY, DemoPerson
from phr_api.kit.db import unit_of_work

OTHER_FACILITY = "99002"
FACILITIES = (
    NewFacility(
        code=FACILITY,
        name="Bệnh viện Đa khoa Thử Nghiệm",
        province="Hà Nội",
        address="Số 1 Đường Thử, Phường Mẫu",
        phone="+842400000001",
    ),
    NewFacility(
        code=OTHER_FACILITY,
        name="Bệnh viện Chuyên khoa Mẫu",
        province="Hà Nội",
        address="Số 2 Đường Thử, Phường Mẫu",
        phone="+842400000002",
    ),
    NewFacility(
        code="99003",
        name="Trạm Y tế Phường Mẫu",
        kind="health-station",
        province="Hà Nội",
        address="Số 3 Đường Thử, Phường Mẫu",
        phone="+842400000003",
    ),
)
PATIENT_CODES = {CITIZEN: "DEMO-0001", CARER: "DEMO-0002", CHILD: "DEMO-0003"}
CARDS = {CITIZEN: "GD4019900000000", CARER: "GD4019900000001", CHILD: "TE1019900000002"}
DOCTOR, HEAD = "000001/TEST-GPHN", "000009/TEST-GPHN"
MADE_ON = "20261120"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit in a few words; `tables` turns it into what a hospital sends.

    `starts` and `ends` are yyyymmddHHMM; medicines are (name, strength, dose, days), results
    (service, name, value, unit), papers table → fields.
    """

    person: DemoPerson
    number: str
    starts: str
    ends: str
    code: str
    diagnosis: str
    reason: str
    facility: str = FACILITY
    care: str = "01"
    others: str = ""
    outcome: str = "2"
    discharge: str = "1"
    weight: str = ""
    advice: str = ""
    medicines: tuple[tuple[str, str, str, str], ...] = ()
    results: tuple[tuple[str, str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    papers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def require_facility(code: str, *, is_development: bool) -> None:
    """Raise UsageError unless the directory knows the facility; a demo one is added on a laptop."""
    demo = [facility for facility in FACILITIES if facility.code == code]
    with unit_of_work() as session:
        if find_facility(session, code) is not None:
            return
        if not (is_development and demo):
            raise click.UsageError(
                f"facility {code} is not in the directory: add it with `phr-api facility`"
            )
        save_facilities(session, demo)


def demo_files(visits: Iterable[Visit]) -> dict[str, bytes]:
    """Return one file for each facility, as its software would send it."""
    by_facility: dict[str, list[Tables]] = {}
    for visit in visits:
        by_facility.setdefault(visit.facility, []).append(tables(visit))
    return {
        code: make_file(code, MADE_ON, visits_there) for code, visits_there in by_facility.items()
    }


def tables(visit: Visit) -> Tables:
    """Return the tables of one visit."""
    made: dict[str, list[dict[str, str]]] = {"XML1": [_summary(visit)]}
    made["XML2"] = [_medicine(visit, n, *row) for n, row in enumerate(visit.medicines, 1)]
    made["XML3"] = [_service(visit, n, code) for n, code in enumerate(_services(visit.results), 1)]
    made["XML4"] = [_result(visit, n, *row) for n, row in enumerate(visit.results, 1)]
    made["XML5"] = [_note(visit, n, text) for n, text in enumerate(visit.notes, 1)]
    for name, fields in visit.papers.items():
        made[name] = [{"MA_LK": visit.number, **fields}]
    return {name: rows for name, rows in made.items() if rows}


def _summary(visit: Visit) -> dict[str, str]:
    person = visit.person
    born = person.born_on.strftime("%Y%m%d0000") if person.born_on else ""
    year = visit.starts[:4]
    return {
        "MA_LK": visit.number,
        "STT": "1",
        "MA_BN": PATIENT_CODES[person],
        "HO_TEN": person.name,
        "SO_CCCD": person.citizen_number or "",
        "NGAY_SINH": born,
        "GIOI_TINH": "1" if person.sex == "male" else "2",
        "MA_QUOCTICH": "000",
        "MA_DANTOC": "01",
        "MA_NGHE_NGHIEP": "00",
        "DIA_CHI": "Số 1 Đường Thử, Phường Mẫu, Thành phố Hà Nội",
        "MATINH_CU_TRU": "01",
        "MAXA_CU_TRU": "00001",
        "DIEN_THOAI": "0900000000",
        "MA_THE_BHYT": CARDS[person],
        "MA_DKBD": FACILITY,
        "GT_THE_TU": f"{year}0101",
        "GT_THE_DEN": f"{year}1231",
        "LY_DO_VV": visit.reason,
        "CHAN_DOAN_VAO": visit.diagnosis,
        "CHAN_DOAN_RV": visit.diagnosis,
        "MA_BENH_CHINH": visit.code,
        "MA_BENH_KT": visit.others,
        "MA_DOITUONG_KCB": "1.1",
        "NGAY_VAO": visit.starts,
        "NGAY_VAO_NOI_TRU": visit.starts if visit.care == "03" else "",
        "NGAY_RA": visit.ends,
        "SO_NGAY_DTRI": "0",
        "PP_DIEU_TRI": "Nội khoa",
        "KET_QUA_DTRI": visit.outcome,
        "MA_LOAI_RV": visit.discharge,
        "GHI_CHU": visit.advice,
        "T_TONGCHI_BV": "154615.00",
        "T_TONGCHI_BH": "154615.00",
        "T_BNCCT": "30923.00",
        "T_BHTT": "123692.00",
        "NAM_QT": year,
        "THANG_QT": visit.starts[4:6],
        "MA_LOAI_KCB": visit.care,
        "MA_KHOA": "K01",
        "MA_CSKCB": visit.facility,
        "CAN_NANG": visit.weight,
        "MA_HSBA": f"BA-{visit.number}",
        "MA_TTDV": HEAD,
    }


def _medicine(visit: Visit, number: int, *row: str) -> dict[str, str]:
    name, strength, dose, quantity = row
    return {
        "MA_LK": visit.number,
        "STT": str(number),
        "MA_THUOC": f"40.{number}",
        "MA_NHOM": "4",
        "TEN_THUOC": name,
        "DON_VI_TINH": "Viên",
        "HAM_LUONG": strength,
        "DUONG_DUNG": "1.01",
        "DANG_BAO_CHE": "Viên nén",
        "LIEU_DUNG": dose,
        "CACH_DUNG": "Uống sau ăn",
        "SO_LUONG": f"{quantity}.000",
        "DON_GIA": "480.000",
        "MA_KHOA": "K01",
        "MA_BAC_SI": DOCTOR,
        "NGAY_YL": visit.starts,
    }


def _services(results: Iterable[tuple[str, str, str, str]]) -> list[str]:
    return sorted({row[0] for row in results})


def _service(visit: Visit, number: int, code: str) -> dict[str, str]:
    return {
        "MA_LK": visit.number,
        "STT": str(number),
        "MA_DICH_VU": code,
        "MA_NHOM": "2" if code.startswith("18") else "1",
        "TEN_DICH_VU": f"Dịch vụ {code}",
        "DON_VI_TINH": "Lần",
        "SO_LUONG": "1.000",
        "DON_GIA_BV": "22400.000",
        "MA_KHOA": "K01",
        "MA_BAC_SI": DOCTOR,
        "NGAY_YL": visit.starts,
        "NGAY_KQ": visit.starts,
    }


def _result(visit: Visit, number: int, *row: str) -> dict[str, str]:
    service, name, value, unit = row
    return {
        "MA_LK": visit.number,
        "STT": str(number),
        "MA_DICH_VU": service,
        "MA_CHI_SO": name.upper().replace(" ", "_"),
        "TEN_CHI_SO": name,
        "GIA_TRI": value,
        "DON_VI_DO": unit,
        "MO_TA": "",
        "KET_LUAN": "",
        "NGAY_KQ": visit.starts,
        "MA_BS_DOC_KQ": DOCTOR,
    }


def _note(visit: Visit, number: int, text: str) -> dict[str, str]:
    return {
        "MA_LK": visit.number,
        "STT": str(number),
        "DIEN_BIEN_LS": text,
        "THOI_DIEM_DBLS": visit.starts,
        "NGUOI_THUC_HIEN": DOCTOR,
    }
