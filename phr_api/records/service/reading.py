"""The reader's work as intake uses it: a file checked and walked, a visit read and merged."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.healthbook import Visit
from phr_api.identity import ReceivedPerson
from phr_api.kit import clock
from phr_api.records import rules
from phr_api.records.reader import (
    FilePart,
    FileRefused,
    Limits,
    ReadVisit,
    SignatureState,
    VisitRefused,
    VisitSegment,
    content_digest,
    interpret,
    merge_visits,
    open_file,
    read_visit,
    verify_stream,
)
from phr_api.records.reader.inflating import inflate
from phr_api.records.service import originals
from phr_api.records.service.arrival import Arrival, Base, Intake, Piece

LIMITS = Limits()
MOST_REMAINDER_BYTES = 32 * 1024 * 1024  # what lies between the visits is held in memory once


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is known of a file once all of it was seen; `visits` are (start, length) in order."""

    sha256: bytes
    size: int
    declared_count: int | None
    visits: tuple[tuple[int, int], ...]
    source_state: str

    @property
    def visit_count(self) -> int:
        return len(self.visits)


def check(
    chunks: Callable[[], Iterable[bytes]], facility_code: str, trust_store: bytes | None
) -> Checked:
    """Read a whole file without keeping it; `chunks` gives it from the first byte each time.

    `source_state` is the state of CHUKYDONVI: absent, present-not-verified, or verified when a
    trust store is configured. Raises FileRefused, for a wrong signature too.
    """
    opened = open_file(chunks(), LIMITS, facility_code=facility_code)
    digest = hashlib.sha256()
    visits: list[tuple[int, int]] = []
    between = 0
    for piece in opened:
        digest.update(piece.raw)
        if isinstance(piece, VisitSegment):
            visits.append((piece.start, len(piece.raw)))
        else:
            between += len(piece.raw)
            if between > MOST_REMAINDER_BYTES:
                raise FileRefused("remainder-too-large", at=piece.start)
    envelope = opened.envelope
    source_state: SignatureState = "absent"
    if envelope.signature == "present":
        source_state = "present-not-verified"
        if trust_store is not None:
            source_state = verify_stream(
                chunks(), trust_store, at=clock.now(), facility_code=facility_code
            )
    return Checked(
        sha256=digest.digest(),
        size=envelope.size,
        declared_count=envelope.declared_count,
        visits=tuple(visits),
        source_state=source_state,
    )


def walk(chunks: Iterable[bytes], checked: Checked) -> Iterator[VisitSegment | FilePart]:
    """Give a checked file's visits and what lies between them; nothing is parsed again."""
    buffer = bytearray()
    base = 0
    places = enumerate(checked.visits)
    place = next(places, None)
    for piece in inflate(chunks, checked.size):
        buffer += piece
        while place is not None and base + len(buffer) >= sum(place[1]):
            ordinal, (start, length) = place
            if start > base:
                yield FilePart(base, bytes(buffer[: start - base]))
            raw = bytes(buffer[start - base : start - base + length])
            yield VisitSegment(ordinal, start, raw)
            del buffer[: start - base + length]
            base = start + length
            place = next(places, None)
    if buffer:
        yield FilePart(base, bytes(buffer))


def interpreted(visit: ReadVisit, facility_code: str) -> tuple[ReceivedPerson, Visit]:
    """Return whose visit it is and its facts. Raises VisitRefused."""
    found = interpret(visit, today=clock.today(), facility_code=facility_code)
    return found.person, found.visit


def reason_rows(refused: VisitRefused) -> list[dict[str, Any]]:
    """Return the reasons as entries keep them."""
    return [reason.to_dict() for reason in refused.reasons]


def arrive(intake: Intake, piece: Piece, visit: ReadVisit) -> Arrival:
    """Return a whole visit as it is to be entered. Raises VisitRefused."""
    return _arrival(intake, piece, visit, content_digest(visit))


def merged_arrival(
    session: Session, intake: Intake, piece: Piece, added: ReadVisit, kept: dict[str, Any]
) -> Arrival:
    """Return the kept visit with the tables of `added` in place of its own of the same name.

    `kept` is a row of received_visit. Raises VisitRefused.
    """
    whole = merge_visits(_kept_visit(session, intake, kept), added)
    arrival = _arrival(intake, piece, whole, content_digest(added))
    return replace(arrival, base=_base(kept), added=added.table_names)


def kept_arrival(session: Session, intake: Intake, kept: dict[str, Any]) -> Arrival:
    """Return a kept version read again from its bytes. Raises VisitRefused."""
    original_id = UUID(kept["original_id"])
    base = _base(kept)
    piece = Piece(
        ordinal=kept["ordinal"],
        start=0,
        raw=b"",
        sha256=base.raw_sha256,
        original_id=original_id,
    )
    visit = _kept_visit(session, intake, kept)
    return replace(_arrival(intake, piece, visit, base.content_sha256), base=base)


def _arrival(intake: Intake, piece: Piece, visit: ReadVisit, content: bytes) -> Arrival:
    person, facts = interpreted(visit, intake.facility_code)
    return Arrival(
        piece=piece,
        content_sha256=content,
        ma_lk=visit.ma_lk,
        ma_bn=visit.ma_bn,
        tables=visit.table_names,
        person=person,
        visit=facts,
    )


def _base(kept: dict[str, Any]) -> Base:
    return Base(
        original_id=UUID(kept["original_id"]),
        raw_sha256=rules.from_hex(kept["raw_sha256"]),
        content_sha256=rules.from_hex(kept["content_sha256"]),
        additions=kept["additions"],
    )


def _kept_visit(session: Session, intake: Intake, kept: dict[str, Any]) -> ReadVisit:
    """Read a version's bytes again: the whole visit, then what was added, in order."""
    visit = read_visit(_open(session, intake, kept["original_id"]))
    for addition in kept["additions"]:
        visit = merge_visits(visit, read_visit(_open(session, intake, addition["original"])))
    return visit


def _open(session: Session, intake: Intake, original_id: str) -> bytes:
    return originals.open_original(session, intake.sealer, UUID(original_id))
