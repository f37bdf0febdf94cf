"""What is sensitive, by code and by word."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_api.vocab import (
    SensitivityClass,
    classes_of_codes,
    classes_of_services,
    classes_of_text,
)
from phr_api.vocab.sensitivity import WORDS

HIV, TB = SensitivityClass.HIV, SensitivityClass.TB
MENTAL, REPRODUCTIVE = SensitivityClass.MENTAL, SensitivityClass.REPRODUCTIVE


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("B20", {HIV}),
        ("B24.0", {HIV}),
        ("Z21", {HIV}),
        ("b22†", {HIV}),
        ("R75*", {HIV}),
        ("A15.0", {TB}),
        ("A19", {TB}),
        ("B90.9", {TB}),
        ("N740", {TB, REPRODUCTIVE}),
        ("F00", {MENTAL}),
        ("F99", {MENTAL}),
        ("X60", {MENTAL}),
        ("O03.9", {REPRODUCTIVE}),
        ("O98.7", {HIV, REPRODUCTIVE}),
        ("Z30.0", {REPRODUCTIVE}),
        ("A54.9", {REPRODUCTIVE}),
        ("F52.0", {MENTAL, REPRODUCTIVE}),
        ("(B20)", {HIV}),
        ("*B20", {HIV}),
        ("R51 B20", {HIV}),
        ("R51/B20", {HIV}),
        ("R51+B20", {HIV}),
        ("B20-Bệnh", {HIV}),
        ("M90.0", {TB}),
        ("M900*", {TB}),
        ("XB20", set()),
        ("B201234", set()),
        ("I10", set()),
        ("B25", set()),
        ("B19", set()),
        ("A14", set()),
        ("A20", set()),
        ("Z22", set()),
        ("Z20.9", set()),
        ("E78.5", set()),
        ("", set()),
        ("Z", set()),
    ],
)
def test_a_code_tells_its_classes(code: str, classes: set[SensitivityClass]) -> None:
    assert classes_of_codes([code]) == classes


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("HIV Ab test nhanh", {HIV}),
        ("Xét nghiệm kháng thể HIV-1", {HIV}),
        ("Dolutegravir 50mg", {HIV}),
        ("Đếm CD4", {HIV}),
        ("AFB trực tiếp nhuộm", {TB}),
        ("Theo dõi lao phổi", {TB}),
        ("Tiền sử lao đã điều trị", {TB}),
        ("benh lao", {TB}),
        ("Rifampicin 150mg + Isoniazid 75mg", {TB}),
        ("Giai đoạn trầm cảm vừa", {MENTAL}),
        ("Khám Tâm thần", {MENTAL}),
        ("toan tính tự sát", {MENTAL}),
        ("Phá thai nội khoa", {REPRODUCTIVE}),
        ("Thai kỳ 32 tuần", {REPRODUCTIVE}),
        ("Định lượng beta hCG", {REPRODUCTIVE}),
        ("TREPONEMA PALLIDUM, giang mai", {REPRODUCTIVE}),
        ("AntiHIV", {HIV}),
        ("TCD4", {HIV}),
        ("suy giam mien dich", {HIV}),
        ("PrEP", {HIV}),
        ("BK đờm", {TB}),
        ("Xpert MTB/RIF", {TB}),
        ("Xpert", {TB}),
        ("Lao", {TB}),
        ("Đái tháo đường; lao", {TB}),
        ("Tâm  thần", {MENTAL}),
        ("Tâm\nthần", {MENTAL}),
        ("Escitalopram 10mg", {MENTAL}),
        ("Aripiprazol", {MENTAL}),
        ("roi loan lo au", {MENTAL}),
        ("Thử thai", {REPRODUCTIVE}),
        ("siêu âm thai", {REPRODUCTIVE}),
        ("Kham thai dinh ky", {REPRODUCTIVE}),
        ("VDRL", {REPRODUCTIVE}),
        ("RPR định tính", {REPRODUCTIVE}),
        ("CD45", set()),
        ("archive", set()),
        ("lao", {TB}),
        ("Lão khoa", set()),
        ("expert", set()),
        ("nghỉ lao động 2 ngày", set()),
        ("khoa Nội tâm thần kinh", set()),
        ("Tổng phân tích tế bào máu ngoại vi", set()),
        ("Tăng huyết áp vô căn (nguyên phát)", set()),
        ("Paracetamol 500mg, uống sau ăn", set()),
        ("Chiều cao, cân nặng", set()),
        ("", set()),
    ],
)
def test_words_tell_their_classes(text: str, classes: set[SensitivityClass]) -> None:
    assert classes_of_text(text) == classes
    assert classes_of_text(text.upper()) == classes
    assert classes_of_text(unicodedata.normalize("NFD", text)) == classes
    assert classes_of_text(None, "Ho", text) == classes


def test_several_texts_tell_what_each_of_them_tells() -> None:
    assert classes_of_text("HIV", "lao phổi") == {HIV, TB}
    assert classes_of_text("phá", "thai") == set()


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        ("24.0169.1616", {HIV}),
        ("24.0017.1714", {TB}),
        ("23.0075.1494", set()),
        ("02.1897", set()),
        ("K03.1911", set()),
        ("", set()),
    ],
)
def test_a_service_code_tells_its_classes(code: str, classes: set[SensitivityClass]) -> None:
    assert classes_of_services([code]) == classes


# stems whole, in their parts and glued to something, as words of a text come
PARTS = sorted({part for _, stem, _ in WORDS for part in (stem, *stem.split(" "))})
GLUED = st.tuples(st.sampled_from(["", "x", "("]), st.sampled_from(PARTS), st.sampled_from(" ,;x"))
WAYS = st.sampled_from([str, str.upper, str.title, lambda text: unicodedata.normalize("NFD", text)])


@given(st.lists(st.tuples(WAYS, GLUED), min_size=1, max_size=8), st.integers(0, 8))
def test_no_stem_is_left_out_for_the_words_of_a_text(parts: list[Any], cut: int) -> None:
    words = [way("".join(glued)) for way, glued in parts]
    texts = ["".join(words[:cut]), "".join(words[cut:])]
    joined = " | ".join(text for text in texts if text)
    whole = " ".join(unicodedata.normalize("NFC", f"| {joined} |".casefold()).split())
    assert classes_of_text(*texts) == {
        each
        for each, stem, pattern in WORDS
        if stem in whole and (pattern is None or pattern.search(whole))
    }


def test_stems_are_written_as_they_are_looked_for() -> None:
    for _, stem, _ in WORDS:
        assert stem == unicodedata.normalize("NFC", stem.casefold())
    assert {each for each, _, _ in WORDS} == set(SensitivityClass)
