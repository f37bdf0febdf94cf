"""Dates of papers and files."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_api.vocab import VIETNAM, PartialDate, parse_clock, parse_day, parse_moment


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("202610050820", at(2026, 10, 5, 8, 20)),
        ("20261005082059", at(2026, 10, 5, 8, 20)),
        ("20261005", at(2026, 10, 5)),
        ("2026-10-05T08:20:00", at(2026, 10, 5, 8, 20)),
        ("2026-10-05 08:20", at(2026, 10, 5, 8, 20)),
        ("2026-10-05", at(2026, 10, 5)),
        ("2026-10-05T01:20:00Z", at(2026, 10, 5, 8, 20)),
        ("2026-10-05T01:20:00.123+00:00", at(2026, 10, 5, 8, 20)),
        ("05102026", at(2026, 10, 5)),
        ("05/10/2026", at(2026, 10, 5)),
        ("5-10-2026 08:20", at(2026, 10, 5, 8, 20)),
        (" 20261005 ", at(2026, 10, 5)),
    ],
)
def test_reads_a_moment_in_vietnams_time(text: str, moment: datetime) -> None:
    read = parse_moment(text)
    assert read == moment
    assert read.tzinfo is not None
    assert parse_day(text) == moment.date()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hôm qua",
        "20261305",
        "20260230",
        "2026100508",
        "202610052460",
        "202610052400",
        "198500000000",
        "1985",
        "2026-10-05T08:20:00+99:00",
        "99999999",
        "00000000",
        "٢٠٢٦١٠٠٥",
        "31/02/2026",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_refuses_what_is_no_moment_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z0-9. ]+$") as caught:
        parse_moment(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        ("199002280000", "1990-02-28"),
        ("198500000000", "1985"),
        ("19850000", "1985"),
        ("1985", "1985"),
        ("198503000000", "1985-03"),
        ("28021990", "1990-02-28"),
        ("1990-02-28", "1990-02-28"),
        ("202610050610", "2026-10-05"),
    ],
)
def test_a_birth_keeps_what_is_unknown(text: str, birth: str) -> None:
    assert str(PartialDate.from_received(text)) == birth


def test_the_time_of_birth_is_known_only_if_it_is_told() -> None:
    assert parse_clock("202610050610") == at(2026, 10, 5, 6, 10)
    assert parse_clock("199002280000") is None
    assert parse_clock("19900228") is None
    assert parse_clock("198500000000") is None


def test_a_partial_date_spans_the_days_it_can_be() -> None:
    assert PartialDate(1985).earliest == date(1985, 1, 1)
    assert PartialDate(1985).latest == date(1985, 12, 31)
    assert PartialDate(1984, 2).latest == date(1984, 2, 29)
    assert PartialDate.parse("1985-03-02").is_full


@pytest.mark.parametrize("text", ["", "85", "1985-3", "1985-13", "1985-02-30", "1985-00", "0000"])
def test_refuses_what_is_no_partial_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*1985)"):
        PartialDate.parse(text)


@given(st.dates(date(1850, 1, 1), date(2200, 12, 31)))
def test_a_day_survives_every_way_of_writing_it(day: date) -> None:
    for shape in ("%Y%m%d", "%Y-%m-%d", "%d/%m/%Y"):
        assert parse_day(day.strftime(shape)) == day
    whole = PartialDate(day.year, day.month, day.day)
    assert PartialDate.parse(str(whole)) == whole


@given(st.text())
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        moment = parse_moment(text)
    except ValueError:
        return
    assert moment.astimezone(UTC) == moment


@given(st.text(alphabet="0123456789-/T:Z+. "))
def test_any_digits_are_a_birth_or_a_value_error(text: str) -> None:
    try:
        birth = PartialDate.from_received(text)
    except ValueError:
        return
    assert birth.earliest <= birth.latest
