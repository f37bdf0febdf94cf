"""Who has touched a record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from phr_api.healthbook import queries
from phr_api.healthbook.routes.answers import opened
from phr_api.healthbook.routes.blueprint import blp, query
from phr_api.healthbook.schemas import AccessLogSchema, PageQuerySchema
from phr_api.kit import cursor


@blp.route("/access-log")
@query(PageQuerySchema)
@blp.response(200, AccessLogSchema)
def read_access_log(wanted: dict[str, Any], profile_id: UUID) -> dict[str, Any]:
    """Read who has opened or changed this record, newest first

    Reads of one's own record are not in it. A carer is told reasons, and names of citizens, of
    their own acts alone.
    """
    kind, limit = f"access-log/{profile_id}", wanted["limit"]
    before = None
    if wanted["before"]:
        at, event_id = cursor.decode(kind, wanted["before"])
        before = (datetime.fromisoformat(at), UUID(event_id))
    with opened(profile_id, "access-log.read") as (session, scope):
        found = queries.find_accesses(session, scope, limit=limit + 1, before=before)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return {
        "items": shown,
        "next": cursor.encode(kind, last.at.isoformat(), last.id) if last else None,
    }
