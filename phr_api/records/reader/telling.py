"""Which rows tell of something sensitive: every cell is looked at that may hold words or codes.

Left out are only the columns of names, addresses, numbers, dates and money that the standard knows;
an element that it does not know, or a repeated one, may say anything.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

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


class _Plan(NamedTuple):
    """Which elements of a row are looked at for words, and for codes of diseases."""

    words: tuple[str, ...]
    codes: tuple[str, ...]


class Labels:
    """The classes that the rows of one visit tell; one look says whether any row tells any."""

    __slots__ = ("_is_telling",)

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        words: list[str] = []
        codes: list[str] = []
        services: list[str] = []
        for table, rows in tables.items():
            for row in rows:
                plan = _plan_of(table, row)
                words.extend(map(row.__getitem__, plan.words))
                codes += [text for name in plan.codes if (text := row[name])]
                if service := row.get("MA_DICH_VU"):
                    services.append(service)
        self._is_telling = bool(
            classes_of_text(*words) or classes_of_codes(codes) or classes_of_services(services)
        )

    def of_row(self, table: str, row: Row) -> Classes:
        """Return what this row's own cells tell."""
        if not self._is_telling:
            return NONE
        words, codes = _plan_of(table, row)
        return (
            classes_of_text(*(row[name] for name in words))
            | classes_of_codes(row[name] for name in codes)
            | classes_of_services((row.get("MA_DICH_VU", ""),))
        )

    def of_visit(self, tables: dict[str, list[Row]]) -> Classes:
        """Return what goes to every fact: the visit's own row, diagnoses on papers, programmes."""
        found: Classes = NONE
        if tables.get("XML6"):
            found |= {SensitivityClass.HIV}
        if tables.get("XML15"):
            found |= {SensitivityClass.TB}
        if not self._is_telling:
            return found
        for table in (SUMMARY, ARRIVAL):
            for row in tables.get(table, ()):
                found |= self.of_row(table, row)
        for table in PAPERS:
            for row in tables.get(table, ()):
                found |= _of_diagnosis(row)
        return found


def _of_diagnosis(row: Row) -> Classes:
    cells = [text for name, text in row.items() if text and name.startswith(DIAGNOSES)]
    return classes_of_text(*cells) | classes_of_codes(cells)


def _plan_of(table: str, row: Row) -> _Plan:
    """Return the plan for a row; kept only for names of the standard, which are not many."""
    if KNOWN[table].issuperset(row):
        return _known_plan(table, tuple(row))
    return _make_plan(table, row)


@lru_cache(maxsize=512)
def _known_plan(table: str, names: tuple[str, ...]) -> _Plan:
    return _make_plan(table, names)


def _make_plan(table: str, names: Iterable[str]) -> _Plan:
    known = KNOWN[table]
    words, codes = [], []
    for name in names:
        base = name.partition("+")[0]
        if base not in known:
            words.append(name)
            codes.append(name)
        elif base not in SILENT and not base.startswith(SILENT_BEGINNINGS):
            words.append(name)
            if base.startswith(CODED):
                codes.append(name)
    return _Plan(tuple(words), tuple(codes))
