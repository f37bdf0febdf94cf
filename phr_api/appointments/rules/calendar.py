"""A booking as a calendar file (RFC 5545), for the phone's own calendar.

Title and place name nobody and nothing unless the citizen turned that on for this booking (R26):
calendars are synchronised to places that we do not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from phr_api.kit.clock import VIETNAM

LONGEST_LINE = 75  # octets, RFC 5545 §3.1
TITLES = {"vi": "Lịch hẹn", "en": "Appointment"}
WAITS = frozenset({"requested"})
ENDED = frozenset({"cancelled", "declined"})

# Viet Nam has had this offset since 1975-06-13 and no summer time
ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Ho_Chi_Minh",
    "BEGIN:STANDARD",
    "DTSTART:19750613T000000",
    "TZOFFSETFROM:+0700",
    "TZOFFSETTO:+0700",
    "TZNAME:+07",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a calendar is told of a booking; `title` and `place` only if names may be shown."""

    booking_id: UUID
    sequence: int
    state: str
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    title: str | None = None
    place: str | None = None


def write_calendar(entry: Entry, language: Literal["vi", "en"]) -> str:
    """Return the file: one event, with the same UID for ever and a SEQUENCE that grows."""
    return "".join(f"{_fold(line)}\r\n" for line in _lines(entry, language))


def _lines(entry: Entry, language: Literal["vi", "en"]) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//phr-api//bookings//VI")
    yield from ("CALSCALE:GREGORIAN", "METHOD:PUBLISH", *ZONE)
    yield "BEGIN:VEVENT"
    yield f"UID:{entry.booking_id}@phr"
    yield f"DTSTAMP:{entry.changed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTART;TZID=Asia/Ho_Chi_Minh:{_local(entry.starts_at)}"
    yield f"DTEND;TZID=Asia/Ho_Chi_Minh:{_local(entry.ends_at)}"
    title = TITLES[language] if entry.title is None else f"{TITLES[language]}: {entry.title}"
    yield f"SUMMARY:{_escape(title)}"
    if entry.place is not None:
        yield f"LOCATION:{_escape(entry.place)}"
    yield f"STATUS:{_status(entry.state)}"
    yield "CLASS:PRIVATE"
    yield from ("END:VEVENT", "END:VCALENDAR")


def _status(state: str) -> str:
    if state in ENDED:
        return "CANCELLED"
    return "TENTATIVE" if state in WAITS else "CONFIRMED"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%Y%m%dT%H%M%S}"


def _escape(text: str) -> str:
    """RFC 5545 §3.3.11; line ends of any kind become the escaped one."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _fold(line: str) -> str:
    """Break a line at 75 octets, never inside a character; the rest begins with a space."""
    parts, part, size = [], "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > LONGEST_LINE:
            parts.append(part)
            part, size = " ", 1
        part += letter
        size += octets
    return "\r\n".join([*parts, part])
