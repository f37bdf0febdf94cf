"""Cells into values, and what was wrong with them: reasons refuse the visit, warnings do not."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from phr_api.records.reader.reasons import Reason, shape_of
from phr_api.records.reader.rows import Row
from phr_api.vocab import parse_day, parse_moment

# numeric(…) of the database holds far more; what is longer is no quantity
NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?")
MOMENT = "yyyymmddHHMM"
DAY = "yyyymmdd"


class Faults:
    """What was found wrong in one visit."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.warnings: list[Reason] = []

    def refuse(
        self, code: str, table: str, element: str, *, text: str = "", expected: str | None = None
    ) -> None:
        """Note a reason against the visit; of `text` only the shape is kept."""
        shape = shape_of(text) if text else None
        self.reasons.append(
            Reason(
                code=code,
                table=table,
                row=1,
                element=element,
                expected=expected,
                received_shape=shape,
            )
        )

    def warn(
        self, code: str, table: str, row: int, element: str, text: str, expected: str | None
    ) -> None:
        """Note a cell whose value stays as received and is used no further."""
        self.warnings.append(
            Reason(
                code=code,
                table=table,
                row=row,
                element=element,
                expected=expected,
                received_shape=shape_of(text),
            )
        )


class Cells:
    """One row of a table, read by names; what cannot be read is a warning and None."""

    __slots__ = ("faults", "number", "row", "table")

    def __init__(self, faults: Faults, table: str, number: int, row: Row) -> None:
        self.faults = faults
        self.table = table
        self.number = number
        self.row = row

    def text(self, element: str) -> str | None:
        """Return the text, or None when it is empty or missing."""
        return self.row.get(element) or None

    def parts(self, element: str) -> tuple[str, ...]:
        """Return the values of a list joined by `;`, without empty ones."""
        text = self.row.get(element)
        if not text:
            return ()
        return tuple([part for each in text.split(";") if (part := each.strip())])

    def moment(self, element: str) -> datetime | None:
        """Return a moment in Vietnam's time."""
        text = self.row.get(element)
        if not text:
            return None
        try:
            return parse_moment(text)
        except ValueError:
            self.faults.warn("date-shape", self.table, self.number, element, text, MOMENT)
            return None

    def day(self, element: str) -> date | None:
        """Return a day; the time after it is dropped."""
        text = self.row.get(element)
        if not text:
            return None
        try:
            return parse_day(text)
        except ValueError:
            self.faults.warn("date-shape", self.table, self.number, element, text, DAY)
            return None

    def days(self, element: str) -> tuple[date, ...]:
        """Return the days of a list joined by `;`."""
        found = []
        for text in self.parts(element):
            try:
                found.append(parse_day(text))
            except ValueError:
                self.faults.warn("date-shape", self.table, self.number, element, text, DAY)
        return tuple(found)

    def decimal(self, element: str) -> Decimal | None:
        """Return a number with a decimal point."""
        text = self.row.get(element)
        if not text:
            return None
        if NUMBER.fullmatch(text):
            return Decimal(text)
        self.faults.warn("number-shape", self.table, self.number, element, text, "number")
        return None

    def line_no(self) -> int:
        """Return STT; where it is no number, the place of the row."""
        text = self.row.get("STT", "")
        is_number = text.isascii() and text.isdigit() and len(text) <= 9  # noqa: PLR2004
        return int(text) if is_number else self.number

    def details(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return {name: text} of the elements that are there.

        A name that ends in `At` or `On` is a moment or a day, shown by ISO 8601 if it can be read.
        """
        row = self.row
        return {
            name: _shown(name, text) if name.endswith(("At", "On")) else text
            for name, element in names.items()
            if (text := row.get(element))
        }


def _shown(name: str, text: str) -> str:
    try:
        read = parse_moment if name.endswith("At") else parse_day
        return read(text).isoformat()
    except ValueError:
        return text


def code_list(text: str | None) -> list[str]:
    """Return codes joined by `;` (or, in hand-made files, by a comma), in capitals."""
    if not text:
        return []
    return [part for each in text.replace(",", ";").split(";") if (part := each.strip().upper())]


def plain_number(text: str | None) -> Decimal | None:
    """Return a value that is plainly a number; `> 150`, `5,4` and `Âm tính` stay text."""
    if not text or not NUMBER.fullmatch(text):
        return None
    return Decimal(text)
