"""Which facts are sensitive, by code and by word. A visit's diagnoses colour all of its facts."""

import re
from collections.abc import Iterable

from phr_api.vocab.names import search_key
from phr_api.vocab.words import SensitivityClass

# ICD-10 by class. HIV: disease, infection, exposure, screening, counselling, laboratory evidence.
# TB: A15-A19, sequelae, contact, vaccination-independent screening and history. Mental: chapter V,
# self-harm and its history. Reproductive: abortion and its consequences, sexually transmitted
# infections, contraception, termination, infertility, supervision of pregnancy and rape.
BY_CODE: tuple[tuple[SensitivityClass, re.Pattern[str]], ...] = (
    (
        SensitivityClass.HIV,
        re.compile(r"B2[0-4]|Z21|R75|O98\.?7|Z11\.?4|Z20\.?6|Z71\.?7|F02\.?4|Z83\.?0"),
    ),
    (
        SensitivityClass.TB,
        re.compile(r"A1[5-9]|B90|Z11\.?1|Z20\.?1|Z86\.?1|J65|P37\.?0|O98\.?0|U84\.?3"),
    ),
    (
        SensitivityClass.MENTAL,
        re.compile(r"F\d\d|X[67]\d|X8[0-4]|Z91\.?5|Z81|R45|Z50\.?[234]|Z71\.?[45]|Z00\.?4|Z04\.?6"),
    ),
    (
        SensitivityClass.REPRODUCTIVE,
        re.compile(
            r"A5[0-9]|A6[0-4]|B37\.?3|N46|N97|N52|O0[0-8]|Z3[0-7]|Z64\.?0|Z70|Y05|T74\.?2|Z11\.?3|Z20\.?2|Z22\.?4"
        ),
    ),
)

# Words of service, result and paper texts, in the form of `search_key`.
BY_WORD: tuple[tuple[SensitivityClass, re.Pattern[str]], ...] = (
    (SensitivityClass.HIV, re.compile(r"\bhiv\b|\baids\b|\barv\b|\bcd4\b|khang retro")),
    (
        SensitivityClass.TB,
        re.compile(r"\bafb\b|\blao (phoi|hach|mang|xuong|da|tiet)|benh lao|\bgenexpert\b|\bmtb\b"),
    ),
    (
        SensitivityClass.MENTAL,
        re.compile(r"tam than|tram cam|roi loan (lo au|cam xuc|tam ly)|tu sat|schizophren"),
    ),
    (
        SensitivityClass.REPRODUCTIVE,
        re.compile(r"pha thai|dinh chi thai|nao hut thai|giang mai|\blau cau\b|tranh thai|vo sinh"),
    ),
)


def classes_of_codes(codes: Iterable[str]) -> frozenset[SensitivityClass]:
    """Return the classes of ICD-10 codes, written with or without the point."""
    upper = [code.strip().upper() for code in codes]
    return frozenset(
        name for name, pattern in BY_CODE if any(pattern.match(code) for code in upper)
    )


def classes_of_text(*texts: str) -> frozenset[SensitivityClass]:
    """Return the classes that Vietnamese or English words of these texts reveal."""
    key = search_key(" ".join(text for text in texts if text))
    return frozenset(name for name, pattern in BY_WORD if pattern.search(key))
