"""What is sensitive is labelled wherever a row says so: one label too few tells."""

import pytest

from phr_api.healthbook import Visit
from phr_api.records.reader.layout import LAYOUTS
from phr_api.vocab import SensitivityClass
from tests.factories.claims import (
    Row,
    a_birth_paper,
    a_follow_up,
    a_medicine,
    a_note,
    a_referral,
    a_result,
    a_service,
    check_in_file,
    claim_file,
    file_xml,
    in_base64,
    make_arrival,
    make_visit,
    visit_xml,
)
from tests.records.reader.looking import reading_of

HIV, TB = SensitivityClass.HIV, SensitivityClass.TB
MENTAL, REPRODUCTIVE = SensitivityClass.MENTAL, SensitivityClass.REPRODUCTIVE
NONE: frozenset[SensitivityClass] = frozenset()
A_DISCHARGE = {"SO_LUU_TRU": "1", "CHAN_DOAN_RV": "x", "NGAY_CT": "20261005"}
A_SUMMARY = {"CHAN_DOAN_RV": "x", "NGAY_CT": "20261005"}


def told(**given: object) -> Visit:
    return reading_of(claim_file([make_visit(**given)])).visit  # type: ignore[arg-type]


def labels(visit: Visit) -> list[frozenset[SensitivityClass]]:
    """Return the classes of every fact of a visit."""
    lines = (visit.medications, visit.procedures, visit.results, visit.notes)
    return [
        visit.encounter.classes,
        *(fact.classes for facts in lines for fact in facts),
        *(fact.classes for fact in (*visit.programmes, *visit.papers)),
    ]


@pytest.mark.parametrize(
    "words",
    [
        {"LY_DO_VV": "Tái khám HIV, lĩnh thuốc ARV"},
        {"LY_DO_VNT": "HIV"},
        {"PP_DIEU_TRI": "Tiếp tục ARV"},
        {"GHI_CHU": "Tư vấn CD4"},
        {"DU_PHONG": "Bệnh nhân HIV"},
        {"KHAC": "HIV dương tính"},
        {"MA_BENH_KT": "E78.5;(B20)"},
        {"MA_BENH_KT": "R51;*B20"},
        {"MA_BENH_KT": "R51 B20"},
        {"MA_BENH_KT": "R51/B20"},
        {"MA_BENH_CHINH": "R51+B20"},
        {"MA_BENH_CHINH": "B20-Bệnh"},
        {"MA_BENH_YHCT": "B20"},
        {"CHAN_DOAN_RV": "Bệnh (B20.1)"},
    ],
)
def test_what_the_visits_own_row_says_labels_every_fact(words: dict[str, str]) -> None:
    visit = told(**words, tables={"XML5": [a_note()], "XML14": [a_follow_up()]})
    assert labels(visit) == [{HIV}] * 6


def test_what_a_check_in_says_labels_the_arrival() -> None:
    arrival = make_arrival("A1", LY_DO_VNT="Khám thai")
    assert labels(reading_of(check_in_file([arrival])).visit) == [{REPRODUCTIVE}]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("XML7", A_DISCHARGE | {"CHAN_DOAN_RV": "Bệnh HIV"}),
        ("XML8", A_SUMMARY | {"CHAN_DOAN_VAO": "Nhiễm HIV"}),
        ("XML11", {"CHAN_DOAN_RV": "HIV giai đoạn 1"}),
        ("XML13", a_referral(MA_BENH_KT="(B20)")),
        ("XML14", a_follow_up(MA_BENH_CHINH="B20")),
    ],
)
def test_a_diagnosis_on_a_paper_labels_every_fact(table: str, row: Row) -> None:
    assert labels(told(tables={table: [row]})) == [{HIV}] * 5


def test_other_words_of_a_paper_label_the_paper_alone() -> None:
    visit = told(
        tables={
            "XML7": [A_DISCHARGE | {"PP_DIEUTRI": "ARV"}],
            "XML8": [
                A_SUMMARY | {"KET_QUA_DTRI": "Ổn định, tiếp tục ARV"},
                A_SUMMARY | {"DON_VI": "Phòng khám ngoại trú HIV"},
            ],
            "XML9": [a_birth_paper()],
            "XML13": [a_referral(HUONG_DIEU_TRI="Chuyển khoa Tâm  thần")],
        }
    )
    assert visit.encounter.classes == NONE
    assert [each.classes for each in visit.papers] == [
        *({HIV}, {HIV}, {HIV}),
        {REPRODUCTIVE},
        {MENTAL},
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (a_result(TEN_CHI_SO="AntiHIV test nhanh"), {HIV}),
        (a_result(MA_CHI_SO="AHIV"), {HIV}),
        (a_result(TEN_CHI_SO="TCD4"), {HIV}),
        (a_result(MO_TA="BK đờm âm tính"), {TB}),
        (a_result() | {"KET_QUA_KHAC": "Xpert dương tính"}, {TB}),
        (a_result(DU_PHONG="A15.0"), {TB}),
        (a_result(KET_LUAN="VDRL âm tính"), {REPRODUCTIVE}),
        (a_result(KET_LUAN="Archive"), set()),
    ],
)
def test_any_cell_of_a_line_labels_the_line(row: Row, expected: set[SensitivityClass]) -> None:
    visit = told(tables={"XML4": [row, a_result(2)]})
    assert [each.classes for each in visit.results] == [expected, NONE]
    assert visit.encounter.classes == NONE


def test_a_repeated_cell_labels_its_line() -> None:
    visit = visit_xml(make_visit("A1"), put=lambda table: table.partition("?>")[2]).replace(
        "<TEN_CHI_SO>", "<TEN_CHI_SO>Glucose</TEN_CHI_SO><TEN_CHI_SO>HIV Ab / "
    )
    (result,) = reading_of(claim_file([visit])).visit.results
    assert result.name == "Glucose"
    assert result.classes == {HIV}


def test_the_disease_that_a_service_is_for_labels_its_results() -> None:
    visit = told(tables={"XML3": [a_service(MA_BENH="B20")], "XML4": [a_result()]})
    assert [each.classes for each in (*visit.procedures, *visit.results)] == [{HIV}, {HIV}]
    assert visit.medications[0].classes == NONE


@pytest.mark.parametrize("text", ["Nhi&#7877;m HIV", "&amp;lt;HIV", "l&#97;o phổi", "<MA>B20</MA>"])
def test_an_assessment_is_labelled_by_what_it_says_not_by_how_it_is_written(text: str) -> None:
    table = file_xml("XML12", in_base64(f"<BIEN_BAN><T>{text}</T></BIEN_BAN>"))
    visit = visit_xml(make_visit("A1")).replace("</HOSO>", f"{table}</HOSO>")
    (paper,) = reading_of(claim_file([visit])).visit.papers
    assert paper.classes in ({HIV}, {TB})


def test_names_addresses_and_numbers_label_nothing() -> None:
    silent = {"HO_TEN": "Lao", "DIA_CHI": "Đường Tâm thần, phường B20", "MA_HSBA": "HIV-1"}
    medicine = a_medicine(SO_DANG_KY="HIV", DON_VI_TINH="ARV", TT_THAU="B20")
    visit = told(**silent, tables={"XML2": [medicine]})
    assert labels(visit) == [NONE] * 4


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in {"XML0", "XML1"}])
def test_the_spare_element_of_every_table_is_looked_at(name: str) -> None:
    visit = told(tables={name: [{"MA_LK": "A1", "DU_PHONG": "nghiện ma tuý"}]}, ma_lk="A1")
    assert any(MENTAL in classes for classes in labels(visit))
    assert visit.encounter.classes.isdisjoint({MENTAL})
