"""Short ways to say what a test of the reader looks at."""

from collections.abc import Iterable
from datetime import date

import pytest

from phr_api.records.reader import (
    FilePart,
    FileRefused,
    Limits,
    OpenedFile,
    Reading,
    ReadVisit,
    Reason,
    VisitRefused,
    VisitSegment,
    interpret,
    open_file,
    read_visit,
)

TODAY = date(2026, 11, 24)
FACILITY = "99001"


def opened(raw: bytes, limits: Limits | None = None) -> tuple[OpenedFile, list[bytes]]:
    """Return the file, read to its end, and the bytes of its visits; it must reassemble."""
    file = open_file([raw], limits)
    pieces = list(file)
    visits = [piece.raw for piece in pieces if isinstance(piece, VisitSegment)]
    parts = [piece for piece in pieces if isinstance(piece, FilePart)]
    assert all(piece.raw for piece in parts)
    if not raw.startswith(b"\x1f\x8b"):
        assert b"".join(piece.raw for piece in pieces) == raw
    place = 0
    for piece in pieces:
        assert piece.start == place
        place += len(piece.raw)
    assert file.envelope.size == place
    assert file.envelope.visit_count == len(visits)
    return file, visits


def visits_of(raw: bytes) -> list[ReadVisit]:
    return [read_visit(visit) for visit in opened(raw)[1]]


def readings_of(raw: bytes) -> list[Reading]:
    return [interpret(visit, today=TODAY, facility_code=FACILITY) for visit in visits_of(raw)]


def reading_of(raw: bytes) -> Reading:
    (reading,) = readings_of(raw)
    return reading


def file_refusal(raw: bytes | Iterable[bytes], limits: Limits | None = None) -> str:
    """Return why a file is refused."""
    chunks = [raw] if isinstance(raw, bytes) else raw
    with pytest.raises(FileRefused) as caught:
        list(open_file(chunks, limits, facility_code=FACILITY))
    assert caught.value.message["vi"]
    assert caught.value.message["en"]
    return caught.value.code


def reasons_of(raw: bytes) -> list[Reason]:
    """Return why the only visit of a file is refused; nothing in it repeats a value."""
    (visit,) = opened(raw)[1]
    with pytest.raises(VisitRefused) as caught:
        interpret(read_visit(visit), today=TODAY, facility_code=FACILITY)
    for reason in caught.value.reasons:
        assert reason.message_vi
        assert reason.message_en
    return caught.value.reasons


def codes_of(raw: bytes) -> list[str]:
    return [reason.code for reason in reasons_of(raw)]
