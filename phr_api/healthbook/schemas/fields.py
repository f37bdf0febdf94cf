"""Fields that several shapes of this room share."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from phr_api.kit.web import Schema
from phr_api.vocab import PartialDate

LONGEST_CURSOR = 600
LONGEST_NOTE = 2000
# PostgreSQL's text holds no NUL; other control characters have no place in a line of a form.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def no_control_characters(text: str) -> None:
    """Raise ValidationError if the text holds a control character other than tab and newline."""
    if CONTROL.search(text):
        raise ValidationError("Control characters are not accepted.")


def not_blank(text: str) -> None:
    """Raise ValidationError if the text is white space alone."""
    if not text.strip():
        raise ValidationError("White space alone is no value.")


def plain_number(value: Decimal) -> None:
    """Raise ValidationError unless the number is finite and has at most 4 decimals."""
    if not value.is_finite() or int(value.as_tuple().exponent) < -4:  # noqa: PLR2004
        raise ValidationError("Not a number with at most 4 decimals.")


def moment_in_range(value: datetime) -> None:
    """Raise ValidationError for a moment before 1900, which no phone has measured."""
    if value < datetime(1900, 1, 1, tzinfo=UTC):
        raise ValidationError("Not before 1900.")


class PartialDateField(fields.String):
    """A date with unknown parts left out: 1985, 1985-03 or 1985-03-02."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"example": "1985-03", "description": "unknown parts are left out"}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return str(PartialDate.parse(text))
        except ValueError as error:
            raise ValidationError("Not a date like 1985, 1985-03 or 1985-03-02.") from error


class WordsSchema(Schema):
    """A code with its words in the current list; a code that no list knows shows as itself."""

    code = fields.String(required=True)
    display = fields.String(required=True)
    display_en = fields.String()


class PlaceSchema(Schema):
    """A facility; without a name when the directory does not know its code."""

    code = fields.String(required=True)
    name = fields.String()
