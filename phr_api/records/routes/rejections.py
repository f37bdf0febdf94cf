"""What a facility has to correct, and the sums that it reconciles with its own."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from phr_api.consent import FacilityRole, open_facility
from phr_api.identity import current_principal
from phr_api.kit import cursor
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.web import Blueprint
from phr_api.records import rules
from phr_api.records.queries import submissions as queries
from phr_api.records.queries import visits
from phr_api.records.queries.submissions import EntryRow
from phr_api.records.schemas import (
    RejectionsQuerySchema,
    RejectionsSchema,
    TotalsQuerySchema,
    TotalsSchema,
)

blp = Blueprint(
    "rejections",
    __name__,
    url_prefix="/v1/facilities/<string:code>",
    description="Refused visits that wait for a corrected file, and daily totals",
)

READERS: frozenset[FacilityRole] = frozenset({"system", "desk", "doctor"})
CSV_PAGE = 500
CSV_HEADER = (
    "MA_LK",
    "MA_BN",
    "table",
    "row",
    "element",
    "code",
    "expected",
    "received",
    "message_vi",
    "message_en",
    "submission",
    "ordinal",
    "received_at",
)

TWO_SHAPES = {
    "application/json": {"schema": RejectionsSchema},
    "text/csv": {"schema": {"type": "string"}},
}


@blp.route("/rejections")
class Rejections(MethodView):
    @blp.arguments(RejectionsQuerySchema, location="query")
    @blp.response(200, RejectionsSchema)
    @blp.doc(responses={"200": {"content": TWO_SHAPES}})
    def get(self, page: dict[str, Any], code: str) -> Any:
        """List refused visits that no later file has settled, oldest first"""
        kind = f"rejections/{code}/{page['day']}"
        after = _place(kind, page["after"])
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            if _wants_csv(page["format"]):
                return _csv_response(_all(scope.facility_code, page["day"]))
            found = queries.find_rejections(
                session, code, limit=page["limit"] + 1, after=after, day=page["day"]
            )
        items = found[: page["limit"]]
        more = len(found) > len(items)
        return {"items": items, "next": cursor.encode(kind, *_key(items[-1])) if more else None}


@blp.route("/totals")
@blp.arguments(TotalsQuerySchema, location="query")
@blp.response(200, TotalsSchema)
def read_totals(period: dict[str, date], code: str) -> dict[str, Any]:
    """Sum up by day of arrival what was sent, and what is still open"""
    with unit_of_work() as session:
        scope = open_facility(session, current_principal(), code, roles=READERS)
        days = queries.find_totals(session, scope.facility_code, **period)
        return {
            "days": days,
            "open_rejections": queries.count_open_rejections(session, scope.facility_code),
            "waiting_reviews": visits.count_reviews(session, scope.facility_code),
        }


def csv_rows(entries: Iterable[EntryRow]) -> Iterator[tuple[object, ...]]:
    """One row a reason, in the order of CSV_HEADER."""
    for entry in entries:
        for reason in entry.reasons:
            yield (
                entry.ma_lk,
                entry.ma_bn,
                reason["table"],
                reason["row"],
                reason["element"],
                reason["code"],
                reason["expected"],
                reason["received"],
                reason["message"]["vi"],
                reason["message"]["en"],
                entry.submission_id,
                entry.ordinal,
                entry.entered_at.isoformat(timespec="seconds"),
            )


def _all(code: str, day: date | None) -> Iterator[EntryRow]:
    """Give all of them, each page in a transaction of its own; the right was checked before."""
    after = None
    while True:
        with unit_of_work() as session:
            set_scope(session, facility_id=code)
            page = queries.find_rejections(session, code, limit=CSV_PAGE, after=after, day=day)
        yield from page
        if len(page) < CSV_PAGE:
            return
        after = _key(page[-1])


def _csv_response(entries: Iterable[EntryRow]) -> Response:
    """Stream the table: it ends where the rejections end, however many they are."""
    lines = rules.csv_lines(CSV_HEADER, csv_rows(entries))
    response = Response(map(str.encode, lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="rejections.csv"'
    return response


def _wants_csv(asked: str | None) -> bool:
    if asked:
        return asked == "csv"
    offered = ["application/json", "text/csv"]
    return request.accept_mimetypes.best_match(offered, "application/json") == "text/csv"


def _key(entry: EntryRow) -> tuple[datetime, UUID, int]:
    return entry.entered_at, entry.submission_id, entry.ordinal


def _place(kind: str, after: str | None) -> tuple[datetime, UUID, int] | None:
    if after is None:
        return None
    at, submission_id, ordinal = cursor.decode(kind, after)
    return datetime.fromisoformat(at), UUID(submission_id), int(ordinal)
