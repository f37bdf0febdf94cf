"""Lists and single facts, as wire JSON made by the database. No scope, no rows."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook.queries import wire
from phr_api.healthbook.queries.wire import Kind
from phr_api.kit.problems import NotFound

CURRENT = "t.status = 'current'"
# Points of one chart; the newest ones when there are more.
MOST_POINTS = 500

VISIT_LISTS: tuple[tuple[str, Kind], ...] = (
    ("medications", wire.MEDICATION),
    ("results", wire.RESULT),
    ("procedures", wire.PROCEDURE),
    ("notes", wire.NOTE),
    ("programmes", wire.PROGRAMME),
    ("papers", wire.PAPER),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One fact as wire JSON, and where a page that ends with it goes on."""

    json: str
    sort: str
    id: UUID


@lru_cache(maxsize=128)
def _list_statement(kind: Kind, where: str, *, is_further: bool) -> TextClause:
    # the kinds and conditions are constants of this room; what a caller sends is a parameter
    start = f"(CAST(:sort AS {kind.sort_type}), CAST(:id AS uuid))"
    further = f" AND ({kind.sort}, t.id) < {start}" if is_further else ""
    return text(
        f"SELECT json_strip_nulls({kind.json})\\:\\:text, ({kind.sort})\\:\\:text, t.id"  # noqa: S608
        f" FROM {kind.table} t WHERE t.profile_id = :profile AND {where}{further}"
        f" ORDER BY {kind.order} LIMIT :limit"
    )


def find_lines(
    session: Session,
    scope: RecordScope,
    kind: Kind,
    *,
    limit: int,
    where: str = CURRENT,
    before: tuple[str, str] | None = None,
    **values: Any,
) -> list[Line]:
    """One page of a kind, newest first.

    Encounters walk ix_encounter_timeline, measurements ix_measurement_timeline; the others sort
    one person's rows, found by the primary key. `where` is SQL of this room, with its parameters
    in `values`.
    """
    values |= {"profile": scope.profile_id, "limit": limit}
    if before:
        values |= {"sort": before[0], "id": before[1]}
    statement = _list_statement(kind, where, is_further=before is not None)
    return [Line(*row) for row in session.execute(statement, values)]


def find_by_ids(
    session: Session, scope: RecordScope, kind: Kind, ids: list[UUID]
) -> dict[UUID, str]:
    """Wire JSON by id, of any status; by primary key."""
    statement = text(
        f"SELECT t.id, json_strip_nulls({kind.json})\\:\\:text AS json"  # noqa: S608
        f" FROM {kind.table} t"
        " WHERE t.profile_id = :profile AND t.id = ANY (:ids)"
    )
    rows = session.execute(statement, {"profile": scope.profile_id, "ids": ids})
    return {row.id: row.json for row in rows}


def get_by_id(session: Session, scope: RecordScope, kind: Kind, id_: UUID) -> str:
    """Wire JSON of one fact of any status, or NotFound; by primary key."""
    found = find_by_ids(session, scope, kind, [id_])
    if not found:
        raise NotFound
    return found[id_]


@lru_cache(maxsize=4)
def _with_received(kind: Kind, *, received: bool) -> str:
    if not received:
        return kind.json
    # as text, so that the fields stay in the order in which they came
    return (
        f"(left(json_strip_nulls({kind.json})\\:\\:text, -1) || ',\"received\"\\:'"
        " || t.received\\:\\:text || '}')\\:\\:json"
    )


@lru_cache(maxsize=2)
def _visit_statement(*, received: bool) -> TextClause:
    lists = ", ".join(
        f"'{name}', (SELECT coalesce(json_agg({_with_received(kind, received=received)}"  # noqa: S608
        f" ORDER BY {kind.order}), '[]') FROM {kind.table} t"
        " WHERE t.profile_id = v.profile_id AND t.encounter_id = v.id)"
        for name, kind in VISIT_LISTS
    )
    visit = _with_received(wire.ENCOUNTER, received=received)
    return text(
        f"SELECT json_strip_nulls((SELECT {visit} FROM encounter t"  # noqa: S608
        " WHERE t.profile_id = v.profile_id AND t.id = v.id)\\:\\:json)\\:\\:text,"
        f" json_strip_nulls({_cost()})\\:\\:text,"
        f" json_strip_nulls(json_build_object({lists}))\\:\\:text"
        " FROM encounter v WHERE v.profile_id = :profile AND v.id = :id"
    )


# What the citizen wants to know of XML1's money (vietnam.md, XML1 no. 47-52), in VND as received.
COST = {
    "total": "T_TONGCHI_BV",
    "insuredTotal": "T_TONGCHI_BH",
    "insurancePaid": "T_BHTT",
    "coPayment": "T_BNCCT",
    "selfPaid": "T_BNTT",
    "otherSources": "T_NGUONKHAC",
}


def _cost() -> str:
    pairs = ", ".join(f"'{name}', {_amount(field)}" for name, field in COST.items())
    return f"json_build_object({pairs})"


def _amount(field: str) -> str:
    value = f"v.received->>'{field}'"
    return (
        rf"CASE WHEN {value} ~ '^[0-9]{{1,15}}([.][0-9]{{1,4}})?$'"
        rf" THEN trim_scale(CAST({value} AS numeric)) END"
    )


def get_visit(session: Session, scope: RecordScope, id_: UUID, *, received: bool) -> str:
    """Wire JSON of one visit of any status with everything that came with it, or NotFound.

    One statement; lists by ix_<table>_encounter_id. `received` adds every field as it came.
    """
    row = session.execute(
        _visit_statement(received=received), {"profile": scope.profile_id, "id": id_}
    ).first()
    if row is None:
        raise NotFound
    visit, cost, lists = row
    return f'{visit[:-1]},"cost":{cost},{lists[1:]}'


def get_paper(session: Session, scope: RecordScope, id_: UUID, *, received: bool) -> str:
    """Wire JSON of one paper of any status, or NotFound; by primary key."""
    shape = _with_received(wire.PAPER, received=received)
    statement = text(
        f"SELECT json_strip_nulls({shape}\\:\\:json)\\:\\:text FROM paper t"  # noqa: S608
        " WHERE t.profile_id = :profile AND t.id = :id"
    )
    row = session.execute(statement, {"profile": scope.profile_id, "id": id_}).first()
    if row is None:
        raise NotFound
    return str(row[0])


POINT = wire.members(
    id="t.id",
    encounter_id="t.encounter_id",
    name="t.name",
    at=wire.moment("t.resulted_at"),
    value="t.value_text",
    number="trim_scale(t.value_num)",
    unit="t.unit",
    facility=wire.VISIT_FACILITY,
    classes=wire.CLASSES,
)


def get_series(session: Session, scope: RecordScope, code: str) -> tuple[str, list[str]]:
    """The name of a result and its points, oldest first; one person's part of ix_result_series.

    Many hospitals leave the code of an index empty: then its name is the code. NotFound when this
    scope sees no such result.
    """
    rows = session.execute(
        text(
            f"SELECT t.name, json_strip_nulls({POINT})\\:\\:text FROM result t"  # noqa: S608
            f" WHERE t.profile_id = :profile AND coalesce(t.code, t.name) = :code AND {CURRENT}"
            " AND t.resulted_at IS NOT NULL ORDER BY t.resulted_at DESC, t.id DESC LIMIT :limit"
        ),
        {"profile": scope.profile_id, "code": code, "limit": MOST_POINTS},
    ).all()
    if not rows:
        raise NotFound
    return rows[0][0], [json for _, json in reversed(rows)]
