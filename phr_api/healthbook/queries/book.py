"""The whole book: one statement that makes wire bytes, and the one round trip that finds them made.

Version, shape and body come from one statement, or an old body could be kept under a new version
for ever (FINDINGS 9). Tables of identity and clinics are named here and in `wire`, read-only.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook.queries import wire
from phr_api.healthbook.queries.wire import Kind
from phr_api.kit.db import read_row
from phr_api.vocab import ProfileId, Section

# Of measurements the book has the newest; the rest is one request away, page by page.
MOST_MEASUREMENTS = 100

# Notes stay with their visit: a long stay has hundreds of lines.
KINDS: tuple[tuple[str, Kind, str], ...] = (
    ("coverage", wire.COVERAGE, "t.ended_at IS NULL"),
    ("encounters", wire.ENCOUNTER, "t.status = 'current'"),
    ("medications", wire.MEDICATION, "t.status = 'current'"),
    ("results", wire.RESULT, "t.status = 'current'"),
    ("procedures", wire.PROCEDURE, f"t.status = 'current' AND {wire.DONE}"),
    ("programmes", wire.PROGRAMME, "t.status = 'current'"),
    ("papers", wire.PAPER, "t.status = 'current'"),
    ("immunizations", wire.IMMUNIZATION, "t.status = 'current'"),
    ("allergies", wire.ALLERGY, "t.status = 'current'"),
    ("conditions", wire.CONDITION, "t.status = 'current'"),
    ("measurements", wire.MEASUREMENT, "t.status = 'current'"),
)
BOOK_SECTIONS = frozenset({Section.PROFILE} | {kind.section for _, kind, _ in KINDS})


@dataclass(frozen=True, slots=True)
class StoredBook:
    """What one round trip says of the caller's own book: its tag, and its bytes if it must go out.

    `body` is gzip; None when the caller has it already, or when it is not stored at this version.
    """

    tag: str
    is_known: bool
    body: bytes | None


@dataclass(frozen=True, slots=True)
class BuiltBook:
    """A book just assembled: JSON bytes, and the version and shape it was assembled at."""

    version: int
    shape: str
    body: bytes

    @property
    def tag(self) -> str:
        return f'"{self.version}.{self.shape}"'


@lru_cache(maxsize=64)
def book_statement(sections: frozenset[Section]) -> TextClause:
    """Return the statement that builds a book of these sections; compiled once for each choice."""
    parts = [
        f"'{name}', {_list(kind, where)}" for name, kind, where in KINDS if kind.section in sections
    ]
    if Section.PROFILE in sections:
        profile = f"(SELECT {wire.PROFILE.json} FROM profile t WHERE t.id = :profile)"  # noqa: S608
        parts.insert(0, f"'profile', {profile}")
    return text(
        "SELECT r.version, :shape || '.' || c.version || '.' || d.version AS shape,"  # noqa: S608
        f" json_strip_nulls(json_build_object({', '.join(parts)}))\\:\\:text AS body"
        " FROM record r, reference_version c, reference_version d"
        " WHERE r.profile_id = :profile AND c.name = 'codes' AND d.name = 'directory'"
    )


def _list(kind: Kind, where: str) -> str:
    rows = f"FROM {kind.table} t WHERE t.profile_id = :profile AND {where}"
    if kind is wire.MEASUREMENT:
        rows = f"FROM (SELECT * {rows} ORDER BY {kind.order} LIMIT {MOST_MEASUREMENTS}) t"
    return f"(SELECT coalesce(json_agg({kind.json} ORDER BY {kind.order}), '[]') {rows})"


# Our part of a book's shape: the statement is the wire schema.
SHAPE = hashlib.sha256(str(book_statement(BOOK_SECTIONS)).encode()).hexdigest()[:12]


def build_book(session: Session, scope: RecordScope) -> BuiltBook:
    """Assemble what this scope shows, in one statement; each list by the primary key's person."""
    version, shape, body = session.execute(
        book_statement(BOOK_SECTIONS & scope.sections),
        {"profile": scope.profile_id, "shape": SHAPE},
    ).one()
    return BuiltBook(version, shape, body.encode())


def find_own_book(
    account_id: UUID, session_id: UUID, profile_id: ProfileId, *, at: datetime, known: str
) -> StoredBook | None:
    """Check the right and look for the stored book, in one round trip (SQL function read_book).

    `known` is the If-None-Match header. None when the record is not the caller's own, or the
    session is not one that opens it: then consent.open_record has the answer.
    """
    row = read_row(
        "SELECT tag, is_known, body FROM read_book(%s, %s, %s, %s, %s, %s)",
        (account_id, session_id, profile_id, at, SHAPE, known),
    )
    if row is None or row[0] is None:
        return None
    return StoredBook(*row)
