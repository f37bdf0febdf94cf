"""The provinces until 2025, whose codes live on in citizen numbers and in older addresses.

The present 34, with what each was made of; their words in both languages are the code list
`province-2025`.
"""

import re
from datetime import date

from phr_api.vocab.names import search_key

# Since this day Vietnam has 34 provinces and communes, and no districts (NQ 202/2025/QH15).
TWO_LEVELS_SINCE = date(2025, 7, 1)

PROVINCES_63 = {
    "01": "Hà Nội",
    "02": "Hà Giang",
    "04": "Cao Bằng",
    "06": "Bắc Kạn",
    "08": "Tuyên Quang",
    "10": "Lào Cai",
    "11": "Điện Biên",
    "12": "Lai Châu",
    "14": "Sơn La",
    "15": "Yên Bái",
    "17": "Hòa Bình",
    "19": "Thái Nguyên",
    "20": "Lạng Sơn",
    "22": "Quảng Ninh",
    "24": "Bắc Giang",
    "25": "Phú Thọ",
    "26": "Vĩnh Phúc",
    "27": "Bắc Ninh",
    "30": "Hải Dương",
    "31": "Hải Phòng",
    "33": "Hưng Yên",
    "34": "Thái Bình",
    "35": "Hà Nam",
    "36": "Nam Định",
    "37": "Ninh Bình",
    "38": "Thanh Hóa",
    "40": "Nghệ An",
    "42": "Hà Tĩnh",
    "44": "Quảng Bình",
    "45": "Quảng Trị",
    "46": "Thừa Thiên Huế",
    "48": "Đà Nẵng",
    "49": "Quảng Nam",
    "51": "Quảng Ngãi",
    "52": "Bình Định",
    "54": "Phú Yên",
    "56": "Khánh Hòa",
    "58": "Ninh Thuận",
    "60": "Bình Thuận",
    "62": "Kon Tum",
    "64": "Gia Lai",
    "66": "Đắk Lắk",
    "67": "Đắk Nông",
    "68": "Lâm Đồng",
    "70": "Bình Phước",
    "72": "Tây Ninh",
    "74": "Bình Dương",
    "75": "Đồng Nai",
    "77": "Bà Rịa - Vũng Tàu",
    "79": "Thành phố Hồ Chí Minh",
    "80": "Long An",
    "82": "Tiền Giang",
    "83": "Bến Tre",
    "84": "Trà Vinh",
    "86": "Vĩnh Long",
    "87": "Đồng Tháp",
    "89": "An Giang",
    "91": "Kiên Giang",
    "92": "Cần Thơ",
    "93": "Hậu Giang",
    "94": "Sóc Trăng",
    "95": "Bạc Liêu",
    "96": "Cà Mau",
}

# Name since 2025-07-01, and the old codes that it was made of (NQ 202/2025/QH15). A code that old
# and new lists share names a province and the one that it went into, so it never misleads.
PROVINCES_34 = {
    "01": ("Hà Nội", ("01",)),
    "04": ("Cao Bằng", ("04",)),
    "08": ("Tuyên Quang", ("08", "02")),
    "11": ("Điện Biên", ("11",)),
    "12": ("Lai Châu", ("12",)),
    "14": ("Sơn La", ("14",)),
    "15": ("Lào Cai", ("10", "15")),
    "19": ("Thái Nguyên", ("19", "06")),
    "20": ("Lạng Sơn", ("20",)),
    "22": ("Quảng Ninh", ("22",)),
    "24": ("Bắc Ninh", ("27", "24")),
    "25": ("Phú Thọ", ("25", "26", "17")),
    "31": ("Hải Phòng", ("31", "30")),
    "33": ("Hưng Yên", ("33", "34")),
    "37": ("Ninh Bình", ("37", "35", "36")),
    "38": ("Thanh Hóa", ("38",)),
    "40": ("Nghệ An", ("40",)),
    "42": ("Hà Tĩnh", ("42",)),
    "44": ("Quảng Trị", ("45", "44")),
    "46": ("Huế", ("46",)),
    "48": ("Đà Nẵng", ("48", "49")),
    "51": ("Quảng Ngãi", ("51", "62")),
    "52": ("Gia Lai", ("64", "52")),
    "56": ("Khánh Hòa", ("56", "58")),
    "66": ("Đắk Lắk", ("66", "54")),
    "68": ("Lâm Đồng", ("68", "67", "60")),
    "75": ("Đồng Nai", ("75", "70")),
    "79": ("Thành phố Hồ Chí Minh", ("79", "74", "77")),
    "80": ("Tây Ninh", ("72", "80")),
    "82": ("Đồng Tháp", ("87", "82")),
    "86": ("Vĩnh Long", ("86", "83", "84")),
    "91": ("An Giang", ("89", "91")),
    "92": ("Cần Thơ", ("92", "93", "94")),
    "96": ("Cà Mau", ("96", "95")),
}
NO_LETTERS = re.compile(r"[\W_]+")
KINDS_OF_PROVINCE = ("tinh ", "thanh pho ", "tp ", "t p ", "t ")
OTHER_NAMES = {
    "hcm": "79",
    "tphcm": "79",
    "sai gon": "79",
    "saigon": "79",
    "vung tau": "77",
    "brvt": "77",
    "dac lac": "66",
    "dak lac": "66",
    "daklak": "66",
    "dac nong": "67",
    "daknong": "67",
    "kontum": "62",
}


def province_key(text: str) -> str:
    """Return what two ways of naming one province of today have in common.

    Takes a name, with or without diacritics, dashes, "Tỉnh" or "TP.", or a code, old or new: "Hà
    Giang", "02" and "tinh Tuyen Quang" are all "tuyen quang". A name that no list knows is its own
    key.
    """
    key = _plain(text)
    code = f"{int(key):02}" if key.isdecimal() and len(key) < 4 else _CODES.get(key)  # noqa: PLR2004
    return _KEYS.get(code or "", key)


def _plain(text: str) -> str:
    key = NO_LETTERS.sub(" ", search_key(text)).strip()
    kind = next((kind for kind in KINDS_OF_PROVINCE if key.startswith(kind)), "")
    return key.removeprefix(kind)


_KEYS = {old: _plain(name) for name, codes in PROVINCES_34.values() for old in codes}
_CODES = {_plain(name): code for code, name in PROVINCES_63.items()} | OTHER_NAMES
_CODES |= {_plain(name): code for code, (name, _) in PROVINCES_34.items()}


def has_districts(on: date) -> bool:
    """Whether addresses of that day have districts (three levels)."""
    return on < TWO_LEVELS_SINCE
