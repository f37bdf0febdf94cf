"""Every way of writing a file that vietnam.md §1.7 names is read, and says the same."""

from pathlib import Path

import pytest

from phr_api.records.reader import Limits, Reading, content_digest, open_file
from phr_api.vocab import PaperKind
from tests.factories.claims import (
    BOM,
    PROLOG,
    Patient,
    Row,
    a_follow_up,
    a_medicine,
    a_note,
    a_referral,
    as_elements,
    bare_table_file,
    check_in_file,
    claim_file,
    file_xml,
    in_base64,
    in_folded_base64,
    make_arrival,
    make_visit,
    new_patient,
    table_xml,
    visit_xml,
)
from tests.records.reader.looking import opened, reading_of, readings_of, visits_of

DATA = Path(__file__).parents[2] / "data"
VISIT = make_visit("TEST.26.900001", tables={"XML14": [a_follow_up()]})


def same_as_plain(raw: bytes) -> bool:
    """Whether the only visit of the file says what the plain file says."""
    (visit,) = visits_of(raw)
    (plain,) = visits_of(claim_file([VISIT]))
    return content_digest(visit) == content_digest(plain)


def as_text(table: str) -> str:
    """Return the table as escaped text, neither Base64 nor elements."""
    return table.replace("&", "&amp;").replace("<", "&lt;")


def with_bom_inside(table: str) -> str:
    return in_base64(BOM + table)


def without_declaration(table: str) -> str:
    return in_base64(table.removeprefix(PROLOG))


@pytest.mark.parametrize(
    "put",
    [as_elements, as_text, in_folded_base64, with_bom_inside, without_declaration],
)
def test_a_table_may_be_put_into_the_envelope_in_any_way(put: object) -> None:
    assert callable(put)
    assert same_as_plain(claim_file([VISIT], put=put))


def crlf_inside(table: str) -> str:
    return in_base64(table.replace("\n", "\r\n"))


def test_line_ends_may_be_of_windows() -> None:
    assert same_as_plain(claim_file([VISIT], newline="\r\n", put=crlf_inside))


@pytest.mark.parametrize(
    "prolog", ["", BOM + PROLOG, '<?xml version="1.0"?>', PROLOG + "<!-- x -->"]
)
def test_the_file_may_begin_in_any_way(prolog: str) -> None:
    assert same_as_plain(claim_file([VISIT], prolog=prolog))


def test_the_file_may_be_gzip() -> None:
    assert same_as_plain(claim_file([VISIT], gzip=True))


def test_gzip_may_have_several_members() -> None:
    whole = claim_file([VISIT])
    import gzip  # noqa: PLC0415

    assert same_as_plain(gzip.compress(whole[:100]) + gzip.compress(whole[100:]))


def test_cells_may_be_cdata() -> None:
    def make(name: str, rows: list[Row]) -> str:
        return table_xml(name, rows, cdata=True)

    assert same_as_plain(claim_file([visit_xml(VISIT, make_table=make)]))  # type: ignore[arg-type]


def test_roots_may_be_those_of_4210() -> None:
    def make(name: str, rows: list[Row]) -> str:
        return table_xml(name, rows, wrapped=False)

    assert same_as_plain(claim_file([visit_xml(VISIT, make_table=make)]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", [(), ("DANHSACHHOSO",), ("THONGTINHOSO",), ("THONGTINHOSO", "DANHSACHHOSO")]
)
def test_visits_may_stand_anywhere_above(path: tuple[str, ...]) -> None:
    assert same_as_plain(claim_file([VISIT], path=path))
    assert same_as_plain(claim_file([visit_xml(VISIT, wrapped=False)], path=path))


def test_loose_tables_of_two_visits_are_two_visits() -> None:
    other = make_visit("TEST.26.900002")
    loose = [visit_xml(visit, wrapped=False) for visit in (VISIT, other)]
    first, second = visits_of(claim_file(loose, path=()))
    assert (first.ma_lk, second.ma_lk) == ("TEST.26.900001", "TEST.26.900002")


def test_tables_and_cells_may_come_in_any_order() -> None:
    turned = {name: [dict(reversed(row.items())) for row in rows] for name, rows in VISIT.items()}
    assert same_as_plain(claim_file([dict(reversed(turned.items()))]))


def test_the_count_of_visits_may_be_wrong() -> None:
    visits = [make_visit(), make_visit(), make_visit()]
    file, found = opened(claim_file(visits, declared=7))
    assert len(found) == 3
    assert file.envelope.declared_count == 7
    assert file.envelope.facility_code == "99001"
    assert file.envelope.made_on == "20261005"


def test_the_signature_may_be_missing_or_empty() -> None:
    for signature in (None, "<CHUKYDONVI/>", "<CHUKYDONVI> \n </CHUKYDONVI>"):
        file, _ = opened(claim_file(signature=signature))
        assert file.envelope.signature == "absent"


def test_a_signature_is_seen() -> None:
    for signature in ("<CHUKYDONVI>abc</CHUKYDONVI>", "<CHUKYDONVI><Signature/></CHUKYDONVI>"):
        file, _ = opened(claim_file(signature=signature))
        assert file.envelope.signature == "present"


@pytest.mark.parametrize(
    ("arrived", "left"),
    [
        ("2026-10-05T08:20:00", "2026-10-05T10:30:00"),
        ("05102026", "05102026"),
        ("05/10/2026 08:20", "05/10/2026 10:30"),
    ],
)
def test_dates_may_be_iso_or_begin_with_the_day(arrived: str, left: str) -> None:
    reading = reading_of(claim_file([make_visit(NGAY_VAO=arrived, NGAY_RA=left)]))
    assert reading.visit.encounter.started_at.date().isoformat() == "2026-10-05"
    assert reading.warnings == ()


def test_a_type_of_care_may_have_one_digit() -> None:
    reading = reading_of(claim_file([make_visit(MA_LOAI_KCB="1")]))
    assert reading.visit.encounter.care_type == "01"


def test_a_referral_may_have_the_names_of_4750() -> None:
    row = a_referral(MA_NOI_DEN="99003", MA_NOI_DI="99002", PP_DIEU_TRI="Kháng sinh")
    del row["MA_CSKCB_DEN"]
    reading = reading_of(claim_file([make_visit(tables={"XML13": [row]})]))
    (paper,) = reading.visit.papers
    assert paper.kind is PaperKind.REFERRAL
    assert paper.to_facility == "99003"
    assert paper.received["MA_NOI_DEN"] == "99003"
    assert "MA_CSKCB_DEN" not in paper.received
    assert reading.warnings == ()


def test_an_appointment_may_have_the_shape_of_4750() -> None:
    for text in ("202611040800", "20261104"):
        row = a_follow_up(NGAY_HEN_KL=text)
        (paper,) = reading_of(claim_file([make_visit(tables={"XML14": [row]})])).visit.papers
        assert str(paper.appointment_on) == "2026-11-04"


def test_misspelt_names_are_understood_and_unknown_ones_reported() -> None:
    note = a_note(GAIAI_DOAN_BENH="Cấp", KY_HIEU_LA="x")
    (visit,) = visits_of(claim_file([make_visit(tables={"XML5": [note]})]))
    assert visit.unknown_elements == (("XML5", "KY_HIEU_LA"),)
    assert visit.warnings[0].code == "unknown-element"
    assert visit.tables["XML5"][0]["KY_HIEU_LA"] == "x"
    (read,) = reading_of(claim_file([make_visit(tables={"XML5": [note]})])).visit.notes
    assert read.stage == "Cấp"
    assert read.received["KY_HIEU_LA"] == "x"


def test_elements_within_a_cell_are_kept_and_reported() -> None:
    visit = visit_xml(make_visit("A1"), put=as_elements).replace(
        "<HO_TEN>Nguyễn Thị Thử Nghiệm</HO_TEN>", "<HO_TEN>Nguyễn <b>Thị</b> Thử Nghiệm</HO_TEN>"
    )
    reading = reading_of(claim_file([visit]))
    assert reading.person.full_name == "Nguyễn Thị Thử Nghiệm"
    assert [warning.element for warning in reading.warnings] == ["HO_TEN"]


def test_an_element_that_comes_twice_loses_neither_value() -> None:
    visit = visit_xml(make_visit("A1"), put=as_elements).replace(
        "<GHI_CHU>", "<GHI_CHU>Uống đủ nước</GHI_CHU><GHI_CHU>"
    )
    reading = reading_of(claim_file([visit]))
    assert reading.visit.encounter.advice == "Uống đủ nước"
    assert reading.visit.encounter.received["GHI_CHU+2"] == "Ăn nhạt, đo huyết áp hằng ngày"


def test_a_prefix_that_the_envelope_declares_is_no_obstacle() -> None:
    visit = visit_xml(make_visit("A1"), put=as_elements).replace(
        "<MA_BENH_YHCT/>", '<MA_BENH_YHCT xsi:nil="true"/>'
    )
    visit = visit.replace("<TONG_HOP>", '<TONG_HOP xsi:nil="false">')
    assert reading_of(claim_file([visit])).person.full_name


def test_a_bare_table_belongs_to_a_visit_that_was_sent_before() -> None:
    for wrapped in (True, False):
        raw = bare_table_file("XML2", [{"MA_LK": "A1"} | a_medicine()], wrapped=wrapped)
        (visit,) = visits_of(raw)
        assert not {"XML0", "XML1"} & set(visit.tables)
        assert visit.ma_lk == "A1"
        assert visit.table_names == ("XML2",)


def test_a_bare_summary_is_a_visit() -> None:
    rows = make_visit("A1")["XML1"]
    assert reading_of(bare_table_file("XML1", rows)).visit.encounter.visit_key == "A1"


def test_each_row_of_a_check_in_is_a_visit() -> None:
    rows = [make_arrival("A1"), make_arrival("A2", new_patient())]
    first, second = readings_of(check_in_file(rows))
    assert first.visit.encounter.is_arrival
    assert (first.visit.encounter.visit_key, second.visit.encounter.visit_key) == ("A1", "A2")
    assert first.person.number != second.person.number
    assert opened(check_in_file(rows))[0].envelope.root == "CHI_TIEU_TRANG_THAI_KCB"


def test_a_check_in_may_stand_in_an_envelope() -> None:
    row = make_arrival("A1")
    visit = f"<HOSO>{file_xml('XML0', in_base64(table_xml('XML0', [row])))}</HOSO>"
    assert reading_of(claim_file([visit])).visit.encounter.is_arrival


@pytest.mark.parametrize("name", ["1", "xml1", "XML01", " XML1 "])
def test_the_kind_of_a_table_may_be_written_loosely(name: str) -> None:
    table = table_xml("XML1", make_visit("A1")["XML1"])
    visit = f"<HOSO>{file_xml(name, in_base64(table))}</HOSO>"
    assert reading_of(claim_file([visit])).visit.encounter.visit_key == "A1"


def test_a_table_is_known_by_its_root_whatever_it_is_declared_to_be() -> None:
    visit = visit_xml(VISIT).replace("<LOAIHOSO>XML2<", "<LOAIHOSO>XML5<")
    assert same_as_plain(claim_file([visit]))


def test_a_table_that_nobody_knows_is_kept_and_reported() -> None:
    new = file_xml("XML16", in_base64("<CHI_TIEU_MOI><MA_LK>A1</MA_LK></CHI_TIEU_MOI>"))
    visit = visit_xml(make_visit("A1")).replace("</HOSO>", f"{new}</HOSO>")
    (read,) = visits_of(claim_file([visit]))
    assert read.whole == {"XML16": [b"<CHI_TIEU_MOI><MA_LK>A1</MA_LK></CHI_TIEU_MOI>"]}
    assert [warning.code for warning in read.warnings] == ["unknown-table"]


def test_an_assessment_is_kept_whole() -> None:
    text = "<BIEN_BAN><SO_BIEN_BAN>1</SO_BIEN_BAN></BIEN_BAN>"
    table = file_xml("XML12", in_base64(text))
    visit = visit_xml(make_visit("A1")).replace("</HOSO>", f"{table}</HOSO>")
    (paper,) = reading_of(claim_file([visit])).visit.papers
    assert paper.kind is PaperKind.MEDICAL_ASSESSMENT
    assert paper.received == {"XML12": text}


@pytest.mark.parametrize("name", ["made_3176_outpatient.xml", "made_3176_inpatient_referral.xml"])
def test_a_file_is_cut_in_the_same_places_however_it_arrives(name: str) -> None:
    raw = (DATA / name).read_bytes()
    _, whole = opened(raw)
    for size in (1, 7, 4096):
        pieces = list(open_file(raw[at : at + size] for at in range(0, len(raw), size)))
        assert b"".join(piece.raw for piece in pieces) == raw
        assert [piece.raw for piece in pieces if piece.raw in whole] == whole


def test_visits_at_the_limit_are_taken() -> None:
    _, visits = opened(claim_file([make_visit(), make_visit()]), Limits(visits=2))
    assert len(visits) == 2


def test_old_names_of_the_summary_are_understood() -> None:
    row = make_visit("A1")["XML1"][0]
    for new, old in (("MA_THE_BHYT", "MA_THE"), ("MA_BENH_CHINH", "MA_BENH")):
        row[old] = row.pop(new)
    reading = reading_of(claim_file([{"XML1": [row]}]))
    assert reading.person.cards[0].card == Patient().card
    assert reading.visit.encounter.diagnoses[0].code == "I10"
    assert isinstance(reading, Reading)
