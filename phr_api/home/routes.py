"""Who am I, and what is new."""

import json
from typing import Any

from flask import Response, request

from phr_api.clinics import find_facility_names
from phr_api.home import queries, service
from phr_api.home.queries import HomePerson
from phr_api.home.schemas import HomeSchema, MeSchema, SeenSchema
from phr_api.identity import current_principal, find_memberships, find_notices
from phr_api.kit import clock, cursor
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.web import Blueprint
from phr_api.notifications import events_address

blp = Blueprint(
    "home", __name__, url_prefix="/v1/me", description="The caller, and the app's first screen"
)
blueprints = (blp,)

IF_NONE_MATCH = {"in": "header", "name": "If-None-Match", "schema": {"type": "string"}}


@blp.route("")
@blp.response(200, MeSchema)
def read_me() -> dict[str, Any]:
    """Read who I am here: session, records that I open, memberships, notices"""
    principal = current_principal()
    people = queries.find_people(principal, at=clock.now())
    with unit_of_work() as session:
        set_scope(session, account_id=principal.account_id)
        memberships = find_memberships(session, principal.principal_id)
        notices = find_notices(session, principal.principal_id)
        names = find_facility_names(session, {code for code, _, _ in memberships})
    return {
        "account": {"id": principal.account_id},
        "session": {
            "id": principal.session_id,
            "kind": principal.kind,
            "assurance": principal.assurance,
            "signed_in_at": principal.signed_in_at,
        },
        "profiles": people,
        "memberships": [
            {
                "facility": {"code": code, "name": names.get(code, code)},
                "role": role,
                "display_name": goes_by,
            }
            for code, role, goes_by in memberships
        ],
        "notices": notices,
        "events": events_address(),
    }


@blp.route("/home")
@blp.doc(
    parameters=[IF_NONE_MATCH], responses={"304": {"description": "Nothing is new since then"}}
)
@blp.response(200, HomeSchema)
def read_home() -> Response:
    """Read what is new, for every record that I open

    One small answer for all; an unchanged one is a 304. No cache may store it: the app keeps its
    ETag with what it made of the answer.
    """
    people = queries.find_people(current_principal(), at=clock.now())
    body = json.dumps(
        {"profiles": [_shown(person) for person in people]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    tag = f'"{cursor.keyed_tag(body)}"'
    if tag in request.headers.get("If-None-Match", ""):
        response = Response(status=304)
    else:
        response = Response(body, mimetype="application/json")
    response.headers["ETag"] = f"W/{tag}"
    return response


def _shown(person: HomePerson) -> dict[str, Any]:
    shown = {
        "id": str(person.id),
        "name": person.name,
        "relation": person.relation,
        "unread": person.unread,
        "new": person.new,
        "cursor": person.cursor,
    }
    return shown | ({"version": person.version} if person.version else {})


@blp.route("/home/seen", methods=["PUT"])
@blp.arguments(SeenSchema)
@blp.response(204)
def mark_seen(body: dict[str, list[service.Seen]]) -> None:
    """Say up to which change I have looked, by the cursors that home showed"""
    with unit_of_work() as session:
        service.mark_seen(session, current_principal(), body["items"])
