"""Files that hospitals send."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request
from flask.views import MethodView

from phr_api.consent import FacilityRole, open_facility
from phr_api.identity import Principal, current_principal
from phr_api.kit import cursor, limits
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Attempt, Created, once
from phr_api.kit.limits import Limit
from phr_api.kit.problems import NotAllowed
from phr_api.kit.web import Blueprint, current_attempt
from phr_api.records.models import Submission
from phr_api.records.problems import FileIncomplete
from phr_api.records.queries import submissions as queries
from phr_api.records.schemas import (
    EntriesQuerySchema,
    NewSubmissionQuerySchema,
    SubmissionDetailSchema,
    SubmissionSchema,
    SubmissionsQuerySchema,
    SubmissionsSchema,
    submission_fields,
)
from phr_api.records.service import keys, tracing, upload
from phr_api.records.service.spool import MOST_BYTES, Spool, receive

blp = Blueprint(
    "submissions",
    __name__,
    url_prefix="/v1/facilities/<string:code>/submissions",
    description="Files that hospitals send, and what became of each visit in them",
)

SENDERS: frozenset[FacilityRole] = frozenset({"system"})
READERS: frozenset[FacilityRole] = frozenset({"system", "desk", "doctor"})
SCOPE = "records.write"
A_SENDER = Limit(name="submissions", count=600, per=timedelta(hours=1))
FILE_BODY = {
    "required": True,
    "content": {
        media: {"schema": {"type": "string", "format": "binary"}}
        for media in ("application/xml", "application/gzip", "application/octet-stream")
    },
}

# smorest lets a parameter that is written by hand replace those of `arguments`: both stand here
VALIDATE_ONLY = {
    "in": "query",
    "name": "validateOnly",
    "schema": {"type": "boolean", "default": False},
    "description": "Only a report: no visit, person or number is written, nobody is matched",
}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
    "description": "Required unless validateOnly",
}
SLOW = [
    {
        "url": "{slow}",
        "description": "the process for uploads (SLOW_PORT)",
        "variables": {"slow": {"default": "http://127.0.0.1:8001"}},
    }
]


@blp.route("")
class Submissions(MethodView):
    @blp.arguments(SubmissionsQuerySchema, location="query")
    @blp.response(200, SubmissionsSchema)
    def get(self, page: dict[str, Any], code: str) -> dict[str, Any]:
        """List the files of a facility, newest first"""
        kind = f"submissions/{code}"
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            found = queries.find_submissions(
                session,
                scope.facility_code,
                limit=page["limit"] + 1,
                before=_place(kind, page["after"]),
                state=page["state"],
            )
        items = found[: page["limit"]]
        more = len(found) > len(items)
        last = cursor.encode(kind, items[-1].received_at, items[-1].id) if more else None
        return {"items": items, "next": last}

    @blp.doc(requestBody=FILE_BODY, parameters=[KEY, VALIDATE_ONLY], servers=SLOW)
    @blp.arguments(NewSubmissionQuerySchema, location="query")
    @blp.response(202, SubmissionSchema)
    def post(self, query: dict[str, bool], code: str) -> Any:
        """Send one file of visits: XML or gzip, at most 50 MiB as sent

        The answer names the submission to poll. A validate-only file needs no Idempotency-Key.
        """
        principal = current_principal()
        is_trial = query["validate_only"]
        if not is_trial:
            current_attempt(principal.principal_id, body=b"")  # the key is asked for before 50 MiB
        with unit_of_work() as session:
            open_facility(session, principal, code, roles=SENDERS)
        if SCOPE not in principal.scopes:
            raise NotAllowed
        limits.take((A_SENDER, principal.principal_id))
        request.max_content_length = MOST_BYTES + 1
        spool = receive(request.stream, keys.current().public_key)
        try:
            if request.content_length is not None and spool.size < request.content_length:
                raise FileIncomplete
            return _take(spool, principal, code, is_trial=is_trial)
        finally:
            spool.close()


@blp.route("/<uuid:submission_id>")
@blp.arguments(EntriesQuerySchema, location="query")
@blp.response(200, SubmissionDetailSchema)
def read_submission(page: dict[str, Any], code: str, submission_id: UUID) -> dict[str, Any]:
    """Read what became of a file: counts, and one entry a visit"""
    kind = f"entries/{submission_id}"
    after = int(cursor.decode(kind, page["after"])[0]) if page["after"] else None
    with unit_of_work() as session:
        scope = open_facility(session, current_principal(), code, roles=READERS)
        submission = queries.get_submission(session, scope.facility_code, submission_id)
        found = queries.find_entries(
            session,
            submission_id,
            limit=page["limit"] + 1,
            after=after,
            outcome=page["outcome"],
        )
        entries = found[: page["limit"]]
        tracing.trace_staff(session, scope, "visit.list", [entry.visit_id for entry in entries])
    more = len(found) > len(entries)
    return submission_fields(submission) | {
        "entries": entries,
        "next": cursor.encode(kind, entries[-1].ordinal) if more else None,
    }


def _take(spool: Spool, principal: Principal, code: str, *, is_trial: bool) -> Any:
    with unit_of_work() as session:
        scope = open_facility(session, principal, code, roles=SENDERS)
        upload.refuse_guessers(session, scope.actor, scope.facility_code)

        def create() -> Created[Submission]:
            submission = upload.take_file(
                session,
                spool,
                facility_code=scope.facility_code,
                client_id=principal.client_id,
                validate_only=is_trial,
            )
            return Created(
                entity=submission,
                reference=str(submission.id),
                location=_location(code, submission.id),
                status=202,
            )

        if is_trial:
            made = create()
            return made.entity, made.status, {"Location": made.location or ""}
        return once(
            session,
            _attempt(principal, spool),
            create=create,
            again=lambda reference: queries.get_submission(session, code, UUID(reference)),
        )


def _attempt(principal: Principal, spool: Spool) -> Attempt:
    """The body is known by its hash: 50 MiB are not held in memory for a MAC."""
    return current_attempt(principal.principal_id, body=spool.sha256)


def _location(code: str, submission_id: UUID) -> str:
    return f"/v1/facilities/{code}/submissions/{submission_id}"


def _place(kind: str, after: str | None) -> tuple[datetime, UUID] | None:
    if after is None:
        return None
    at, row_id = cursor.decode(kind, after)
    return datetime.fromisoformat(at), UUID(row_id)
