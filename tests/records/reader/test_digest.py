"""When two visits say the same, and how tables are added to a visit."""

from phr_api.records.reader import ReadVisit, content_digest, merge_visits, read_visit
from tests.factories.claims import (
    a_medicine,
    a_result,
    bare_table_file,
    make_visit,
    visit_xml,
)


def read(**given: object) -> ReadVisit:
    return read_visit(visit_xml(make_visit("A1", **given)).encode())  # type: ignore[arg-type]


def test_a_running_number_says_nothing() -> None:
    other = read(STT="77", tables={"XML2": [a_medicine(9)]})
    assert content_digest(other) == content_digest(read())


def test_empty_and_missing_are_the_same() -> None:
    assert content_digest(read(MA_TAI_NAN="")) == content_digest(read())
    assert content_digest(read(MA_TAI_NAN="1")) != content_digest(read())


def test_money_is_part_of_what_is_said() -> None:
    assert content_digest(read(T_BNCCT="1.00")) != content_digest(read(T_BNCCT="2.00"))


def test_a_line_twice_is_not_a_line_once() -> None:
    twice = read(tables={"XML2": [a_medicine(), a_medicine()]})
    assert content_digest(twice) != content_digest(read())


def test_names_and_values_do_not_run_into_each_other() -> None:
    one = read(GHI_CHU="a", LY_DO_VV="b")
    other = read(GHI_CHU="b", LY_DO_VV="a")
    assert content_digest(one) != content_digest(other)


def test_added_tables_take_the_place_of_those_of_their_name() -> None:
    results = [{"MA_LK": "A1"} | a_result(GIA_TRI="6.1")]
    added = read_visit(bare_table_file("XML4", results))
    merged = merge_visits(read(), added)
    assert "XML1" in merged.tables
    assert merged.tables["XML4"][0]["GIA_TRI"] == "6.1"
    assert merged.tables["XML2"] == read().tables["XML2"]
    assert merged.facility_code == "99001"
    assert content_digest(merged) != content_digest(read())
