"""The one write for intake: a visit comes, supersedes, is superseded, or is withdrawn.

Each is one static statement for all tables: intake's speed is counted in round trips and in the
work of statements.
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
from phr_api.identity import NewRows
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
# The tables of the SQL function write_visit (revision 0008), in its order.
TABLES = (
    "profile",
    "profile_identifier",
    "profile_address",
    "coverage",
    "encounter",
    *(model.__tablename__ for _, model in PARTS.values()),
)
_WRITE = (
    "SELECT write_visit(%(person)s, %(event)s, %(at)s, %(kinds)s, %(sections)s, %(ids)s,"
    f" %(classes)s, {', '.join(f'CAST(%({table})s AS json)' for table in TABLES)})"
)
SECTION_OF = {table: models.Encounter.metadata.tables[table].info["section"] for table in TABLES}
NO_TABLES: dict[str, None] = dict.fromkeys(TABLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenVisit:
    """What was written: the encounter, and how many facts came with it."""

    encounter_id: UUID
    facts: int


def write_visit(  # noqa: PLR0913 - what comes with a visit
    session: Session,
    scope: RecordScope,
    visit: facts.Visit,
    *,
    encounter_id: UUID,
    supersedes: UUID | None = None,
    submission_id: UUID | None,
    source_state: str,
    person: NewRows | None = None,
    event_id: UUID | None = None,
) -> WrittenVisit:
    """Store a visit with all its facts in the scope's record, in one statement.

    `supersedes` is an earlier version in the same record; mark that one by supersede_visit.
    `source_state` is what is known of the file's signature (RIGHTS R30). `person` are rows that the
    visit adds to the person (identity.add_to_person); `event_id` is the event of the trace that
    gets the person as a subject.
    """
    at = clock.now()
    same = {"profile_id": scope.profile_id, "status": "current"}
    encounter = same | {
        "id": encounter_id,
        "supersedes": supersedes,
        "submission_id": submission_id,
        "source_state": source_state,
        "created_at": at,
    }
    new: NewRows = {**(person or {}), models.Encounter: [encounter | _own(visit.encounter)]}
    same["encounter_id"] = encounter_id
    for name, (_, model) in PARTS.items():
        new[model] = _rows(getattr(visit, name), same)
    values: dict[str, Any] = {
        model.__tablename__: _as_json(rows) for model, rows in new.items() if rows
    }
    values |= {"person": scope.profile_id, "event": event_id, "at": at} | _told(new)
    do(session, _WRITE, NO_TABLES | values)
    return WrittenVisit(
        encounter_id=encounter_id, facts=sum(len(getattr(visit, name)) for name in PARTS)
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


def _rows(lines: Sequence[facts.Fact], same: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of one table. Lists go by id, newest first: the first line gets the newest id."""
    ids = sorted((new_row_id() for _ in lines), reverse=True)
    return [same | {"id": id_} | _own(line) for id_, line in zip(ids, lines, strict=True)]


def _own(fact: facts.Fact) -> dict[str, Any]:
    kind = type(fact)
    return dict(zip(NAMES[kind], VALUES[kind](fact), strict=True))


def _told(new: NewRows) -> dict[str, str]:
    """Return what the feed is told: of each new row its kind, section, id and classes, joined."""
    told = [(model.__tablename__, row) for model, rows in new.items() for row in rows]
    return {
        "kinds": ";".join([table for table, _ in told]),
        "sections": ";".join([SECTION_OF[table] for table, _ in told]),
        "ids": ";".join([str(row["id"]) for _, row in told]),
        "classes": ";".join(["{" + ",".join(sorted(row["classes"])) + "}" for _, row in told]),
    }


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
