"""The whole book, and what of it has changed."""

from typing import Any
from uuid import UUID

from flask import Response, request

from phr_api.consent import narrow, open_record
from phr_api.healthbook import queries, service
from phr_api.healthbook.feed import position_cursor, read_position
from phr_api.healthbook.problems import ChangesGone, SectionUnknown
from phr_api.healthbook.routes.answers import (
    answer_by_body,
    known,
    known_tags,
    opened,
    packed,
)
from phr_api.healthbook.routes.blueprint import blp, query
from phr_api.healthbook.schemas import ChangesSchema, FeedQuerySchema, HealthBookSchema
from phr_api.identity import Principal, current_principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import InvalidRequest
from phr_api.kit.web import named_safely
from phr_api.vocab import ProfileId, Section

SECTIONS = {
    "in": "query",
    "name": "sections",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Comma list of the book's sections; without it the whole book",
    "example": "encounters,papers",
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "ETag of the book that the caller has",
}


@blp.route("/health-book")
@blp.doc(
    parameters=[SECTIONS, IF_NONE_MATCH],
    responses={"304": {"description": "The caller's book is the present one"}},
)
@blp.response(200, HealthBookSchema)
def read_book(profile_id: UUID) -> Response:
    """Read the whole health book

    An unchanged book answers 304. Members without a value are left out.
    """
    principal = current_principal()
    wanted = _wanted() if request.query_string else None
    if wanted is None:
        own = _stored_book(principal, profile_id)
        if own is not None:
            return own
    return _built_book(principal, profile_id, _sections(wanted))


def _stored_book(principal: Principal, profile_id: UUID) -> Response | None:
    """Answer the caller's own book if it is stored, in one round trip and without a session."""
    if principal.account_id is None or principal.session_id is None:
        return None
    stored = queries.find_own_book(
        principal.account_id,
        principal.session_id,
        ProfileId(profile_id),
        at=clock.now(),
        known=known_tags(),
    )
    if stored is None:
        return None
    if stored.is_known:
        return known(stored.tag)
    return packed(stored.body, stored.tag) if stored.body is not None else None


def _built_book(
    principal: Principal, profile_id: UUID, sections: frozenset[Section] | None
) -> Response:
    with unit_of_work() as session:
        scope = open_record(session, principal, ProfileId(profile_id), action="health-book.read")
        if sections is not None:
            scope = narrow(session, scope, sections)
        book = queries.build_book(session, scope)
        if not scope.is_full_view:
            return answer_by_body(book.body)
        body = service.keep_book(session, scope, book)
    return packed(body, book.tag)


def _wanted() -> str | None:
    unknown = set(request.args) - {"sections"}
    if unknown:
        errors = {"query": {name: ["Unknown field."] for name in unknown}}
        raise InvalidRequest(errors=named_safely(errors))
    return request.args.get("sections")


def _sections(wanted: str | None) -> frozenset[Section] | None:
    if wanted is None:
        return None
    names = {name.strip() for name in wanted.split(",")}
    if not names <= queries.BOOK_SECTIONS:
        raise SectionUnknown(sections=sorted(queries.BOOK_SECTIONS))
    return frozenset(Section(name) for name in names)


@blp.route("/changes")
@query(FeedQuerySchema)
@blp.response(200, ChangesSchema)
def read_changes(page: dict[str, Any], profile_id: UUID) -> dict[str, Any]:
    """Read what changed since a cursor

    Without `after`: no items, and the cursor of now; take it before reading the book. A tombstone
    is a fact to forget. With `accessLost` the caller sees less than before: forget the whole book,
    and read anew what is left. 404 means that the access is lost entirely, as of a carer who was
    suspended: forget the whole book.
    """
    account_id = current_principal().principal_id
    after = read_position(account_id, profile_id, page["after"]) if page["after"] else None
    with opened(profile_id, "changes.read") as (session, scope):
        ends = queries.feed_ends(session, scope)
        if after is None:
            changes, last = [], ends.newest
        else:
            if after.seq + 1 < ends.oldest or scope.classes - after.classes:
                raise ChangesGone(readInstead=f"/v1/profiles/{profile_id}/health-book")
            changes = queries.find_changes(session, scope, after=after.seq, limit=page["limit"] + 1)
            last = changes[: page["limit"]][-1].seq if changes else after.seq
    latest = {change.id: change for change in changes[: page["limit"]]}
    return {
        "items": sorted(latest.values(), key=lambda change: change.seq),
        "next": position_cursor(account_id, profile_id, last, scope.classes),
        "has_more": len(changes) > page["limit"],
        "access_lost": bool(after and after.classes - scope.classes),
    }
