"""News as it happens, for an app that is open (server-sent events, WHATWG HTML §9.2)."""

import json
from collections.abc import Iterator
from uuid import UUID

from flask import Response, request

from phr_api.identity import current_principal, ends_at, require_live
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import MalformedRequest
from phr_api.notifications.queries.inbox import Item
from phr_api.notifications.routes.blueprint import blp
from phr_api.notifications.service import streams
from phr_api.notifications.service.lines import Position
from phr_api.notifications.service.streams import Stream

LAST_EVENT = {"in": "header", "name": "Last-Event-ID", "schema": {"type": "string"}}


@blp.route("/events")
@blp.doc(
    parameters=[LAST_EVENT],
    servers=[{"url": "{slow}", "variables": {"slow": {"default": "http://127.0.0.1:8001"}}}],
)
@blp.response(200, content_type="text/event-stream")
def follow_events() -> Response:
    """Follow what I am told, as it happens (at the address that /v1/me names)

    `event` is notification, queue, queue.position or access-lost. Of the first two `id` is the
    message, `data` its ids and kind: the words are in the inbox. Send Last-Event-ID to go on after
    a break; what came shortly before it may come again, with the same id.

    `queue.position` says how far a number of today is, whenever that changes: `data` has bookingId,
    profileId, label, state (waiting, called, in-room, skipped, done, left), room, and while it
    waits ahead (how many are before it) and estimatedAt. It has no `id` and is no history: a stream
    that begins, or begins again, tells each position first.

    The stream ends with the access token, and within five seconds when a right is lost. At most
    three an account.
    """
    principal = current_principal()
    with unit_of_work() as session:
        require_live(session, principal)
    token = request.headers["Authorization"].partition(" ")[2]
    stream = streams.open_stream(principal, ends_at=ends_at(token), last=_last())
    response = Response(_events(stream), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # a proxy that waits for more would keep it
    response.call_on_close(lambda: streams.close_stream(stream))
    return response


def _last() -> UUID | None:
    given = request.headers.get("Last-Event-ID")
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise MalformedRequest from None


def _events(stream: Stream) -> Iterator[str]:
    yield "retry: 3000\n\n"
    try:
        for one in streams.follow(stream):
            if one is None:
                yield ":\n\n"
            elif isinstance(one, Item):
                yield _event(one)
            elif isinstance(one, Position):
                yield _position(one)
            else:
                yield "event: access-lost\ndata: {}\n\n"
    finally:
        streams.close_stream(stream)


def _event(item: Item) -> str:
    """Return one event: ids and kind, no words and no names."""
    data = {
        "id": str(item.id),
        "category": item.category,
        "kind": item.kind,
        "profileId": None if item.profile_id is None else str(item.profile_id),
        "ref": None if item.ref_id is None else {"kind": item.ref_kind, "id": str(item.ref_id)},
    }
    name = "queue" if item.category == "queue" else "notification"
    return f"id: {item.id}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def _position(one: Position) -> str:
    """Return one event without an id: what was missed is not told again, but what is now."""
    when = one.estimated_at and one.estimated_at.astimezone(clock.VIETNAM)
    data = {
        "bookingId": str(one.booking_id),
        "profileId": None if one.profile_id is None else str(one.profile_id),
        "label": one.label,
        "state": one.state,
        "room": one.room,
        "ahead": one.ahead,
        "estimatedAt": when and when.isoformat(timespec="seconds"),
    }
    return f"event: queue.position\ndata: {json.dumps(data)}\n\n"
