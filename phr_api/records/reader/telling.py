"""Which rows tell of something sensitive: every cell is looked at that may hold words or codes.

Left out are only the columns of names, addresses, numbers, dates and money that the standard knows;
an element that it does not know, or a repeated one, may say anything.
"""

from collections.abc import Iterable
from itertools import chain

from phr_api.records.reader.layout import ARRIVAL, KNOWN, SUMMARY
from phr_api.records.reader.rows import Row
from phr_api.vocab import (
    SensitivityClass,
    classes_of_codes,
    classes_of_services,
    classes_of_text,
)

Classes = frozenset[SensitivityClass]
NONE: Classes = frozenset()

SILENT_BEGINNINGS = (
    *("NGAY", "THOI_DIEM", "THOIGIAN_", "NAM_", "THANG_", "GT_THE"),  # moments and days
    *("SO_", "STT", "T_", "THANH_TIEN", "DON_GIA", "TYLE_", "MUC_HUONG", "CAN_NANG"),
    *("HO_TEN", "HOTEN_", "TEN_BS", "NGUOI_", "CHUCDANH_", "GIOI_TINH", "NHOM_MAU"),
    *("DIA_CHI", "MATINH_", "MAHUYEN_", "MAXA_", "NOI_", "NOICAP_", "DIEN_THOAI", "MA_KHU"),
    *("MA_LK", "MA_BN", "MA_THE", "MA_DKBD", "MA_HSBA", "MA_BHXH", "MA_CHA", "MA_ME", "MA_YTE"),
    *("MA_CSKCB", "MA_NOI_", "MA_BAC", "MA_BS", "MA_TTDV", "MA_KHOA", "MA_GIUONG", "MA_NHOM"),
    *("MA_QUOCTICH", "MA_DANTOC", "MA_NGHE", "MA_DOITUONG", "DON_VI_", "TT_THAU", "PHAM_VI"),
    *("QUYEN_SO", "GIAY_CHUYEN_TUYEN", "TAI_SU_DUNG"),
)
SILENT = frozenset({"SO", "MA_LOAI_KCB", "MA_LOAI_RV"})
DIAGNOSES = ("MA_BENH", "CHAN_DOAN", "TEN_BENH")
# Where a code of a disease may stand among words.
CODED = (*DIAGNOSES, "DU_PHONG", "GHI_CHU", "LY_DO_")
PAPERS = ("XML7", "XML8", "XML9", "XML10", "XML11", "XML13", "XML14")


def _is_silent(name: str) -> bool:
    return name in SILENT or name.startswith(SILENT_BEGINNINGS)


# Of each table: the known elements that are looked at for words, and those for codes of diseases.
_WORDS = {
    table: tuple(name for name in sorted(known) if not _is_silent(name))
    for table, known in KNOWN.items()
}
_CODES = {
    table: tuple(name for name in names if name.startswith(CODED))
    for table, names in _WORDS.items()
}


class Labels:
    """The classes that the rows of one visit tell."""

    __slots__ = ("_of_rows", "_tables")

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self._tables = tables  # whose rows live as long as this: an id names one of them
        self._of_rows = _labelled(tables)

    def of_row(self, row: Row) -> Classes:
        """Return what the own cells of one of the visit's rows tell."""
        return self._of_rows.get(id(row), NONE)

    def of_visit(self) -> Classes:
        """Return what goes to every fact: the visit's own row, diagnoses on papers, programmes."""
        tables, found = self._tables, NONE
        if tables.get("XML6"):
            found |= {SensitivityClass.HIV}
        if tables.get("XML15"):
            found |= {SensitivityClass.TB}
        if not self._of_rows:
            return found
        for table in (SUMMARY, ARRIVAL):
            for row in tables.get(table, ()):
                found |= self.of_row(row)
        for table in PAPERS:
            for row in tables.get(table, ()):
                found |= _of_diagnosis(row) if self.of_row(row) else NONE
        return found


def _labelled(tables: dict[str, list[Row]]) -> dict[int, Classes]:
    """Return the classes of the rows that tell any, by id; one look says whether any row does.

    Most visits tell nothing, and in others it is one table: each row alone costs more.
    """
    looked_at = {table: _looked_at(table, rows) for table, rows in tables.items()}
    if not _classes(
        *(chain.from_iterable(cells) for cells in zip(*looked_at.values(), strict=True))
    ):
        return {}
    return {
        id(row): classes
        for table, cells in looked_at.items()
        if _classes(*cells)
        for row in tables[table]
        if (classes := _classes(*_looked_at(table, [row])))
    }


def _looked_at(table: str, rows: list[Row]) -> tuple[list[str], list[str], list[str]]:
    """Return the cells that are looked at: for words, for diseases' codes, for services' codes."""
    words: list[str] = []
    codes: list[str] = []
    services: list[str] = []
    known = KNOWN[table]
    for row in rows:
        get = row.get
        words.extend(filter(None, map(get, _WORDS[table])))
        codes.extend(filter(None, map(get, _CODES[table])))
        if not known.issuperset(row):
            others = _others(table, row)
            words += others
            codes += others
        if service := get("MA_DICH_VU"):
            services.append(service)
    return words, codes, services


def _classes(words: Iterable[str], codes: Iterable[str], services: Iterable[str]) -> Classes:
    return classes_of_text(*words) | classes_of_codes(codes) | classes_of_services(services)


def _of_diagnosis(row: Row) -> Classes:
    cells = [text for name, text in row.items() if text and name.startswith(DIAGNOSES)]
    return classes_of_text(*cells) | classes_of_codes(cells)


def _others(table: str, row: Row) -> list[str]:
    """Return what stands under names that the standard does not have, repeated ones included."""
    known = KNOWN[table]
    return [
        text
        for name, text in row.items()
        if name not in known and text and not _is_known_silent(known, name.partition("+")[0])
    ]


def _is_known_silent(known: frozenset[str], name: str) -> bool:
    return name in known and _is_silent(name)
