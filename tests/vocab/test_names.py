"""Two spellings of one name, and two names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_api.vocab import name_key, search_key

SAME = [
    ("Nguyễn Thị Hoà", "Nguyễn Thị Hòa"),
    ("Thuý", "Thúy"),
    ("Thuỷ", "Thủy"),
    ("Hoạ", "Họa"),
    ("Khoẻ", "Khỏe"),
    ("Loan Tuỵ", "Loan Tụy"),
    ("Toà", "TÒA"),
    ("Ðỗ Thị Hoè", "Đỗ Thị Hòe"),  # the first letter is an eth
    ("ÐẶNG", "đặng"),
    ("  Trần   Văn\tMẫu ", "Trần Văn Mẫu"),
    (unicodedata.normalize("NFD", "Nguyễn Thị Thử Nghiệm"), "Nguyễn Thị Thử Nghiệm"),
    ("NGUYỄN THỊ THỬ NGHIỆM", "Nguyễn Thị Thử Nghiệm"),
    ("Quý", "QUÝ"),
]
DIFFERENT = [
    ("Hoa", "Hòa"),
    ("Thúy", "Thủy"),
    ("Hoàn", "Hòan Mỹ"),
    ("Dung", "Đung"),
    ("Tuấn", "Tuân"),
    ("Quý", "Qúy Mùi"),
    ("Nguyễn Thị Thử", "Nguyễn Thị Thử Nghiệm"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_name_agree(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_names_differ(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    ("text", "key"),
    [("Đà Nẵng", "da nang"), ("Hoà", "hoa"), ("Ðỗ", "do"), ("Trần Văn  Mẫu", "tran van mau")],
)
def test_a_search_needs_no_accents(text: str, key: str) -> None:
    assert search_key(text) == key


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    key = name_key(text)
    assert name_key(key) == key


@given(st.text(alphabet="aàáảãạoòóỏõọuùúủũụyỳýeèéẻẽẹhtnqđÐĐ "))
def test_upper_case_and_composition_make_no_difference(text: str) -> None:
    assert name_key(text.upper()) == name_key(text)
    assert name_key(unicodedata.normalize("NFD", text)) == name_key(text)
