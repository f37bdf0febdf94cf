"""What cannot be read is said clearly, by its rule and its place, never by its value."""

import base64
import gzip

import pytest

from phr_api.records.reader import Limits, VisitRefused, read_visit
from phr_api.records.reader.reasons import FILE_MESSAGES, VISIT_MESSAGES, shape_of
from tests.factories.claims import (
    Patient,
    a_medicine,
    a_result,
    as_elements,
    bomb,
    claim_file,
    file_xml,
    in_base64,
    in_broken_base64,
    make_visit,
    table_xml,
    visit_xml,
)
from tests.records.reader.looking import codes_of, file_refusal, opened, reasons_of

DTD = '<!DOCTYPE GIAMDINHHS [<!ENTITY a "x">]>'
ENTITIES = '<!DOCTYPE TONG_HOP [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not-xml"),
        (b"   \n", "not-xml"),
        (b"MA_LK,HO_TEN\n1,x\n", "not-xml"),
        (b"<GIAMDINHHS><HOSO></GIAMDINHHS>", "not-xml"),
        (b"<GIAMDINHHS><HOSO/></GIAMDINHHS><x/>", "not-xml"),
        (b"<GIAMDINHHS>&nope;<HOSO/></GIAMDINHHS>", "not-xml"),
        (b"PK\x03\x04\x00\x00", "not-xml"),
        (b"\x00\x01\x02", "wrong-encoding"),
        (b"<HSCHUNGTU><HOSO/></HSCHUNGTU>", "wrong-root"),
        (b"<html><body/></html>", "wrong-root"),
        (b"<GIAMDINHHS/>", "no-visits"),
        (b"<GIAMDINHHS><DANHSACHHOSO/></GIAMDINHHS>", "no-visits"),
        (b"\x1f\x8b\x08nonsense, no deflate", "broken-gzip"),
        (b"\x1f\x8b", "truncated"),
    ],
)
def test_a_file_that_is_none_is_refused(raw: bytes, code: str) -> None:
    assert file_refusal(raw) == code


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(share: float) -> None:
    whole = claim_file().rstrip()
    assert file_refusal(whole[: int(len(whole) * share)]) == "truncated"
    packed = gzip.compress(whole)
    assert file_refusal(packed[: int(len(packed) * share)]) == "truncated"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_unicode_is_refused(encoding: str) -> None:
    assert file_refusal(claim_file(prolog="").decode().encode(encoding)) == "wrong-encoding"


@pytest.mark.parametrize("name", ["windows-1258", "iso-8859-1", "utf-16", "x-none", "utf-7"])
def test_a_file_that_declares_another_encoding_is_refused(name: str) -> None:
    raw = claim_file(prolog=f'<?xml version="1.0" encoding="{name}"?>')
    assert file_refusal(raw) == "wrong-encoding"


def test_a_file_that_is_not_the_utf8_it_says_is_refused() -> None:
    raw = claim_file(signature="<CHUKYDONVI>Bệnh viện</CHUKYDONVI>")
    broken = raw.replace("Bệnh".encode(), "Bệnh".encode("cp1258", "replace") + b"\xea")
    assert file_refusal(broken) == "wrong-encoding"


def test_a_dtd_in_the_file_is_refused() -> None:
    assert file_refusal(claim_file(prolog=DTD)) == "dtd-forbidden"
    outside = '<!DOCTYPE GIAMDINHHS SYSTEM "file:///etc/passwd">'
    assert file_refusal(claim_file(prolog=outside)) == "dtd-forbidden"


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    packed = bomb(200)
    assert len(packed) < 1_000_000
    limits = Limits(inflated_bytes=1 << 20)
    assert file_refusal(packed, limits) == "inflated-too-large"
    assert file_refusal(bomb(40)) == "no-visits"


@pytest.mark.parametrize("opening", ["<!--", "<a b='", "<?x "])
def test_a_tag_or_comment_without_end_is_refused_before_it_costs_much(opening: str) -> None:
    raw = f"<GIAMDINHHS><HOSO/>{opening}".encode() + b"x" * (3 << 20)
    assert file_refusal(raw) == "visit-too-large"


def test_a_visit_over_the_limit_refuses_the_file() -> None:
    raw = claim_file()
    assert file_refusal(raw, Limits(visit_bytes=1000)) == "visit-too-large"


def test_a_file_at_the_limit_of_bytes_is_taken() -> None:
    raw = claim_file()
    opened(raw, Limits(inflated_bytes=len(raw)))
    assert file_refusal(raw, Limits(inflated_bytes=len(raw) - 1)) == "inflated-too-large"


def test_too_many_visits_are_refused() -> None:
    assert file_refusal(claim_file([make_visit()] * 3), Limits(visits=2)) == "too-many-visits"


def test_another_facilitys_file_is_refused() -> None:
    assert file_refusal(claim_file(facility="99002")) == "facility-mismatch"


def test_a_visit_of_another_facility_is_refused() -> None:
    (reason,) = reasons_of(claim_file([make_visit(MA_CSKCB="99002")]))
    assert (reason.code, reason.table, reason.element) == (
        "facility-mismatch",
        "XML1",
        "MA_CSKCB",
    )


def test_broken_base64_is_refused_with_its_table() -> None:
    (reason,) = reasons_of(claim_file([visit_xml(make_visit(), put=in_broken_base64)]))[:1]
    assert (reason.code, reason.table) == ("broken-base64", "XML1")
    assert len(reasons_of(claim_file([visit_xml(make_visit(), put=in_broken_base64)]))) >= 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (in_base64("<TONG_HOP><MA_LK>"), "table-not-xml"),
        (in_base64("not xml"), "table-not-xml"),
        (in_base64(""), "empty-table"),
        (in_base64("  "), "empty-table"),
        ("", "empty-table"),
        ("  ", "empty-table"),
        (in_base64(f"{ENTITIES}<TONG_HOP><MA_LK>&b;</MA_LK></TONG_HOP>"), "dtd-forbidden"),
        (in_base64(f"<?xml version='1.0'?><!-- a --> {ENTITIES}<TONG_HOP/>"), "dtd-forbidden"),
        (in_base64("<TONG_HOP><MA_LK>&b;</MA_LK></TONG_HOP>"), "table-not-xml"),
        (base64.b64encode("<TONG_HOP/>".encode("utf-16")).decode(), "wrong-encoding"),
        (
            in_base64('<?xml version="1.0" encoding="utf-7"?><TONG_HOP/>'),
            "wrong-encoding",
        ),
        (base64.b64encode(b"<TONG_HOP>\xe1\xbb</TONG_HOP>").decode(), "wrong-encoding"),
        ("&lt;TONG_HOP&gt;", "table-not-xml"),
        ("Bệnh viện", "broken-base64"),
        ("QUJ", "broken-base64"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(content: str, code: str) -> None:
    visit = f"<HOSO>{file_xml('XML1', content)}</HOSO>"
    (reason, *_) = reasons_of(claim_file([visit]))
    assert reason.code == code
    assert reason.table == "XML1"


def test_text_that_only_speaks_of_a_dtd_is_no_dtd() -> None:
    visit = visit_xml(
        make_visit("A1", GHI_CHU="dấu <!DOCTYPE x> trong văn bản"),
        make_table=lambda name, rows: table_xml(name, rows, cdata=True),
    )
    assert opened(claim_file([visit]))
    read_visit(visit.encode())


def test_a_table_that_is_too_large_is_refused() -> None:
    row = a_medicine(CACH_DUNG="x" * 11_000_000)
    assert codes_of(claim_file([make_visit(tables={"XML2": [row]})])) == ["table-too-large"]
    many = "<A/>" * 700_000
    visit = f"<HOSO>{file_xml('XML1', in_base64(f'<TONG_HOP>{many}</TONG_HOP>'))}</HOSO>"
    assert codes_of(claim_file([visit]))[0] == "table-too-large"


def test_a_row_of_another_visit_is_refused_with_its_place() -> None:
    rows = [a_result(1), a_result(2, MA_LK="TEST.OTHER"), a_result(3, MA_LK="TEST.OTHER")]
    reasons = reasons_of(claim_file([make_visit(tables={"XML4": rows})]))
    assert [(reason.code, reason.table, reason.row) for reason in reasons] == [
        ("foreign-table", "XML4", 2),
        ("foreign-table", "XML4", 3),
    ]


def test_a_table_that_comes_twice_is_refused_and_a_paper_is_not() -> None:
    twice = file_xml("XML2", in_base64(table_xml("XML2", [{"MA_LK": "A1"} | a_medicine()])))
    visit = visit_xml(make_visit("A1")).replace("</HOSO>", f"{twice}</HOSO>")
    assert codes_of(claim_file([visit])) == ["duplicate-table"]
    papers = [{"SO_LUU_TRU": "1", "HO_TEN_ME": "A"}, {"SO_LUU_TRU": "2"}]
    _, visits = opened(claim_file([make_visit(tables={"XML7": papers})]))
    assert len(read_visit(visits[0]).tables["XML7"]) == 2


def test_a_summary_of_two_visits_is_refused() -> None:
    one = table_xml("XML1", make_visit("A1")["XML1"], prolog="")
    visit = f"<HOSO>{file_xml('XML1', f'<X>{one}{one}</X>')}</HOSO>"
    assert "several-rows" in codes_of(claim_file([visit]))


def test_a_visit_without_tables_is_refused() -> None:
    assert codes_of(claim_file(["<HOSO></HOSO>"])) == ["no-tables", "required-missing"]
    assert codes_of(claim_file(["<HOSO/>"])) == ["no-tables", "required-missing"]


def test_tables_without_a_summary_are_no_visit_of_their_own() -> None:
    assert codes_of(claim_file([make_visit(without=["XML1"])])) == ["no-summary"]


@pytest.mark.parametrize(
    ("number", "code", "shape"),
    [
        ("00119000000", "citizen-number-shape", "11 digits"),
        ("0011900000000", "citizen-number-shape", "13 digits"),
        ("003190000000", "citizen-number-place", "12 digits"),
        ("001490000000", "citizen-number-century", "12 digits"),
    ],
)
def test_a_citizen_number_that_cannot_be_is_refused(number: str, code: str, shape: str) -> None:
    (reason,) = reasons_of(claim_file([make_visit(person=Patient(citizen_number=number))]))
    assert (reason.table, reason.row, reason.element) == ("XML1", 1, "SO_CCCD")
    assert (reason.code, reason.received_shape) == (code, shape)
    assert reason.expected is not None
    assert number not in str(reason.to_dict())


@pytest.mark.parametrize(
    ("elements", "code", "element"),
    [
        ({"NGAY_SINH": "209001010000"}, "birth-in-future", "NGAY_SINH"),
        ({"NGAY_SINH": "20261120"}, "birth-after-visit", "NGAY_SINH"),
        ({"NGAY_SINH": "mùa xuân"}, "date-shape", "NGAY_SINH"),
        ({"NGAY_SINH": ""}, "required-missing", "NGAY_SINH"),
        ({"HO_TEN": ""}, "required-missing", "HO_TEN"),
        ({"HO_TEN": "A" * 501}, "text-too-long", "HO_TEN"),
        ({"NGAY_VAO": ""}, "required-missing", "NGAY_VAO"),
        ({"NGAY_VAO": "202613050820"}, "date-shape", "NGAY_VAO"),
        ({"NGAY_VAO": "202612050820", "NGAY_RA": ""}, "visit-in-future", "NGAY_VAO"),
        ({"NGAY_RA": "202610041030"}, "date-order", "NGAY_RA"),
        ({"NGAY_RA": "2026100510305"}, "date-shape", "NGAY_RA"),
        ({"MA_LK": "A" * 201}, "text-too-long", "MA_LK"),
        ({"MA_BN": "A" * 201}, "text-too-long", "MA_BN"),
    ],
)
def test_a_summary_that_cannot_be_is_refused(
    elements: dict[str, str], code: str, element: str
) -> None:
    visit = make_visit(without=["XML2", "XML3", "XML4"], **elements)  # type: ignore[arg-type]
    (reason,) = reasons_of(claim_file([visit]))
    assert (reason.code, reason.element, reason.table) == (code, element, "XML1")


def test_a_missing_key_is_refused() -> None:
    visit = make_visit(ma_lk="", without=["XML2", "XML3", "XML4"])
    (reason,) = reasons_of(claim_file([visit]))
    assert (reason.code, reason.element) == ("required-missing", "MA_LK")


def test_all_reasons_of_a_visit_are_told_at_once() -> None:
    person = Patient(name="", citizen_number="00119000000", birth="209001010000")
    visit = make_visit(person=person, NGAY_RA="x", MA_CSKCB="99002")
    assert sorted(codes_of(claim_file([visit]))) == [
        "birth-in-future",
        "citizen-number-shape",
        "date-shape",
        "facility-mismatch",
        "required-missing",
    ]


def test_a_refusal_names_the_visit_if_it_can() -> None:
    raw = visit_xml(make_visit("A1", tables={"XML2": [a_medicine(MA_LK="A2")]})).encode()
    with pytest.raises(VisitRefused) as caught:
        read_visit(raw)
    assert (caught.value.ma_lk, caught.value.ma_bn) == ("A1", "TEST-0001")


def test_every_code_has_words_in_both_languages() -> None:
    for messages in (FILE_MESSAGES, VISIT_MESSAGES):
        for vi, en in messages.values():
            assert vi
            assert en
            assert vi != en


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("00119000000", "11 digits"),
        ("ABC", "3 letters"),
        ("A1", "2 letters and digits"),
        ("2026-13", "7 characters"),
        ("", "nothing"),
    ],
)
def test_a_shape_tells_no_value(text: str, shape: str) -> None:
    assert shape_of(text) == shape


def test_elements_in_base64s_place_may_be_no_table() -> None:
    visit = f"<HOSO>{file_xml('', '<KHAC><A>1</A></KHAC>')}</HOSO>"
    assert codes_of(claim_file([visit]))[0] == "unknown-table"
    assert as_elements("<A/>") == "<A/>"
