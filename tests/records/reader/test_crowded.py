"""What is made to be slow to read is refused, or costs no more than its length."""

import sys
from types import FrameType

import pytest

from phr_api.records.reader import ReadVisit, VisitRefused, read_visit
from tests.factories.claims import file_xml, in_base64


def read(table: str, kind: str) -> ReadVisit:
    return read_visit(f"<HOSO>{file_xml(kind, in_base64(table))}</HOSO>".encode())


def notes(count: int) -> str:
    return "".join(f"<GHI_CHU>{number}</GHI_CHU>" for number in range(count))


def summary(cells: str) -> str:
    return f"<TONG_HOP><MA_LK>A1</MA_LK>{cells}</TONG_HOP>"


def refusal(table: str, kind: str) -> list[tuple[str, str | None, int | None]]:
    with pytest.raises(VisitRefused) as caught:
        read(table, kind)
    return [(each.code, each.table, each.row) for each in caught.value.reasons]


def steps_of(table: str, kind: str) -> int:
    """Return how many calls reading takes, refused or not."""
    steps = 0

    def count(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal steps
        steps += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        read(table, kind)
    except VisitRefused:
        pass
    finally:
        sys.setprofile(None)
    return steps


def test_repeated_elements_are_kept_under_numbers() -> None:
    row = read(summary(notes(150) + "<GHI_CHU>7</GHI_CHU>"), "XML1").tables["XML1"][0]
    assert row["GHI_CHU"] == "0"
    assert row["GHI_CHU+2"] == "1"
    assert row["GHI_CHU+150"] == "149"
    assert len(row) == 151


def test_a_row_of_thousands_of_cells_is_refused() -> None:
    assert refusal(summary(notes(16_000)), "XML1")[0] == ("too-many-cells", "XML1", 1)


def test_reading_repeated_elements_costs_no_more_than_their_number() -> None:
    def table(rows: int) -> str:
        row = f"<CHI_TIET_THUOC><MA_LK>A1</MA_LK>{notes(190)}</CHI_TIET_THUOC>"
        return f"<DSACH_CHI_TIET_THUOC>{row * rows}</DSACH_CHI_TIET_THUOC>"

    assert steps_of(table(40), "XML2") < 2.2 * steps_of(table(20), "XML2")
    wide = summary(notes(190))
    assert steps_of(wide, "XML1") < 2.2 * steps_of(summary(notes(95)), "XML1")
    assert steps_of(summary(notes(16_000)), "XML1") < steps_of(wide, "XML1")


def test_a_row_that_repeats_its_key_is_one_row() -> None:
    row = "<DONG>" + "<MA_LK>A1</MA_LK>" * 150 + "<TEN_THUOC>Paracetamol</TEN_THUOC></DONG>"
    visit = read(f"<CHITIEU_CHITIET_THUOC>{row}</CHITIEU_CHITIET_THUOC>", "XML2")
    assert visit.tables["XML2"] == [{"MA_LK": "A1", "TEN_THUOC": "Paracetamol"}]


@pytest.mark.parametrize("name", ["DONG", "CHI_TIET_THUOC"])
def test_rows_in_rows_are_refused(name: str) -> None:
    nested = f"<{name}><MA_LK>A1</MA_LK>" * 50 + f"</{name}>" * 50
    table = f"<CHITIEU_CHITIET_THUOC>{nested}</CHITIEU_CHITIET_THUOC>"
    assert refusal(table, "XML2")[0][0] == "too-many-cells"
