"""What a line or a note of a form may hold; for the schemas of all rooms."""

import re
from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, validate

PHONE_SHAPE = "Not a phone number like +84912345678."
# PostgreSQL's text holds no NUL; other control characters have no place in a form.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_words(text: str) -> None:
    """Raise ValidationError for white space alone and for control characters but tab, newline."""
    if not text.strip():
        raise ValidationError("White space alone is no value.")
    if CONTROL.search(text):
        raise ValidationError("Control characters are not accepted.")


def words(longest: int) -> list[Callable[[Any], Any]]:
    """Validators of a text of 1 to `longest` characters."""
    return [validate.Length(1, longest), is_words]
