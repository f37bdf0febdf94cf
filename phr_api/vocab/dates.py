"""Dates as papers and files give them: with unknown parts, in several shapes, in Vietnam's time."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Self

from phr_api.kit.clock import VIETNAM as VIETNAM  # noqa: PLC0414 - one zone, known here too

FIRST_YEAR, LAST_YEAR = 1850, 2200

PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
DAY_FIRST = re.compile(
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?: +([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?)?"
)
YEAR_LENGTH, DAY_LENGTH, MINUTE_LENGTH, SECOND_LENGTH = 4, 8, 12, 14


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date whose day, or month and day, may be unknown; `str()` is "1985", "1985-03", ..."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise ValueError("the year is out of range")
        if self.day is not None and self.month is None:
            raise ValueError("a day needs a month")
        if self.month is not None:
            date(self.year, self.month, 1 if self.day is None else self.day)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1985", "1985-03" or "1985-03-02"; ValueError, without the text, otherwise."""
        match = PARTIAL.fullmatch(text)
        if match is None:
            raise ValueError("not a partial date")
        year, month, day = match.groups()
        return cls(int(year), int(month) if month else None, int(day) if day else None)

    @classmethod
    def from_received(cls, text: str) -> Self:
        """Read NGAY_SINH: yyyymmdd[HHMM] with 0000 or 00 for unknown parts, or any other shape.

        Source: QĐ 130 and 4750, XML1 no. 6. Raises ValueError, without the text.
        """
        birth = _read(text.strip())[0]
        return cls(birth.year, birth.month, birth.day)

    @property
    def earliest(self) -> date:
        """The first day it can be."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        """The last day it can be."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    @property
    def is_full(self) -> bool:
        """Whether no part is unknown."""
        return self.day is not None

    def __str__(self) -> str:
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part)]
        return "-".join(parts)


def parse_day(text: str) -> date:
    """Read a day in Vietnam (a time after it is dropped). Raises ValueError, without the text.

    Shapes: yyyymmdd and yyyymmddHHMM (QĐ 130), ISO 8601, and of hand-made files ddmmyyyy and
    dd/mm/yyyy. Eight digits are a year first, and a day first only where that is no date.
    """
    day, _ = _read(text.strip())
    if not day.is_full:
        raise ValueError("the day is unknown")
    return day.earliest


def parse_moment(text: str) -> datetime:
    """Read a moment of Vietnam's time, aware; a day alone is its midnight. Raises ValueError.

    Shapes as `parse_day`, with the time; an ISO moment may say its own offset. 24:00, which some
    systems write for the end of a day, is the next day's midnight at no hospital: it is refused.
    """
    day, at = _read(text.strip())
    if at is not None:
        return at
    if not day.is_full:
        raise ValueError("the day is unknown")
    return datetime.combine(day.earliest, time(), VIETNAM)


def parse_clock(text: str) -> datetime | None:
    """Return the moment if the text says a time of day other than 0000, else None.

    `0000` in a birth means an unknown time (QĐ 130). Raises ValueError.
    """
    _, at = _read(text.strip())
    return None if at is None or at.timetz().replace(tzinfo=None) == time() else at


@lru_cache(maxsize=8192)  # the same few minutes stand on every line of a visit
def _read(text: str) -> tuple[PartialDate, datetime | None]:
    if text.isascii() and text.isdigit():
        return _from_digits(text)
    if match := ISO.fullmatch(text):
        return _from_iso(match)
    if match := DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute = match.groups()
        return _at(int(year), int(month), int(day), hour, minute)
    raise ValueError("not a date")


def _from_digits(text: str) -> tuple[PartialDate, datetime | None]:
    length = len(text)
    if length == YEAR_LENGTH:
        return PartialDate(int(text)), None
    if length not in {DAY_LENGTH, MINUTE_LENGTH, SECOND_LENGTH}:
        raise ValueError("not a date")
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute = (text[8:10], text[10:12]) if length > DAY_LENGTH else (None, None)
    if FIRST_YEAR <= year <= LAST_YEAR and (not month or not day):
        if day:
            raise ValueError("a day needs a month")
        return PartialDate(year, month or None), None
    try:
        return _at(year, month, day, hour, minute)
    except ValueError:
        return _at(int(text[4:8]), int(text[2:4]), int(text[:2]), hour, minute)


def _from_iso(match: re.Match[str]) -> tuple[PartialDate, datetime | None]:
    year, month, day, hour, minute, second, offset = match.groups()
    if offset is None:
        return _at(int(year), int(month), int(day), hour, minute)
    moment = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}"
    try:
        at = datetime.fromisoformat(moment + offset.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError("no such moment") from None  # Python's own message repeats the text
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError("the year is out of range")
    at = at.astimezone(VIETNAM)
    return PartialDate(at.year, at.month, at.day), at


def _at(
    year: int, month: int, day: int, hour: str | None, minute: str | None
) -> tuple[PartialDate, datetime | None]:
    whole = PartialDate(year, month, day)
    if hour is None or minute is None:
        return whole, None
    return whole, datetime.combine(whole.earliest, time(int(hour), int(minute)), VIETNAM)
