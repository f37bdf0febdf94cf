"""What hospitals sent: visits, results, medicines, papers."""

import json
from typing import Any
from uuid import UUID

from flask import Response

from phr_api.healthbook import queries
from phr_api.healthbook.queries import Kind, wire
from phr_api.healthbook.routes.answers import opened, page, raw, start_of
from phr_api.healthbook.routes.blueprint import blp, query
from phr_api.healthbook.schemas import (
    BookVisitSchema,
    EncounterPageSchema,
    MedicationPageSchema,
    MedicationQuerySchema,
    PageQuerySchema,
    PaperPageSchema,
    PaperSchema,
    ReceivedQuerySchema,
    ResultPageSchema,
    ResultQuerySchema,
)

LASTING = "t.status = 'current' AND (CAST(:until AS date) IS NULL OR t.until_on >= :until)"


@blp.route("/encounters")
@query(PageQuerySchema)
@blp.response(200, EncounterPageSchema)
def list_encounters(wanted: dict[str, Any], profile_id: UUID) -> Response:
    """List visits, newest first"""
    return _page(profile_id, wire.ENCOUNTER, wanted)


@blp.route("/encounters/<uuid:encounter_id>")
@query(ReceivedQuerySchema)
@blp.response(200, BookVisitSchema)
def read_encounter(wanted: dict[str, bool], profile_id: UUID, encounter_id: UUID) -> Response:
    """Read one visit in full

    A superseded or withdrawn visit stays readable here, and is marked.
    """
    with opened(profile_id, "encounter.read") as (session, scope):
        return raw(queries.get_visit(session, scope, encounter_id, received=wanted["received"]))


@blp.route("/results")
@query(ResultQuerySchema)
@blp.response(200, ResultPageSchema)
def list_results(wanted: dict[str, Any], profile_id: UUID) -> Response:
    """List results, newest first; with `code` one series for a chart, oldest first"""
    code = wanted.pop("code")
    if code is None:
        return _page(profile_id, wire.RESULT, wanted)
    with opened(profile_id, "result.series") as (session, scope):
        name, points = queries.get_series(session, scope, code)
    head = json.dumps({"code": code, "name": name}, ensure_ascii=False)
    return raw(f'{head[:-1]},"items":[{",".join(points)}],"next":null}}')


@blp.route("/medications")
@query(MedicationQuerySchema)
@blp.response(200, MedicationPageSchema)
def list_medications(wanted: dict[str, Any], profile_id: UUID) -> Response:
    """List medicines, last ordered first, each with the last day it is taken if known"""
    until = wanted.pop("until")
    return _page(profile_id, wire.MEDICATION, wanted, where=LASTING, until=until)


@blp.route("/papers")
@query(PageQuerySchema)
@blp.response(200, PaperPageSchema)
def list_papers(wanted: dict[str, Any], profile_id: UUID) -> Response:
    """List papers: referral, follow-up, discharge, summary, sick leave …"""
    return _page(profile_id, wire.PAPER, wanted)


@blp.route("/papers/<uuid:paper_id>")
@query(ReceivedQuerySchema)
@blp.response(200, PaperSchema)
def read_paper(wanted: dict[str, bool], profile_id: UUID, paper_id: UUID) -> Response:
    """Read one paper"""
    with opened(profile_id, "paper.read") as (session, scope):
        return raw(queries.get_paper(session, scope, paper_id, received=wanted["received"]))


def _page(profile_id: UUID, kind: Kind, wanted: dict[str, Any], **narrowing: Any) -> Response:
    name = f"{kind.section}/{profile_id}"
    with opened(profile_id, f"{kind.table}.list") as (session, scope):
        lines = queries.find_lines(
            session,
            scope,
            kind,
            limit=wanted["limit"] + 1,
            before=start_of(name, wanted["before"]),
            **narrowing,
        )
    return page(lines, wanted["limit"], name)
