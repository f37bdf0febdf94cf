"""Numbers of people, cards and facilities: their structure, and nothing about whose they are.

Sources: vietnam.md §2; BHXH's validation sheet of QĐ 4750. None of them has a check digit.
"""

import re

from phr_api.vocab.provinces import PROVINCES_63
from phr_api.vocab.words import IdentifierSystem, Sex

CITIZEN = re.compile(r"([0-9]{3})([0-9])([0-9]{2})([0-9]{6})")
OLD = re.compile(r"[0-9]{9}")
PASSPORT = re.compile(r"[A-Z][0-9]{7}")
CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{2}[0-9]{10}")
INSURANCE = re.compile(r"[0-9]{10}")
FACILITY = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
PHONE = re.compile(r"(?:\+84|84|0)([35789][0-9]{8}|2[0-9]{9})")
LAST_CENTURY_DIGIT = 3  # 2000s; nobody of 2100 is born yet

FIRST_COUNTRY = 100


class InvalidIdentifier(ValueError):
    """The text is not such a number; `code` says what is wrong, never the value."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_citizen_number(text: str) -> str:
    """Return the 12 digits, or raise InvalidIdentifier (citizen-number-shape, -place, -century).

    Digits 1-3 place of birth registration (old province or country), 4 century and sex, 5-6 year.
    """
    match = CITIZEN.fullmatch(text.strip())
    if match is None:
        raise InvalidIdentifier("citizen-number-shape")
    # numbers keep the province of birth for life, so the 63 codes before 2025-07-01 hold
    if int(match[1]) < FIRST_COUNTRY and match[1][1:] not in PROVINCES_63:
        raise InvalidIdentifier("citizen-number-place")
    if int(match[2]) > LAST_CENTURY_DIGIT:
        raise InvalidIdentifier("citizen-number-century")
    return match[0]


def citizen_birth_year(number: str) -> int:
    """Return the birth year that digits 4-6 of a citizen number say."""
    return 1900 + 100 * (int(number[3]) // 2) + int(number[4:6])


def citizen_sex(number: str) -> Sex:
    """Return the sex that digit 4 of a citizen number says: even male, odd female."""
    return Sex.FEMALE if int(number[3]) % 2 else Sex.MALE


def classify_person_number(text: str) -> tuple[IdentifierSystem, str] | None:
    """Return (system, number) of a person's number, or None when it has no known structure.

    12 digits are a citizen number, 9 an old identity card, a capital and 7 digits a passport,
    two letters and 13 digits an insurance card.
    """
    number = text.strip().upper()
    if OLD.fullmatch(number):
        return IdentifierSystem.OLD, number
    if PASSPORT.fullmatch(number):
        return IdentifierSystem.PASSPORT, number
    if CARD.fullmatch(number):
        return IdentifierSystem.CARD, number
    try:
        return IdentifierSystem.CITIZEN, check_citizen_number(number)
    except InvalidIdentifier:
        return None


def classify_card(text: str) -> tuple[str | None, str]:
    """Return (15-character card or None, 10-digit insurance number) of what is on a card.

    Cards since 2020 print the 10 digits alone; the last 10 of 15 are the same number.
    Raises InvalidIdentifier (card-shape).
    """
    number = text.strip().upper()
    if CARD.fullmatch(number):
        return number, number[5:]
    if INSURANCE.fullmatch(number):
        return None, number
    raise InvalidIdentifier("card-shape")


def check_facility_code(text: str) -> str:
    """Return the 5 characters (province and 3), or raise InvalidIdentifier (facility-shape)."""
    code = text.strip().upper()
    if not FACILITY.fullmatch(code):
        raise InvalidIdentifier("facility-shape")
    return code


def check_phone(text: str) -> str:
    """Return E.164 of a Vietnamese number, or raise InvalidIdentifier (phone-shape)."""
    match = PHONE.fullmatch(re.sub(r"[\s.()-]", "", text))
    if match is None:
        raise InvalidIdentifier("phone-shape")
    return f"+84{match[1]}"
