"""The one write for intake: a visit comes, supersedes, is superseded, or is withdrawn.

Each is one static statement for all tables. Intake's speed is counted in round trips and in the
work of statements; the feed triggers run once a table, whatever came into it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook import facts, models
from phr_api.kit import clock
from phr_api.kit.db import do
from phr_api.kit.ids import new_row_id

PARTS: dict[str, tuple[type[facts.Fact], Any]] = {
    "medications": (facts.Medication, models.Medication),
    "procedures": (facts.Procedure, models.Procedure),
    "results": (facts.Result, models.Result),
    "notes": (facts.Note, models.Note),
    "programmes": (facts.Programme, models.Programme),
    "papers": (facts.Paper, models.Paper),
}
# Columns that come from a fact: its own fields, under their names.
KINDS: tuple[type[facts.Fact], ...] = (facts.Encounter, *(kind for kind, _ in PARTS.values()))
NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS}
VALUES: dict[type[facts.Fact], Callable[[facts.Fact], tuple[Any, ...]]] = {
    kind: attrgetter(*names) for kind, names in NAMES.items()
}
# Columns that are the same in every row of a visit: parameters, not repeated in the JSON.
SAME_FOR_ALL = {
    "profile_id": "CAST(%(profile)s AS uuid)",
    "encounter_id": "CAST(%(encounter)s AS uuid)",
    "status": "'current'",
}
SAME_FOR_VISIT = {
    "profile_id": "CAST(%(profile)s AS uuid)",
    "id": "CAST(%(encounter)s AS uuid)",
    "status": "'current'",
    "supersedes": "CAST(%(supersedes)s AS uuid)",
    "submission_id": "CAST(%(submission)s AS uuid)",
    "source_state": "CAST(%(source_state)s AS text)",
    "created_at": "CAST(%(at)s AS timestamptz)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenVisit:
    """What was written: the encounter, and how many facts came with it."""

    encounter_id: UUID
    facts: int


def write_visit(
    session: Session,
    scope: RecordScope,
    visit: facts.Visit,
    *,
    encounter_id: UUID,
    supersedes: UUID | None = None,
    submission_id: UUID | None,
    source_state: str,
) -> WrittenVisit:
    """Store a visit with all its facts in the scope's record, in one statement.

    `supersedes` is an earlier version in the same record; mark that one by supersede_visit.
    `source_state` is what is known of the file's signature (RIGHTS R30).
    """
    present = tuple(name for name in PARTS if getattr(visit, name))
    values: dict[str, Any] = {name: _as_json(_rows(getattr(visit, name))) for name in present}
    values |= {
        "visit": _as_json(_encounter_row(visit.encounter)),
        "profile": scope.profile_id,
        "encounter": encounter_id,
        "supersedes": supersedes,
        "submission": submission_id,
        "source_state": source_state,
        "at": clock.now(),
    }
    do(session, _insert_statement(present), values)
    return WrittenVisit(
        encounter_id=encounter_id, facts=sum(len(getattr(visit, name)) for name in present)
    )


def supersede_visit(
    session: Session, scope: RecordScope, encounter_id: UUID, *, by: UUID | None
) -> None:
    """Mark a visit and its facts as superseded; the feed tells tombstones.

    `by` is the new version in the same record; None when it went to another person's. What is
    sensitive in the new version was so before: its classes are given to all earlier versions,
    which stay readable by id. The tombstones go to whoever saw them until now.
    """
    values = {"profile": scope.profile_id, "encounter": encounter_id, "by": by}
    if by is None:
        do(session, _mark_statement(), values | {"status": "superseded"})
    else:
        do(session, _supersede_statement(), values)


def withdraw_visit(session: Session, scope: RecordScope, encounter_id: UUID) -> None:
    """Mark a visit and its facts as withdrawn by the facility; they stay readable by id."""
    values = {"profile": scope.profile_id, "encounter": encounter_id, "by": None}
    do(session, _mark_statement(), values | {"status": "withdrawn"})


@lru_cache(maxsize=128)
def _insert_statement(present: tuple[str, ...]) -> str:
    """One INSERT a table that gets rows, as parts of one statement; only the tables vary."""
    parts = [_insert("visit", "encounter", NAMES[facts.Encounter], SAME_FOR_VISIT)]
    for name in present:
        kind, model = PARTS[name]
        parts.append(_insert(name, model.__tablename__, ("id", *NAMES[kind]), SAME_FOR_ALL))
    return f"WITH {', '.join(parts)} SELECT 1"


def _insert(parameter: str, table: str, names: Sequence[str], same: dict[str, str]) -> str:
    # the table's own row type names the columns' types: psycopg keeps no plan of texts over 4 KiB
    own = [name for name in names if name not in same]
    return (
        f"new_{table} AS (INSERT INTO {table} ({', '.join([*same, *own])})"  # noqa: S608
        f" SELECT {', '.join([*same.values(), *own])}"
        f" FROM json_populate_recordset(NULL::{table}, CAST(%({parameter})s AS json)))"
    )


@lru_cache(maxsize=1)
def _mark_statement() -> str:
    of_visit = "profile_id = %(profile)s AND encounter_id = %(encounter)s AND status = 'current'"
    parts = [
        f"old_{model.__tablename__} AS (UPDATE {model.__tablename__}"  # noqa: S608 - from our models
        f" SET status = %(status)s WHERE {of_visit})"
        for _, model in PARTS.values()
    ]
    return (
        f"WITH {', '.join(parts)} UPDATE encounter"  # noqa: S608
        " SET status = %(status)s, superseded_by = CAST(%(by)s AS uuid)"
        " WHERE profile_id = %(profile)s AND id = %(encounter)s AND status = 'current'"
    )


@lru_cache(maxsize=1)
def _supersede_statement() -> str:
    tables = [model.__tablename__ for _, model in PARTS.values()]
    of_new = " UNION ALL ".join(
        f"SELECT classes FROM {table} WHERE profile_id = %(profile)s AND {key} = %(by)s"  # noqa: S608
        for table, key in (("encounter", "id"), *((table, "encounter_id") for table in tables))
    )
    earlier = (
        "WITH RECURSIVE earlier AS ("
        "SELECT id, supersedes FROM encounter WHERE profile_id = %(profile)s AND id = %(encounter)s"
        " UNION SELECT e.id, e.supersedes FROM encounter e JOIN earlier"
        " ON e.profile_id = %(profile)s AND e.id = earlier.supersedes)"
    )
    labels = (
        "labels AS (SELECT coalesce(array_agg(DISTINCT label), '{}') AS given"  # noqa: S608
        f" FROM ({of_new}) new_facts, unnest(new_facts.classes) label)"
    )
    parts = [f"old_{table} AS ({_relabel(table, 'encounter_id')})" for table in tables]
    superseded_by = (
        "superseded_by = CASE WHEN id = %(encounter)s THEN CAST(%(by)s AS uuid)"
        " ELSE superseded_by END, "
    )
    return f"{earlier}, {labels}, {', '.join(parts)} {_relabel('encounter', 'id', superseded_by)}"


def _relabel(table: str, key: str, also: str = "") -> str:
    """Return the UPDATE of earlier versions in one table; a row that says the same stays."""
    union = "ARRAY(SELECT unnest(t.classes) UNION SELECT unnest(given) FROM labels ORDER BY 1)"
    return (
        f"UPDATE {table} t SET {also}classes = {union},"  # noqa: S608
        " status = CASE status WHEN 'current' THEN 'superseded' ELSE status END"
        f" WHERE profile_id = %(profile)s AND {key} = ANY (ARRAY(SELECT earlier.id FROM earlier))"
        " AND (status = 'current' OR NOT (SELECT given FROM labels) <@ classes)"
    )


def _rows(lines: Sequence[facts.Fact]) -> list[dict[str, Any]]:
    """Rows of one table. Lists go by id, newest first: the first line gets the newest id."""
    kind = type(lines[0])
    names, values = NAMES[kind], VALUES[kind]
    ids = sorted((new_row_id() for _ in lines), reverse=True)
    return [
        {"id": id_, **dict(zip(names, values(line), strict=True))}
        for id_, line in zip(ids, lines, strict=True)
    ]


def _encounter_row(encounter: facts.Encounter) -> list[dict[str, Any]]:
    kind = facts.Encounter
    return [dict(zip(NAMES[kind], VALUES[kind](encounter), strict=True))]


def _as_json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, facts.Diagnosis):
        return {"code": value.code, "role": value.role}
    if isinstance(value, facts.Vitals):
        return _vitals(value)
    return str(value)  # decimals, as PostgreSQL reads them


def _vitals(vitals: facts.Vitals) -> dict[str, Any]:
    """As they are shown: stored under their wire names, unknown ones left out."""
    told = {
        "pulse": vitals.pulse,
        "temperature": None if vitals.temperature is None else float(vitals.temperature),
        "systolic": vitals.systolic,
        "diastolic": vitals.diastolic,
        "respiration": vitals.respiration,
        "spo2": vitals.spo2,
        "nursingLevel": vitals.nursing_level,
    }
    return {name: value for name, value in told.items() if value is not None}
