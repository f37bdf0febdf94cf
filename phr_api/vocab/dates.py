"""Dates as papers and files give them: with unknown parts, in several shapes, in Vietnam's time."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Self
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:\d{2})?)?")
ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-].*)?")
DAY_FIRST = re.compile(r"(\d{2})[/.-]?(\d{2})[/.-]?(\d{4})")
FIRST_YEAR, LAST_YEAR = 1850, 2200


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date whose day, or month and day, may be unknown; `str()` is "1985", "1985-03", ..."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        self.earliest  # noqa: B018 - raises ValueError for a date that never was
        if self.day is not None and self.month is None:
            raise ValueError("a day needs a month")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1985", "1985-03" or "1985-03-02"; ValueError for anything else."""
        match = PARTIAL.fullmatch(text)
        if match is None:
            raise ValueError("not a partial date")
        year, month, day = (int(part) if part else None for part in match.groups())
        return cls(year or 0, month, day)

    @classmethod
    def from_received(cls, text: str) -> Self:
        """Read NGAY_SINH: yyyymmdd[HHMM] with 0000 or 00 for unknown parts, or ISO, or ddMMyyyy.

        Source: QĐ 130 and 4750, XML1 no. 6. Raises ValueError.
        """
        text = text.strip()
        if re.fullmatch(r"\d{4}", text):
            return cls(int(text))
        if match := re.fullmatch(r"(\d{4})(\d{2})(\d{2})(?:\d{4})?", text):
            year, month, day = (int(part) for part in match.groups())
            if FIRST_YEAR <= year <= LAST_YEAR:
                return cls(year, month or None, (day or None) if month else None)
        known = parse_day(text)
        return cls(known.year, known.month, known.day)

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

    def agrees_with(self, other: Self) -> bool:
        """Whether both can be the same day."""
        return self.earliest <= other.latest and other.earliest <= self.latest

    def __str__(self) -> str:
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part)]
        return "-".join(parts)


def parse_day(text: str) -> date:
    """Read a day: yyyymmdd (a time after it is dropped), ISO, or ddMMyyyy. Raises ValueError."""
    return _read(text)[0]


def parse_moment(text: str) -> datetime:
    """Read a moment of Vietnam's time, aware; a day alone is its midnight. Raises ValueError.

    yyyymmddHHMM (QĐ 130), ISO 8601, or ddMMyyyy; 24:00 is not accepted.
    """
    day, clock = _read(text)
    return datetime.combine(day, clock or time(), VIETNAM)


def _read(text: str) -> tuple[date, time | None]:
    text = text.strip()
    for shape in (COMPACT, ISO):
        match = shape.fullmatch(text)
        if match and FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            day = date(int(match[1]), int(match[2]), int(match[3]))
            return day, time(int(match[4]), int(match[5])) if match[4] else None
    if match := DAY_FIRST.fullmatch(text):
        return date(int(match[3]), int(match[2]), int(match[1])), None
    raise ValueError("not a date")
