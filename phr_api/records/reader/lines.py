"""Lines of XML2 to XML6 and XML15 as facts of the book."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from phr_api.healthbook import (
    Medication,
    Note,
    Procedure,
    Programme,
    Result,
    Vitals,
)
from phr_api.records.reader.cells import Cells, Faults, plain_number
from phr_api.records.reader.rows import Row, canonical
from phr_api.records.reader.telling import NONE, Classes, Labels
from phr_api.vocab import VIETNAM, SensitivityClass

HIV_PROGRAMME = frozenset({SensitivityClass.HIV})
TB_PROGRAMME = frozenset({SensitivityClass.TB})
NAMELESS = "?"
LONGEST_CODE = 500  # an index row of the database holds no more than 2,700 bytes
MOST_DAYS = 400

# "1 viên/lần * 4 lần/ngày * 5 ngày [4 viên/ngày]": the days stand alone between stars (QĐ 4750).
DAYS = re.compile(r"[*x]\s*([0-9]{1,3})\s*ng(?:à|à)y(?!\s*/)")
VITALS = re.compile(r"CSST\s*<([^>]{1,120})>")
VITAL = re.compile(r"(HA|NT|SP|HL|M|T)\s*([0-9]{1,3}(?:\.[0-9]{1,2})?)(?:/([0-9]{1,3}))?")


@dataclass(slots=True, kw_only=True)
class Lines:
    """What the lines of one visit are read with.

    `classes` are those of every fact of the visit, `labels` tell those of a row.
    """

    tables: dict[str, list[Row]]
    faults: Faults
    classes: Classes
    labels: Labels
    medicines_until: date | None = None

    def cells(self, table: str) -> Iterator[Cells]:
        """Give the rows of a table, to be read by QĐ 3176's names."""
        for number, row in enumerate(self.tables.get(table, ()), start=1):
            yield Cells(self.faults, table, number, canonical(table, row))

    def received(self, cells: Cells) -> Row:
        """Return the row as it came."""
        return self.tables[cells.table][cells.number - 1]

    def classes_of(self, cells: Cells) -> Classes:
        """Return the visit's classes and those that this line's own cells tell."""
        return self.classes | self.labels.of_row(self.received(cells))


def read_medications(lines: Lines) -> tuple[Medication, ...]:
    """Return the medicines of XML2, with the last day that the dose text or the visit says."""
    return tuple(_medication(lines, cells) for cells in lines.cells("XML2"))


def _medication(lines: Lines, cells: Cells) -> Medication:
    text = cells.text
    ordered_at = cells.moment("NGAY_YL")
    dose = text("LIEU_DUNG")
    return Medication(
        classes=lines.classes_of(cells),
        received=lines.received(cells),
        line_no=cells.line_no(),
        code=text("MA_THUOC"),
        name=text("TEN_THUOC") or text("MA_THUOC") or NAMELESS,
        strength=text("HAM_LUONG"),
        route=text("DUONG_DUNG"),
        form=text("DANG_BAO_CHE"),
        dose_text=dose,
        instructions=text("CACH_DUNG"),
        quantity=cells.decimal("SO_LUONG"),
        unit=text("DON_VI_TINH"),
        ordered_at=ordered_at,
        until_on=last_day(dose, ordered_at) or lines.medicines_until,
        prescriber=text("MA_BAC_SI"),
    )


def last_day(dose: str | None, ordered_at: datetime | None) -> date | None:
    """Return the last day of medicine that a dose text says, counted from the day of the order."""
    if not dose or ordered_at is None or not (found := DAYS.search(dose)):
        return None
    days = int(found.group(1))
    if not 0 < days <= MOST_DAYS:
        return None
    return ordered_at.astimezone(VIETNAM).date() + timedelta(days=days - 1)


def read_procedures(lines: Lines) -> tuple[Procedure, ...]:
    """Return the services, beds and supplies of XML3."""
    return tuple(_procedure(lines, cells) for cells in lines.cells("XML3"))


def _procedure(lines: Lines, cells: Cells) -> Procedure:
    text = cells.text
    supply = text("MA_VAT_TU")
    service = text("MA_DICH_VU")
    return Procedure(
        classes=lines.classes_of(cells),
        received=lines.received(cells),
        line_no=cells.line_no(),
        kind="supply" if supply else "service",
        group_code=text("MA_NHOM"),
        code=supply or service,
        name=(text("TEN_VAT_TU") if supply else None)
        or text("TEN_DICH_VU")
        or text("TEN_VAT_TU")
        or supply
        or service
        or NAMELESS,
        quantity=cells.decimal("SO_LUONG"),
        unit=text("DON_VI_TINH"),
        ordered_at=cells.moment("NGAY_YL"),
        performed_at=cells.moment("NGAY_TH_YL"),
        resulted_at=cells.moment("NGAY_KQ"),
    )


def read_results(lines: Lines) -> tuple[Result, ...]:
    """Return the results of XML4; the service's name comes from the line of XML3 with its code.

    What that line tells (the service, the disease it was done for) its results tell too.
    """
    services: dict[str, tuple[str | None, Classes]] = {}
    for row in lines.tables.get("XML3", ()):
        if code := row.get("MA_DICH_VU"):
            _, classes = services.get(code, (None, NONE))
            classes |= lines.labels.of_row(row)
            services[code] = (row.get("TEN_DICH_VU") or None, classes)
    return tuple(_result(lines, cells, services) for cells in lines.cells("XML4"))


def _result(lines: Lines, cells: Cells, services: dict[str, tuple[str | None, Classes]]) -> Result:
    text = cells.text
    service = text("MA_DICH_VU")
    service_name, service_classes = services.get(service or "", (None, NONE))
    code = text("MA_CHI_SO")
    if code and len(code) > LONGEST_CODE:
        lines.faults.refuse("text-too-long", "XML4", "MA_CHI_SO", text=code)
    value = text("GIA_TRI")
    return Result(
        classes=lines.classes_of(cells) | service_classes,
        received=lines.received(cells),
        line_no=cells.line_no(),
        service_code=service,
        service_name=service_name,
        code=code,
        name=text("TEN_CHI_SO") or service_name or code or service or NAMELESS,
        value_text=value,
        value_num=plain_number(value),
        unit=text("DON_VI_DO"),
        description=text("MO_TA"),
        conclusion=text("KET_LUAN"),
        resulted_at=cells.moment("NGAY_KQ"),
    )


def read_notes(lines: Lines) -> tuple[Note, ...]:
    """Return the clinical course of XML5."""
    return tuple(_note(lines, cells) for cells in lines.cells("XML5"))


def _note(lines: Lines, cells: Cells) -> Note:
    text = cells.text
    return Note(
        classes=lines.classes_of(cells),
        received=lines.received(cells),
        line_no=cells.line_no(),
        noted_at=cells.moment("THOI_DIEM_DBLS"),
        text=text("DIEN_BIEN_LS"),
        stage=text("GIAI_DOAN_BENH"),
        consultation=text("HOI_CHAN"),
        operation=text("PHAU_THUAT"),
        authors=cells.parts("NGUOI_THUC_HIEN"),
        vitals=read_vitals(text("DIEN_BIEN_LS")),
    )


def read_vitals(note: str | None) -> Vitals | None:
    """Read `CSST<M75_T37_HA120/70_NT18_SP98_HL2>` (QĐ 4750), as far as it holds to that."""
    if not note or "CSST" not in note or not (found := VITALS.search(note)):
        return None
    values: dict[str, int | Decimal] = {}
    for part in found.group(1).split("_"):
        if vital := VITAL.fullmatch(part.strip()):
            values |= _vital(*vital.groups())
    return Vitals(**values) if values else None  # type: ignore[arg-type]


def _vital(kind: str, value: str, second: str | None) -> dict[str, int | Decimal]:
    if kind == "T":
        return {"temperature": Decimal(value)}
    whole = int(Decimal(value))
    if kind == "HA":
        pressure: dict[str, int | Decimal] = {"systolic": whole}
        return pressure | ({"diastolic": int(second)} if second else {})
    names = {"M": "pulse", "NT": "respiration", "SP": "spo2", "HL": "nursing_level"}
    return {names[kind]: whole}


def read_programmes(lines: Lines) -> tuple[Programme, ...]:
    """Return HIV care (XML6) and tuberculosis care (XML15)."""
    return (
        *(_hiv(lines, cells) for cells in lines.cells("XML6")),
        *(_tb(lines, cells) for cells in lines.cells("XML15")),
    )


def _hiv(lines: Lines, cells: Cells) -> Programme:
    has_tb = cells.text("LOAI_DTRI_LAO") not in {None, "0"}
    return Programme(
        classes=lines.classes_of(cells) | HIV_PROGRAMME | (TB_PROGRAMME if has_tb else frozenset()),
        received=lines.received(cells),
        line_no=cells.line_no(),
        kind="hiv",
        started_on=cells.day("BDDT_ARV") or cells.day("NGAYKD_HIV"),
        regimen=cells.text("MA_PHAC_DO_DIEU_TRI") or cells.text("MA_PHAC_DO_DIEU_TRI_BD"),
    )


def _tb(lines: Lines, cells: Cells) -> Programme:
    has_hiv = cells.text("PHANLOAI_LAO_HIV") == "1" or bool(
        cells.text("NGAYKD_HIV") or cells.text("BDDT_ARV")
    )
    return Programme(
        classes=lines.classes_of(cells)
        | TB_PROGRAMME
        | (HIV_PROGRAMME if has_hiv else frozenset()),
        received=lines.received(cells),
        line_no=cells.line_no(),
        kind="tb",
        started_on=cells.day("NGAYBD_DTRI_LAO"),
        ended_on=cells.day("NGAYKT_DTRI_LAO"),
        regimen=cells.text("PHACDO_DTRI_LAO"),
    )
