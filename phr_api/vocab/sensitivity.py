"""Which facts are sensitive. Wide on purpose: a label too many hides, one too few tells.

Codes are of ICD-10; each range below says why it is there. Words are those that hospitals write.
A visit whose own words or diagnoses carry a class gives it to all its facts; a line whose cells
carry one has it alone (records.reader.telling decides that).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from phr_api.vocab.words import SensitivityClass

HIV, TB = SensitivityClass.HIV, SensitivityClass.TB
MENTAL, REPRODUCTIVE = SensitivityClass.MENTAL, SensitivityClass.REPRODUCTIVE

# (first, last, class): three characters name the whole category, four or more one code.
RANGES = (
    ("B20", "B24", HIV),  # HIV disease
    ("Z21", "Z21", HIV),  # infection without symptoms
    ("R75", "R75", HIV),  # laboratory evidence
    ("O98.7", "O98.7", HIV),  # HIV in pregnancy
    ("F02.4", "F02.4", HIV),  # dementia in HIV
    ("Z11.4", "Z11.4", HIV),  # screening: that it was asked for is told already
    ("Z20.6", "Z20.6", HIV),  # contact
    ("Z71.7", "Z71.7", HIV),  # counselling
    ("Z83.0", "Z83.0", HIV),  # in the family
    ("A15", "A19", TB),  # tuberculosis of any organ
    ("B90", "B90", TB),  # its sequelae
    ("J65", "J65", TB),  # pneumoconiosis with tuberculosis
    ("K23.0", "K23.0", TB),  # the asterisk codes: the disease in one organ
    ("K67.3", "K67.3", TB),
    ("K93.0", "K93.0", TB),
    ("M01.1", "M01.1", TB),
    ("M49.0", "M49.0", TB),
    ("M90.0", "M90.0", TB),
    ("N33.0", "N33.0", TB),
    ("N74.0", "N74.1", TB),
    ("O98.0", "O98.0", TB),  # in pregnancy
    ("P37.0", "P37.0", TB),  # of the newborn
    ("R76.1", "R76.1", TB),  # a positive skin test
    ("Z03.0", "Z03.0", TB),  # suspicion
    ("Z11.1", "Z11.1", TB),  # screening
    ("Z20.1", "Z20.1", TB),  # contact
    ("F00", "F99", MENTAL),  # the whole chapter, dependence included
    ("X60", "X84", MENTAL),  # intentional self-harm
    ("Z91.5", "Z91.5", MENTAL),  # its history
    ("Z03.2", "Z03.2", MENTAL),  # suspicion of a mental disorder
    ("Z13.3", "Z13.3", MENTAL),  # screening
    ("O00", "O99", REPRODUCTIVE),  # pregnancy and its end, abortion (O00-O08) above all
    ("Z30", "Z39", REPRODUCTIVE),  # contraception, fertility, pregnancy, birth, after it
    ("Z64.0", "Z64.0", REPRODUCTIVE),  # unwanted pregnancy
    ("Z70", "Z70", REPRODUCTIVE),  # counselling on sexuality
    ("Z11.3", "Z11.3", REPRODUCTIVE),  # screening for sexually transmitted infection
    ("Z20.2", "Z20.2", REPRODUCTIVE),  # contact with one
    ("A50", "A64", REPRODUCTIVE),  # sexually transmitted infections
    ("N70", "N77", REPRODUCTIVE),  # pelvic inflammation: tells of sexual life
    ("N46", "N46", REPRODUCTIVE),  # infertility of men
    ("N48.4", "N48.4", REPRODUCTIVE),  # impotence
    ("N96", "N98", REPRODUCTIVE),  # habitual abortion, infertility of women, assisted fertilization
    ("F52", "F53", REPRODUCTIVE),  # sexual dysfunction; mental disorder after birth
    ("T74.2", "T74.2", REPRODUCTIVE),  # sexual abuse
    ("Y05", "Y05", REPRODUCTIVE),  # sexual assault
)

# Only the ranges of a code's own letter are looked at.
BY_LETTER = {
    first[0]: tuple(each for each in RANGES if each[0][0] == first[0]) for first, _, _ in RANGES
}

# Services of DMDC, section 24 (microbiology): 24.0169-24.0181 HIV, 24.0017-24.0039 mycobacteria.
SERVICES = ((24, 169, 181, HIV), (24, 17, 39, TB))
SECTIONS = tuple({f"{section:02}." for section, _, _, _ in SERVICES})
SERVICE = re.compile(r"([0-9]{2})\.([0-9]{4})(?:\.|$)")

_BEFORE_TB = (
    r"\b(?:bệnh|khuẩn|kháng|chống|thuốc|trị|lọc|nhiễm|nghi|chứng|dõi|sử|mắc|đoán|benh|khuan|khang)"
    r" lao\b(?! (?:động|dong))"
)
_AFTER_TB = (
    r"\blao (?:phổi|hạch|màng|kê|xương|cột sống|khớp|ruột|da\b|thận|tiềm ẩn|kháng|sơ nhiễm"
    r"|ngoài phổi|cũ|tiến triển|phoi|hach|mang|tiem an)"
)

_BEFORE_PREGNANCY = (
    r"\b(?:phá|sảy|sẩy|hút|nạo|đình chỉ|mang|có|tránh|trứng|ngừa|chửa|thử|khám|siêu âm"
    r"|dưỡng|dọa|pha|say|hut|nao|dinh chi|co|tranh|thu|kham|sieu am|duong|doa) thai\b"
)
_ONLY_TB = r"[|;,.:(+/] ?lao ?(?=[|;,.:)+/])"  # a whole cell, or a whole item of a list

# (class, stem, pattern): the pattern is looked for only where its stem stands, which is fast.
# All in lower case; Vietnamese is also written without its accents.
_WORDS = (
    (HIV, "hiv", r"hiv(?!e)"),  # AntiHIV, not archive
    (HIV, "aids", r"\baids\b"),
    (HIV, "sida", r"\bsida\b"),
    (HIV, "arv", r"\barv\b"),
    (HIV, "retrovir", r"(?:kháng|khang|anti).?retrovir"),
    (HIV, "cd4", r"cd4(?![0-9])"),  # TCD4, not CD45
    (HIV, "prep", r"\bprep\b"),
    (HIV, "suy giảm miễn dịch", ""),
    (HIV, "suy giam mien dich", ""),
    (HIV, "dolutegravir", ""),
    (HIV, "efavirenz", ""),
    (HIV, "nevirapin", ""),
    (HIV, "lopinavir", ""),
    (HIV, "atazanavir", ""),
    (HIV, "darunavir", ""),
    (HIV, "raltegravir", ""),
    (HIV, "zidovudin", ""),
    (HIV, "abacavir", ""),
    (HIV, "emtricitabin", ""),
    (HIV, "rilpivirin", ""),
    (TB, " lao", _BEFORE_TB),
    (TB, "lao ", _AFTER_TB),
    (TB, "tubercul", ""),
    (TB, "lao", _ONLY_TB),
    (TB, "bk", r"\bbk\b"),
    (TB, "afb", r"\bafb\b"),
    (TB, "mtb", r"\bmtb"),
    (TB, "xpert", r"(?:\b|gene)xpert"),
    (TB, "mycobacter", ""),
    (TB, "mantoux", ""),
    (TB, "igra", r"\bigra\b"),
    (TB, "rifampi", ""),
    (TB, "rifapentin", ""),
    (TB, "isoniazid", ""),
    (TB, "pyrazinamid", ""),
    (TB, "ethambutol", ""),
    (TB, "bedaquilin", ""),
    (MENTAL, "tâm thần", r"tâm thần(?! kinh)"),
    (MENTAL, "tam than", r"\btam than\b(?! kinh)"),
    (MENTAL, "trầm cảm", ""),
    (MENTAL, "tram cam", r"\btram cam\b"),
    (MENTAL, "loạn thần", ""),
    (MENTAL, "lo âu", ""),
    (MENTAL, "lưỡng cực", ""),
    (MENTAL, "hưng cảm", ""),
    (MENTAL, "tâm lý", ""),
    (MENTAL, "tự ", r"\btự (?:sát|tử|hại|hủy|kỷ)"),
    (MENTAL, "tu sat", r"\btu sat\b"),
    (MENTAL, "nghiện", ""),
    (MENTAL, "ma tuý", ""),
    (MENTAL, "ma túy", ""),
    (MENTAL, "methadon", ""),
    (MENTAL, "buprenorphin", ""),
    (MENTAL, "schizo", ""),
    (MENTAL, "depressi", ""),
    (MENTAL, "psych", ""),
    (MENTAL, "bipolar", ""),
    (MENTAL, "olanzapin", ""),
    (MENTAL, "risperidon", ""),
    (MENTAL, "haloperidol", ""),
    (MENTAL, "clozapin", ""),
    (MENTAL, "quetiapin", ""),
    (MENTAL, "sertralin", ""),
    (MENTAL, "fluoxetin", ""),
    (MENTAL, "sulprid", ""),
    (MENTAL, "sulpirid", ""),
    (MENTAL, "citalopram", ""),
    (MENTAL, "paroxetin", ""),
    (MENTAL, "venlafaxin", ""),
    (MENTAL, "mirtazapin", ""),
    (MENTAL, "aripiprazol", ""),
    (MENTAL, "paliperidon", ""),
    (MENTAL, "promazin", ""),
    (MENTAL, "loan than", r"\bloan than\b"),
    (MENTAL, "lo au", r"\blo au\b"),
    (MENTAL, "luong cuc", r"\bluong cuc\b"),
    (MENTAL, "nghien", r"\bnghien (?:ma|ruou|chat|game)\b"),
    (MENTAL, "ma tuy", r"\bma tuy\b"),
    (REPRODUCTIVE, " thai", _BEFORE_PREGNANCY),
    (
        REPRODUCTIVE,
        "thai ",
        r"\bthai (?:kỳ|sản|nghén|lưu|chết|ngoài|phụ|nhi|trứng|trong|ky|[0-9])",
    ),
    (REPRODUCTIVE, "sản phụ", ""),
    (REPRODUCTIVE, "đặt vòng", ""),
    (REPRODUCTIVE, "dụng cụ tử cung", ""),
    (REPRODUCTIVE, "triệt sản", ""),
    (REPRODUCTIVE, "vô sinh", ""),
    (REPRODUCTIVE, "vo sinh", r"\bvo sinh\b"),
    (REPRODUCTIVE, "hiếm muộn", ""),
    (REPRODUCTIVE, "thụ tinh", ""),
    (REPRODUCTIVE, "tinh trùng", ""),
    (REPRODUCTIVE, "tình dục", ""),
    (REPRODUCTIVE, "tinh duc", r"\btinh duc\b"),
    (REPRODUCTIVE, "giang mai", ""),
    (REPRODUCTIVE, "lậu", r"\b(?:bệnh|khuẩn|viêm|do|mắc) lậu\b|\blậu cầu"),
    (REPRODUCTIVE, "sùi mào gà", ""),
    (REPRODUCTIVE, "hcg", r"hcg\b"),
    (REPRODUCTIVE, "syphilis", ""),
    (REPRODUCTIVE, "vdrl", ""),
    (REPRODUCTIVE, "rpr", r"\brpr\b"),
    (REPRODUCTIVE, "tpha", r"\btpha\b"),
    (REPRODUCTIVE, "gonorr", ""),
    (REPRODUCTIVE, "chlamydia", ""),
    (REPRODUCTIVE, "misoprostol", ""),
    (REPRODUCTIVE, "mifepriston", ""),
    (REPRODUCTIVE, "levonorgestrel", ""),
    (REPRODUCTIVE, "pregnan", ""),
    (REPRODUCTIVE, "abortion", ""),
    (REPRODUCTIVE, "contracept", ""),
)
WORDS = tuple(
    (each, stem, re.compile(pattern) if pattern else None) for each, stem, pattern in _WORDS
)


def _key(stem: str) -> tuple[str, bool, bool]:
    """Return a stem's longest part, and whether a word begins with it and ends with it there."""
    parts = stem.split(" ")
    at = max(range(len(parts)), key=lambda index: len(parts[index]))
    return parts[at], at > 0, at < len(parts) - 1


# A text without a word that fits the key of a stem is not looked at for the stem.
_KEYS = tuple(_key(stem) for _, stem, _ in WORDS)
# Words, as they came, that hold no key, so that each is looked at once; Vietnamese has some 7,000
# syllables, in two or three ways to write one.
_silent: set[str] = set()
MOST_SILENT, LONGEST_SILENT = 50_000, 32

NONE: frozenset[SensitivityClass] = frozenset()

CODE = re.compile(r"(?<![A-Z0-9])([A-Z][0-9]{2})(?:\.?([0-9])[0-9]?)?(?![0-9])")


def classes_of_codes(cells: Iterable[str]) -> frozenset[SensitivityClass]:
    """Return the classes of the ICD-10 codes that stand anywhere in these cells.

    With or without point, dagger or asterisk; alone, in a list of any form, or among words.
    """
    whole = " ".join(cells).upper()
    found: set[SensitivityClass] = set()
    for code in CODE.findall(whole):
        found |= _classes_of_code(*code)
    return frozenset(found) if found else NONE


@lru_cache(maxsize=32_768)  # as many as there are: a letter, two digits, and one or none
def _classes_of_code(category: str, fourth: str) -> frozenset[SensitivityClass]:
    full = f"{category}.{fourth}"
    return frozenset(
        each
        for first, last, each in BY_LETTER.get(category[0], ())
        if first <= (category if len(first) == len(category) else full) <= last
    )


def classes_of_services(codes: Iterable[str]) -> frozenset[SensitivityClass]:
    """Return the classes of service codes (MA_DICH_VU, DMDC scheme `24.0169.1616`)."""
    found = {
        each
        for code in codes
        if code.lstrip().startswith(SECTIONS) and (parts := SERVICE.match(code.strip()))
        for section, first, last, each in SERVICES
        if int(parts[1]) == section and first <= int(parts[2]) <= last
    }
    return frozenset(found) if found else NONE


def classes_of_text(*texts: str | None) -> frozenset[SensitivityClass]:
    """Return the classes that words name; Vietnamese with or without its accents.

    Of several texts at once it says what one of them says, at the price of one.
    """
    hints: set[int] = set()
    for word in set(" ".join(filter(None, texts)).split()) - _silent:
        if indexes := _hints_of(_folded(word)):
            hints.update(indexes)
        elif len(word) <= LONGEST_SILENT and len(_silent) < MOST_SILENT:
            _silent.add(word)
    if not hints:
        return NONE
    whole = " ".join(_folded(f"| {' | '.join(filter(None, texts))} |").split())
    found: set[SensitivityClass] = set()
    for index in hints:
        each, stem, pattern = WORDS[index]
        if each not in found and stem in whole and (pattern is None or pattern.search(whole)):
            found.add(each)
    return frozenset(found) if found else NONE


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


@lru_cache(maxsize=4096)
def _hints_of(word: str) -> tuple[int, ...]:
    return tuple(
        index
        for index, (key, is_begin, is_end) in enumerate(_KEYS)
        if key in word
        and (not is_begin or word.startswith(key))
        and (not is_end or word.endswith(key))
        and (not (is_begin and is_end) or word == key)
    )
