"""One province of today under all its names: old and new, by code and in words."""

import csv
from importlib import resources

import pytest

from phr_api.vocab import province_key
from phr_api.vocab.provinces import PROVINCES_34, PROVINCES_63


def test_every_old_province_went_into_one_of_today() -> None:
    parts = [old for _, codes in PROVINCES_34.values() for old in codes]
    assert sorted(parts) == sorted(PROVINCES_63)
    assert all(code in codes for code, (_, codes) in PROVINCES_34.items())


def test_the_names_of_today_are_those_of_the_code_list() -> None:
    text = resources.files("phr_api.vocab").joinpath("data/codes.csv").read_text(encoding="utf-8")
    listed = {
        row["code"]: row["vi"]
        for row in csv.DictReader(text.splitlines())
        if row["system"] == "province-2025"
    }
    assert {code: name for code, (name, _) in PROVINCES_34.items()} == listed


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("Hà Giang", "tuyen quang"),
        ("02", "tuyen quang"),
        ("002", "tuyen quang"),
        ("08", "tuyen quang"),
        ("tỉnh TUYÊN QUANG", "tuyen quang"),
        ("10", "lao cai"),  # Lào Cai's old code; 15, its new one, was Yên Bái's
        ("15", "lao cai"),
        ("Yen Bai", "lao cai"),
        ("Lào Cai", "lao cai"),
        ("Thừa Thiên-Huế", "hue"),
        ("Thành phố Huế", "hue"),
        ("TP.HCM", "ho chi minh"),
        ("TP. Hồ Chí Minh", "ho chi minh"),
        ("Bà Rịa-Vũng Tàu", "ho chi minh"),
        ("Bà Rịa - Vũng Tàu", "ho chi minh"),
        ("Bà Rịa \u2013 Vũng Tàu", "ho chi minh"),
        ("TPHCM", "ho chi minh"),
        ("T.P Hồ Chí Minh", "ho chi minh"),
        ("TP HCM", "ho chi minh"),
        ("Sài Gòn", "ho chi minh"),
        ("Tp. Đà Nẵng", "da nang"),
        ("T. Hà Giang", "tuyen quang"),
        ("Đắc Lắc", "dak lak"),
        ("Daklak", "dak lak"),
        ("Đắc Nông", "lam dong"),
        ("Vũng Tàu", "ho chi minh"),
        ("Thừa Thiên \u2013 Huế", "hue"),
        ("Thanh Hoá", "thanh hoa"),
        ("Hoà Bình", "phu tho"),
        ("99", "99"),
        ("Nơi Không Có", "noi khong co"),
        ("", ""),
    ],
)
def test_a_province_is_one_under_all_its_names(said: str, key: str) -> None:
    assert province_key(said) == key
