"""Shapes of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_api.vocab import (
    IdentifierSystem,
    InvalidIdentifier,
    check_citizen_number,
    check_facility_code,
    check_phone,
    classify_card,
    classify_person_number,
)
from phr_api.vocab.identifiers import citizen_birth_year
from phr_api.vocab.provinces import PROVINCES_63


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("00119000000", "citizen-number-shape"),  # 11 digits
        ("0011900000000", "citizen-number-shape"),
        ("00119000000A", "citizen-number-shape"),
        ("", "citizen-number-shape"),
        ("٠٠١١٩٠٠٠٠٠٠٠", "citizen-number-shape"),
        ("003190000000", "citizen-number-place"),  # there is no province 03
        ("000190000000", "citizen-number-place"),
        ("001490000000", "citizen-number-century"),  # nobody of 2100 is born yet
    ],
)
def test_a_number_that_cannot_be_is_refused_by_its_rule(text: str, code: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        check_citizen_number(text)
    assert caught.value.code == code
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("number", ["001190000000", "096301000001", "132190000000"])
def test_a_number_that_can_be_is_taken(number: str) -> None:
    assert check_citizen_number(f" {number} ") == number


def test_a_number_of_an_abolished_province_stays_valid() -> None:
    assert PROVINCES_63["74"] == "Bình Dương"
    assert check_citizen_number("074190000000")


def test_a_number_says_the_year_of_birth() -> None:
    assert citizen_birth_year("001190000000") == 1990
    assert citizen_birth_year("001205000000") == 2005


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("001190000000", IdentifierSystem.CITIZEN),
        ("012345678", IdentifierSystem.OLD),
        ("b1234567", IdentifierSystem.PASSPORT),
        ("GD4019900000000", IdentifierSystem.CARD),
    ],
)
def test_a_number_is_known_by_its_shape(text: str, system: IdentifierSystem) -> None:
    assert classify_person_number(text) == (system, text.upper())


@pytest.mark.parametrize("text", ["00119000000", "AB1234567", "xyz", "", "003190000000"])
def test_a_number_of_no_shape_is_none(text: str) -> None:
    assert classify_person_number(text) is None


def test_a_card_is_told_whole_or_by_its_last_ten_digits() -> None:
    assert classify_card("gd4019900000000") == ("GD4019900000000", "9900000000")
    assert classify_card("9900000000") == (None, "9900000000")
    with pytest.raises(InvalidIdentifier):
        classify_card("GD9019900000000")  # no benefit digit 9


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0900000000", "+84900000000"),
        ("+84 90 000 00 00", "+84900000000"),
        ("(024) 1234.5678", "+842412345678"),
    ],
)
def test_a_phone_is_kept_as_e164(text: str, number: str) -> None:
    assert check_phone(text) == number


@pytest.mark.parametrize("text", ["", "12345", "0100000000", "09000000000"])
def test_what_is_no_phone_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        check_phone(text)


def test_a_facility_code_has_five_characters() -> None:
    assert check_facility_code("01c51") == "01C51"
    with pytest.raises(InvalidIdentifier):
        check_facility_code("9900")


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    known = classify_person_number(text)
    assert known is None or known[1] == text.strip().upper()
