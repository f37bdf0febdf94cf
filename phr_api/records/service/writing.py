"""The rows of intake itself: a version of a visit, its sealed bytes, its entry in the file.

Written by one statement a visit: each round trip counts, with several thousand visits a file.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from phr_api.kit.db import do
from phr_api.records.models import Outcome, VisitState
from phr_api.records.service.arrival import Base, Intake

_ORIGINAL = """
    INSERT INTO original (id, facility_code, submission_id, sha256, plain_bytes, wrapped_key,
        sealed)
    VALUES (%(original)s, %(facility)s, %(submission)s, %(raw_sha256)s, %(plain_bytes)s,
        %(wrapped_key)s, %(sealed)s)
"""
_VERSION = """
    INSERT INTO received_visit (id, facility_code, ma_lk, ma_bn, version, state, raw_sha256,
        content_sha256, person_sha256, submission_id, ordinal, original_id, tables, additions,
        profile_id, encounter_id, candidate_id, match_kind, match_reasons, match_without,
        source_state, received_at, attached_at)
    VALUES (%(visit)s, %(facility)s, %(ma_lk)s, %(ma_bn)s, %(version)s, %(state)s,
        %(base_sha256)s, %(content_sha256)s, %(person_sha256)s, %(submission)s, %(ordinal)s,
        %(base_original)s, CAST(%(tables)s AS jsonb), CAST(%(additions)s AS jsonb), %(profile)s,
        %(encounter)s, %(candidate)s, %(match_kind)s, CAST(%(match_reasons)s AS jsonb),
        CAST(%(match_without)s AS jsonb), %(source_state)s, %(at)s,
        CASE WHEN CAST(%(profile)s AS uuid) IS NOT NULL THEN CAST(%(at)s AS timestamptz) END)
"""
_ENTRY = """
    INSERT INTO submission_entry (submission_id, ordinal, facility_code, ma_lk, ma_bn, outcome,
        reasons, visit_id, original_id, start_byte, plain_bytes, is_open, entered_at)
    VALUES (%(submission)s, %(ordinal)s, %(facility)s, %(ma_lk)s, %(ma_bn)s, %(outcome)s,
        CAST(%(reasons)s AS jsonb), %(visit)s, %(original)s, %(start)s, %(plain_bytes)s,
        %(is_open)s, %(at)s)
    ON CONFLICT (submission_id, ordinal) DO UPDATE SET ma_lk = EXCLUDED.ma_lk,
        ma_bn = EXCLUDED.ma_bn, outcome = EXCLUDED.outcome, reasons = EXCLUDED.reasons,
        visit_id = EXCLUDED.visit_id, is_open = EXCLUDED.is_open
"""
WITH_VERSION = f"WITH bytes AS ({_ORIGINAL}), version AS ({_VERSION}) {_ENTRY}"
AGAIN_WITH_VERSION = f"WITH version AS ({_VERSION}) {_ENTRY}"
WITH_BYTES = f"WITH bytes AS ({_ORIGINAL}) {_ENTRY}"
ENTRY = _ENTRY
VERSION = _VERSION

_END = (
    "UPDATE received_visit SET state = %(state)s, ended_at = %(at)s"
    " WHERE id = CAST(%(visit)s AS uuid)"
)
_CLOSE_REFUSALS = (
    "UPDATE submission_entry SET is_open = false"
    " WHERE is_open AND facility_code = %(facility)s AND ma_lk = %(ma_lk)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version of a visit that arrives: current in somebody's book, or waiting for a decision."""

    id: UUID
    version: int
    state: VisitState
    profile_id: UUID | None
    encounter_id: UUID | None
    candidate_id: UUID | None
    match_kind: str
    match_reasons: list[str]
    match_without: list[str]
    person_sha256: bytes
    original_id: UUID
    base: Base
    tables: list[str]
    additions: list[dict[str, Any]]

    def parameters(self, intake: Intake) -> dict[str, Any]:
        """Return what _VERSION takes beyond the entry's parameters."""
        return {
            "visit": self.id,
            "version": self.version,
            "state": self.state,
            "profile": self.profile_id,
            "encounter": self.encounter_id,
            "candidate": self.candidate_id,
            "match_kind": self.match_kind,
            "match_reasons": as_json(self.match_reasons),
            "match_without": as_json(self.match_without),
            "person_sha256": self.person_sha256,
            "base_original": self.base.original_id,
            "base_sha256": self.base.raw_sha256,
            "content_sha256": self.base.content_sha256,
            "tables": as_json(self.tables),
            "additions": as_json(self.additions),
            "source_state": intake.source_state,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What became of one visit of the file."""

    ordinal: int
    start: int
    plain_bytes: int
    ma_lk: str | None
    ma_bn: str | None
    outcome: Outcome
    reasons: list[dict[str, Any]]
    visit_id: UUID | None
    original_id: UUID
    at: datetime

    def parameters(self, intake: Intake) -> dict[str, Any]:
        """Return what _ENTRY and _ORIGINAL take, the sealed bytes left out."""
        return {
            "submission": intake.submission_id,
            "facility": intake.facility_code,
            "ordinal": self.ordinal,
            "start": self.start,
            "plain_bytes": self.plain_bytes,
            "ma_lk": self.ma_lk,
            "ma_bn": self.ma_bn,
            "outcome": self.outcome,
            "reasons": as_json(self.reasons),
            "visit": self.visit_id,
            "original": self.original_id,
            "is_open": self.outcome == Outcome.REFUSED,
            "at": self.at,
        }


def add_version(
    session: Session, intake: Intake, version: NewVersion, visit: dict[str, Any], at: datetime
) -> None:
    """Write a version whose bytes are kept already; `visit` is the row that it follows."""
    same = {name: visit[name] for name in ("ma_lk", "ma_bn", "ordinal")}
    do(
        session,
        VERSION,
        version.parameters(intake)
        | same
        | {"submission": visit["submission_id"], "facility": intake.facility_code, "at": at},
    )


def end_version(session: Session, visit_id: UUID | str, state: VisitState, at: datetime) -> None:
    """Take a version out of force; another may become current after it."""
    do(session, _END, {"visit": visit_id, "state": state, "at": at})


def close_refusals(session: Session, intake: Intake, ma_lk: str) -> None:
    """Settle the open refusals of a visit that has arrived properly."""
    do(session, _CLOSE_REFUSALS, {"facility": intake.facility_code, "ma_lk": ma_lk})


def as_json(value: object) -> str:
    """Return the text of a jsonb parameter."""
    return orjson.dumps(value).decode()
