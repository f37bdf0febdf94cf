"""Names of people, as they are compared and searched (RIGHTS R12)."""

import re
import unicodedata

SPACES = re.compile(r"\s+")

# Tone placement: older and newer spelling put the tone of oa, oe, uy on another letter (Hoà = Hòa).
TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
# on the first vowel ("hòa") or the second ("hoà"); a following letter leaves only one spelling
LATE_TONE = re.compile(f"(?<!q)(o)([ae])([{TONES}])(?![a-z])|(?<!q)(u)(y)([{TONES}])(?![a-z])")


def name_key(name: str) -> str:
    """Return the form in which two names are the same person's: NFC, case, spaces, Đ, tone.

    Ð (Icelandic eth, U+00D0) and Ɖ (U+0189) are typed for Đ; "Hoà" and "Hòa" are one name.
    """
    text = SPACES.sub(" ", unicodedata.normalize("NFKC", name)).strip().casefold()
    text = text.replace("ð", "đ").replace("ɖ", "đ").replace("\u200b", "")
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", LATE_TONE.sub(_early_tone, decomposed))


def _early_tone(match: re.Match[str]) -> str:
    first, second, tone = (part for part in match.groups() if part)
    return first + tone + second


def search_key(text: str) -> str:
    """Return text without diacritics in lower case: "Đà Nẵng" → "da nang"."""
    folded = name_key(text).replace("đ", "d")
    decomposed = unicodedata.normalize("NFD", folded)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
