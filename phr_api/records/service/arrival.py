"""A visit on its way in, the file it came with, and what is known of it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from phr_api import audit
from phr_api.healthbook import Visit
from phr_api.identity import ReceivedPerson
from phr_api.kit.sealed import OriginalSealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The file that is being taken in, as far as each of its visits needs it."""

    submission_id: UUID
    facility_code: str
    actor: audit.Actor
    event_id: UUID
    source_state: str
    sealer: OriginalSealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The bytes of one visit and where they lay; `original_id` when they are kept already."""

    ordinal: int
    start: int
    raw: bytes
    sha256: bytes
    original_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The kept whole visit that an arrival stands on, and the single tables added to it before."""

    original_id: UUID
    raw_sha256: bytes
    content_sha256: bytes
    additions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What was read from a piece: a visit of `tables` and its person.

    `content_sha256` is of the piece alone. With a `base` the visit is the whole of base and piece
    (`added` names the piece's tables), or the base itself read again (`added` is empty).
    """

    piece: Piece
    content_sha256: bytes
    ma_lk: str
    ma_bn: str | None
    tables: tuple[str, ...]
    person: ReceivedPerson
    visit: Visit
    base: Base | None = None
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the facility sent of this visit before; versions as rows of received_visit.

    `withdrawn_contents` are those of every version up to the last one that was withdrawn,
    `disagreements` how often the sender's people disagreed with known numbers today (R11).
    """

    is_entered: bool
    last_version: int
    current: dict[str, Any] | None
    waiting: dict[str, Any] | None
    withdrawn_contents: list[bytes]
    has_open_refusals: bool
    disagreements: int
