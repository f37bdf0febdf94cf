"""Papers that the facility issued with the visit: XML7 to XML14."""

from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from phr_api.healthbook import Paper
from phr_api.records.reader.cells import Cells
from phr_api.records.reader.layout import ASSESSMENT
from phr_api.records.reader.lines import Lines
from phr_api.records.reader.tables import ReadVisit
from phr_api.records.reader.telling import NONE, Classes
from phr_api.vocab import (
    FacilityCode,
    PaperKind,
    SensitivityClass,
    classes_of_codes,
    classes_of_text,
)

REPRODUCTIVE = frozenset({SensitivityClass.REPRODUCTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where each part of one kind of paper stands."""

    kind: PaperKind
    number: tuple[str, ...] = ()
    issued: tuple[str, ...] = ("NGAY_CT",)
    from_on: str = ""
    to_on: str = ""
    appointment: str = ""
    to_facility: str = ""
    details: dict[str, str]
    classes: Callable[[Cells], Classes] = lambda _: NONE


def _of_ended_pregnancy(cells: Cells) -> Classes:
    is_told = cells.text("MA_DINH_CHI_THAI") == "1" or bool(cells.text("TUOI_THAI"))
    return REPRODUCTIVE if is_told else NONE


FORMS = {
    "XML7": Form(
        kind=PaperKind.DISCHARGE,
        number=("SO_LUU_TRU",),
        from_on="NGOAITRU_TUNGAY",
        to_on="NGOAITRU_DENNGAY",
        details={
            "admittedAt": "NGAY_VAO",
            "dischargedAt": "NGAY_RA",
            "department": "MA_KHOA_RV",
            "treatment": "PP_DIEUTRI",
            "note": "GHI_CHU",
            "daysOff": "SO_NGAY_NGHI",
            "pregnancyEndedBecause": "NGUYENNHAN_DINHCHI",
            "pregnancyEndedAt": "THOIGIAN_DINHCHI",
            "gestationalWeeks": "TUOI_THAI",
            "fatherName": "HO_TEN_CHA",
            "motherName": "HO_TEN_ME",
            "doctor": "TEN_BS",
        },
        classes=_of_ended_pregnancy,
    ),
    "XML8": Form(
        kind=PaperKind.SUMMARY,
        details={
            "admittedAt": "NGAY_VAO",
            "dischargedAt": "NGAY_RA",
            "admissionDiagnosis": "CHAN_DOAN_VAO",
            "history": "QT_BENHLY",
            "results": "TOMTAT_KQ",
            "treatment": "PP_DIEUTRI",
            "outcome": "KET_QUA_DTRI",
            "note": "GHI_CHU",
            "childBornOn": "NGAY_SINHCON",
            "childDiedOn": "NGAY_CONCHET",
            "fatherName": "HO_TEN_CHA",
            "motherName": "HO_TEN_ME",
            "guardianName": "NGUOI_GIAM_HO",
            "employer": "DON_VI",
        },
        classes=lambda cells: REPRODUCTIVE if cells.text("SO_CONCHET") else NONE,
    ),
    "XML9": Form(
        kind=PaperKind.BIRTH,
        number=("SO",),
        details={
            "book": "QUYEN_SO",
            "childName": "HO_TEN_CON",
            "childSex": "GIOI_TINH_CON",
            "bornAt": "NGAY_SINH_CON",
            "place": "NOI_SINH_CON",
            "weightGrams": "CAN_NANG_CON",
            "condition": "TINH_TRANG_CON",
            "childrenInThisBirth": "SO_CON",
            "birthNumber": "LAN_SINH",
            "livingChildren": "SO_CON_SONG",
            "isCaesarean": "SINHCON_PHAUTHUAT",
            "isBefore32Weeks": "SINHCON_DUOI32TUAN",
            "motherName": "HO_TEN_NND",
            "fatherName": "HO_TEN_CHA",
            "temporaryCard": "MA_THE_TAM",
            "attendant": "NGUOI_DO_DE",
            "note": "GHI_CHU",
        },
        classes=lambda _: REPRODUCTIVE,
    ),
    "XML10": Form(
        kind=PaperKind.PREGNANCY_REST,
        number=("SO_SERI", "SO_CT"),
        from_on="TU_NGAY",
        to_on="DEN_NGAY",
        details={"daysOff": "SO_NGAY", "employer": "DON_VI", "doctor": "TEN_BS"},
        classes=lambda _: REPRODUCTIVE,
    ),
    "XML11": Form(
        kind=PaperKind.SICK_LEAVE,
        number=("SO_SERI", "SO_CT"),
        from_on="TU_NGAY",
        to_on="DEN_NGAY",
        details={
            "form": "MAU_SO",
            "daysOff": "SO_NGAY_NGHI",
            "treatment": "PP_DIEUTRI",
            "employer": "DON_VI",
            "gestationalWeeks": "TUOI_THAI",
            "pregnancyEndedBecause": "NGUYENNHAN_DINHCHI",
            "fatherName": "HO_TEN_CHA",
            "motherName": "HO_TEN_ME",
        },
        classes=_of_ended_pregnancy,
    ),
    "XML13": Form(
        kind=PaperKind.REFERRAL,
        number=("GIAY_CHUYEN_TUYEN", "SO_CHUYENTUYEN", "SO_HOSO"),
        issued=("NGAY_CT", "NGAY_RA"),
        to_facility="MA_CSKCB_DEN",
        details={
            "referralReason": "MA_LYDO_CT",
            "admittedAt": "NGAY_VAO",
            "dischargedAt": "NGAY_RA",
            "signs": "DAU_HIEU_LS",
            "history": "QT_BENHLY",
            "results": "TOMTAT_KQ",
            "treatment": "PP_DIEUTRI",
            "condition": "TINH_TRANG_CT",
            "plan": "HUONG_DIEU_TRI",
            "services": "TEN_DICH_VU",
            "medicines": "TEN_THUOC",
            "transport": "PHUONGTIEN_VC",
            "escort": "HOTEN_NGUOI_HT",
            "escortTitle": "CHUCDANH_NGUOI_HT",
        },
    ),
    "XML14": Form(
        kind=PaperKind.FOLLOW_UP,
        number=("SO_GIAYHEN_KL",),
        appointment="NGAY_HEN_KL",
        details={"admittedAt": "NGAY_VAO", "dischargedAt": "NGAY_RA", "doctorCode": "MA_BAC_SI"},
    ),
}


def read_papers(lines: Lines, visit: ReadVisit) -> tuple[Paper, ...]:
    """Return the papers in the order of their tables; XML12 is kept whole and shown as such."""
    papers: list[Paper] = []
    for table, form in FORMS.items():
        if table in lines.tables:
            papers.extend(_paper(lines, cells, form) for cells in lines.cells(table))
    for number, raw in enumerate(visit.whole.get(ASSESSMENT, ()), start=1):
        text = raw.decode(errors="replace")
        words = unescape(text)
        papers.append(
            Paper(
                kind=PaperKind.MEDICAL_ASSESSMENT,
                line_no=number,
                classes=lines.classes | classes_of_text(words) | classes_of_codes([words]),
                received={ASSESSMENT: text},
            )
        )
    return tuple(papers)


def _paper(lines: Lines, cells: Cells, form: Form) -> Paper:
    to_facility = cells.text(form.to_facility)
    return Paper(
        classes=lines.classes_of(cells) | form.classes(cells),
        received=lines.received(cells),
        line_no=cells.number,
        kind=form.kind,
        number=next(filter(None, map(cells.text, form.number)), None),
        issued_on=next(filter(None, map(cells.day, form.issued)), None),
        from_on=cells.day(form.from_on),
        to_on=cells.day(form.to_on),
        appointment_on=cells.day(form.appointment),
        to_facility=None if to_facility is None else FacilityCode(to_facility),
        diagnosis=cells.text("CHAN_DOAN_RV"),
        details=cells.details(form.details),
    )
