"""Hospitals' files as sentences: who came, what was done, how it is written, what is wrong.

`make_visit(...)` gives tables, `visit_xml(...)` one HOSO, `claim_file(...)` a whole file. What a
test does not say is a plain outpatient visit of a fictional person at facility 99001.
"""

import base64
import gzip as gzip_module
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from phr_api.records.reader.layout import LAYOUTS

Row = dict[str, str]
Tables = dict[str, list[Row]]

FACILITY = "99001"
PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'
BOM = "\ufeff"
LISTS = {
    "XML0": "DSACH_TRANG_THAI_KCB",
    "XML2": "DSACH_CHI_TIET_THUOC",
    "XML3": "DSACH_CHI_TIET_DVKT",
    "XML4": "DSACH_CHI_TIET_CLS",
    "XML5": "DSACH_CHI_TIET_DIEN_BIEN_BENH",
    "XML6": "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
    "XML9": "DSACH_GIAYCHUNGSINH",
    "XML15": "DSACH_CHITIET_DIEUTRI_BENHLAO",
}
DOCTOR = "000001/TEST-GPHN"

_visit_numbers = itertools.count(1)
_serials = itertools.count(0)


def new_ma_lk() -> str:
    """Return a MA_LK that no other visit of this process has."""
    return f"TEST.26.{next(_visit_numbers):06}"


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A fictional person as a hospital knows them; citizen numbers end in 000000 to 000099."""

    name: str = "Nguyễn Thị Thử Nghiệm"
    citizen_number: str = "001190000000"
    birth: str = "199002280000"
    sex: str = "2"
    card: str = "GD4019900000000"
    registered_at: str = FACILITY
    card_from: str = "20260101"
    card_to: str = "20261231"
    phone: str = "0900000000"
    code: str = "TEST-0001"
    more: Mapping[str, str] = field(default_factory=dict)

    def row(self) -> Row:
        """Return the person's part of XML1."""
        return {
            "MA_BN": self.code,
            "HO_TEN": self.name,
            "SO_CCCD": self.citizen_number,
            "NGAY_SINH": self.birth,
            "GIOI_TINH": self.sex,
            "NHOM_MAU": "O+",
            "MA_QUOCTICH": "000",
            "MA_DANTOC": "01",
            "MA_NGHE_NGHIEP": "00",
            "DIA_CHI": "Số 1 Đường Thử, Phường Mẫu, Thành phố Hà Nội",
            "MATINH_CU_TRU": "01",
            "MAHUYEN_CU_TRU": "",
            "MAXA_CU_TRU": "00001",
            "DIEN_THOAI": self.phone,
            "MA_THE_BHYT": self.card,
            "MA_DKBD": self.registered_at if self.card else "",
            "GT_THE_TU": self.card_from if self.card else "",
            "GT_THE_DEN": self.card_to if self.card else "",
        } | dict(self.more)


def new_patient(**overrides: str) -> Patient:
    """Return a woman whom no other test knows: number, card and code of her own.

    After 100 of them the year of birth in the number moves on, so that serials stay below 100.
    """
    serial = next(_serials)
    year = 50 + serial // 100 % 50
    number = f"0011{year:02}{serial % 100:06}"
    patient = Patient(
        citizen_number=number,
        birth=f"19{year:02}02280000",
        card=f"GD401{9_800_000_000 + serial}",
        code=f"TEST-{serial:04}",
    )
    return replace(patient, **overrides)  # type: ignore[arg-type]


def a_medicine(number: int = 1, **overrides: str) -> Row:
    """Return a line of XML2: paracetamol for five days."""
    return {
        "STT": str(number),
        "MA_THUOC": "40.48",
        "MA_NHOM": "4",
        "TEN_THUOC": "Paracetamol Test 500",
        "DON_VI_TINH": "Viên",
        "HAM_LUONG": "500mg",
        "DUONG_DUNG": "1.01",
        "DANG_BAO_CHE": "Viên nén",
        "LIEU_DUNG": "1 viên/lần * 4 lần/ngày * 5 ngày [4 viên/ngày]",
        "CACH_DUNG": "Uống sau ăn & khi sốt > 38.5°C",
        "SO_LUONG": "20.000",
        "DON_GIA": "480.000",
        "THANH_TIEN_BV": "9600.00",
        "MA_BAC_SI": DOCTOR,
        "NGAY_YL": "202610050915",
    } | overrides


def a_service(number: int = 1, **overrides: str) -> Row:
    """Return a line of XML3: a glucose test."""
    return {
        "STT": str(number),
        "MA_DICH_VU": "23.0075.1494",
        "MA_NHOM": "1",
        "TEN_DICH_VU": "Định lượng Glucose [Máu]",
        "DON_VI_TINH": "Lần",
        "SO_LUONG": "1.000",
        "DON_GIA_BV": "22400.000",
        "THANH_TIEN_BV": "22400.00",
        "MA_BAC_SI": DOCTOR,
        "NGAY_YL": "202610050840",
        "NGAY_TH_YL": "202610050840",
        "NGAY_KQ": "202610051005",
    } | overrides


def a_result(number: int = 1, **overrides: str) -> Row:
    """Return a line of XML4: glucose 5.4 mmol/L."""
    return {
        "STT": str(number),
        "MA_DICH_VU": "23.0075.1494",
        "MA_CHI_SO": "",
        "TEN_CHI_SO": "Glucose",
        "GIA_TRI": "5.4",
        "DON_VI_DO": "mmol/L",
        "NGAY_KQ": "202610051005",
        "MA_BS_DOC_KQ": "000003/TEST-GPHN",
    } | overrides


def a_note(number: int = 1, **overrides: str) -> Row:
    """Return a line of XML5 with vitals."""
    return {
        "STT": str(number),
        "DIEN_BIEN_LS": "Sốt nhẹ. CSST<M98_T38.7_HA120/70_NT24_SP94_HL2>",
        "THOI_DIEM_DBLS": "202610050845",
        "NGUOI_THUC_HIEN": DOCTOR,
    } | overrides


def a_referral(**overrides: str) -> Row:
    """Return XML13 with the names of QĐ 3176."""
    return {
        "SO_HOSO": "HS-TEST-02",
        "GIAY_CHUYEN_TUYEN": "GCT-TEST-02",
        "MA_CSKCB": FACILITY,
        "MA_CSKCB_DEN": "99002",
        "NGAY_VAO": "202610050820",
        "NGAY_RA": "202610051030",
        "DAU_HIEU_LS": "Sốt 38.7°C",
        "CHAN_DOAN_RV": "Viêm phổi không xác định",
        "MA_LYDO_CT": "2",
        "HUONG_DIEU_TRI": "Tiếp tục kháng sinh",
    } | overrides


def a_follow_up(**overrides: str) -> Row:
    """Return XML14: come back on 4 November 2026."""
    return {
        "SO_GIAYHEN_KL": "HKL-TEST-01",
        "MA_CSKCB": FACILITY,
        "NGAY_HEN_KL": "20261104",
        "CHAN_DOAN_RV": "Tăng huyết áp vô căn (nguyên phát)",
        "NGAY_CT": "20261005",
    } | overrides


def a_birth_paper(**overrides: str) -> Row:
    """Return XML9 of a child whose mother is the usual person."""
    return {
        "HO_TEN_NND": "Nguyễn Thị Thử Nghiệm",
        "NGAYSINH_NND": "19900228",
        "SO_CCCD_NND": "001190000000",
        "HO_TEN_CON": "Trần Văn Bé",
        "GIOI_TINH_CON": "1",
        "NGAY_SINH_CON": "202610050610",
        "NOI_SINH_CON": "Bệnh viện Thử Nghiệm",
        "CAN_NANG_CON": "3100",
        "SO": "99001.GCS.00001.26",
        "NGAY_CT": "20261005",
    } | overrides


def make_visit(
    ma_lk: str | None = None,
    person: Patient | None = None,
    *,
    facility: str = FACILITY,
    tables: Mapping[str, Sequence[Row]] | None = None,
    without: Iterable[str] = (),
    **summary: str,
) -> Tables:
    """Return the tables of a visit: XML1, a medicine, a service and its result.

    `tables` adds or replaces tables; `without` leaves some out; all other keywords are elements of
    XML1 (`make_visit(MA_BENH_CHINH="B20")`). MA_LK is put into every row that has none.
    """
    key = new_ma_lk() if ma_lk is None else ma_lk
    first = {
        "MA_LK": key,
        "STT": "1",
        **(person or Patient()).row(),
        "LY_DO_VV": "Đau đầu, kiểm tra huyết áp",
        "CHAN_DOAN_VAO": "Tăng huyết áp",
        "CHAN_DOAN_RV": "Tăng huyết áp vô căn (nguyên phát); Nhức đầu",
        "MA_BENH_CHINH": "I10",
        "MA_BENH_KT": "R51;E78.5",
        "MA_DOITUONG_KCB": "1.1",
        "NGAY_VAO": "202610050820",
        "NGAY_RA": "202610051030",
        "KET_QUA_DTRI": "2",
        "MA_LOAI_RV": "1",
        "GHI_CHU": "Ăn nhạt, đo huyết áp hằng ngày",
        "T_TONGCHI_BV": "154615.00",
        "MA_LOAI_KCB": "01",
        "MA_KHOA": "K01",
        "MA_CSKCB": facility,
        "CAN_NANG": "54.50",
        "NGAY_TAI_KHAM": "20261104",
        "MA_HSBA": "PK-TEST-0001",
    }
    whole: dict[str, list[Row]] = {
        "XML1": [first | summary],
        "XML2": [a_medicine()],
        "XML3": [a_service()],
        "XML4": [a_result()],
    }
    whole |= {name: [dict(row) for row in rows] for name, rows in (tables or {}).items()}
    return {
        name: [{"MA_LK": key} | row for row in rows]
        for name, rows in whole.items()
        if name not in set(without)
    }


def make_arrival(ma_lk: str | None = None, person: Patient | None = None, **more: str) -> Row:
    """Return a check-in (XML0): the person has arrived, nothing else is known."""
    whole = (person or Patient()).row()
    known = {name: whole[name] for name in LAYOUTS["XML0"].elements if name in whole}
    return {
        "MA_LK": ma_lk or new_ma_lk(),
        "STT": "1",
        **known,
        "MA_DOITUONG_KCB": "1.1",
        "NGAY_VAO": "202610050820",
        "MA_LOAI_KCB": "01",
        "MA_CSKCB": FACILITY,
        "MA_DICH_VU": "02.1897",
        "TEN_DICH_VU": "Khám Nội",
        "NGAY_YL": "202610050830",
    } | more


def table_xml(
    name: str,
    rows: Sequence[Row],
    *,
    prolog: str = PROLOG,
    wrapped: bool = True,
    cdata: bool = False,
) -> str:
    """Return a table as XML; `wrapped=False` has the list as its root, as in QĐ 4210's time."""
    layout = LAYOUTS[name]
    if name not in LISTS:
        body = "".join(f"<{layout.root}>{_cells(row, cdata)}</{layout.root}>" for row in rows[:1])
        return prolog + body
    body = "".join(f"<{layout.row}>{_cells(row, cdata)}</{layout.row}>" for row in rows)
    body = f"<{LISTS[name]}>{body}</{LISTS[name]}>"
    return prolog + (f"<{layout.root}>{body}</{layout.root}>" if wrapped else body)


def _cells(row: Row, cdata: bool) -> str:  # noqa: FBT001
    if cdata:
        return "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in row.items())
    return "".join(
        f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>"
        for name, value in row.items()
    )


def in_base64(table: str) -> str:
    """Return what NOIDUNGFILE holds as a rule."""
    return base64.b64encode(table.encode()).decode()


def in_folded_base64(table: str) -> str:
    """Return Base64 with a line break after every 76 characters."""
    return base64.encodebytes(table.encode()).decode()


def in_broken_base64(table: str) -> str:
    """Return Base64 whose last characters were lost."""
    return in_base64(table)[:-3] + "*"


def as_elements(table: str) -> str:
    """Return the table as inline child XML."""
    return table.removeprefix(BOM).removeprefix(PROLOG)


def file_xml(name: str, content: str) -> str:
    """Return one FILEHOSO."""
    return f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>\n"


def visit_xml(
    tables: Mapping[str, Sequence[Row]] | None = None,
    *,
    put: Callable[[str], str] = in_base64,
    make_table: Callable[[str, Sequence[Row]], str] = table_xml,
    wrapped: bool = True,
) -> str:
    """Return a HOSO, or its bare FILEHOSOs; papers of several rows become several FILEHOSOs."""
    files = []
    for name, rows in (make_visit() if tables is None else tables).items():
        groups = [rows] if name in LISTS else [[row] for row in rows]
        files += [file_xml(name, put(make_table(name, group))) for group in groups]
    body = "".join(files)
    return f"<HOSO>\n{body}</HOSO>\n" if wrapped else body


def claim_file(  # noqa: PLR0913 - each is one way in which files differ
    visits: Iterable[Mapping[str, Sequence[Row]] | str] = (),
    *,
    facility: str | None = FACILITY,
    declared: int | None = None,
    gzip: bool = False,
    signature: str | None = "<CHUKYDONVI/>",
    path: Sequence[str] = ("THONGTINHOSO", "DANHSACHHOSO"),
    prolog: str = PROLOG,
    newline: str = "\n",
    put: Callable[[str], str] = in_base64,
) -> bytes:
    """Return a file with these visits (tables, or HOSO as text); none given: one plain visit.

    `path` are the elements between the root and the visits; `signature` what stands at the end.
    """
    records = [
        visit if isinstance(visit, str) else visit_xml(visit, put=put)
        for visit in list(visits) or [make_visit()]
    ]
    count = len(records) if declared is None else declared
    unit = f"<THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>\n" if facility else ""
    opening = "".join(f"<{name}>" for name in path)
    closing = "".join(f"</{name}>" for name in reversed(path))
    facts = f"<NGAYLAP>20261005</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>"
    opening = opening.replace("<THONGTINHOSO>", f"<THONGTINHOSO>{facts}")
    text = (
        f"{prolog}<GIAMDINHHS>\n{unit}{opening}\n{''.join(records)}{closing}\n{signature or ''}\n"
        "</GIAMDINHHS>\n"
    )
    raw = text.replace("\n", newline).encode()
    return gzip_module.compress(raw) if gzip else raw


def check_in_file(rows: Iterable[Row]) -> bytes:
    """Return a check-in file: a list of arrivals, each somebody's own."""
    body = table_xml("XML0", list(rows)).removesuffix("</CHI_TIEU_TRANG_THAI_KCB>")
    return f"{body}<CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>".encode()


def bare_table_file(name: str, rows: Sequence[Row], *, wrapped: bool = True) -> bytes:
    """Return a table without an envelope."""
    return table_xml(name, rows, wrapped=wrapped).encode()


def bomb(megabytes: int) -> bytes:
    """Return a small gzip file that inflates to this many MiB of well-formed XML."""
    head, tail = b"<GIAMDINHHS><NGAYLAP>", b"</NGAYLAP></GIAMDINHHS>"
    return gzip_module.compress(head + b" " * (megabytes << 20) + tail)
