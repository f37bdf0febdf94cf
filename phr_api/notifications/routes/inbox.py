"""What I was told."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.identity import current_principal, require_live
from phr_api.kit import clock, cursor
from phr_api.kit.db import unit_of_work
from phr_api.kit.web import language
from phr_api.notifications.queries import inbox
from phr_api.notifications.queries.inbox import Item
from phr_api.notifications.routes.blueprint import blp
from phr_api.notifications.rules.shown import show
from phr_api.notifications.schemas.inbox import InboxQuerySchema, InboxSchema, ReadUpToSchema
from phr_api.notifications.service import reading


@blp.route("/notifications")
class Notifications(MethodView):
    @blp.arguments(InboxQuerySchema, location="query")
    @blp.response(200, InboxSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read what I was told, newest first

        Also of the people whose record I open, while I may. Words are in the caller's language.
        """
        principal, at, most = current_principal(), clock.now(), query["limit"]
        name = f"inbox/{principal.account_id}"
        before = UUID(cursor.decode(name, query["after"])[0]) if query["after"] else None
        with unit_of_work() as session:
            require_live(session, principal)
            items = inbox.find_items(
                session,
                principal,
                at=at,
                before=before,
                is_unread=query["unread"],
                most=most + 1,
            )
            unread = inbox.count_unread(session, principal, at=at)
        page, spoken = items[:most], language()
        return {
            "items": [shown(item, spoken) for item in page],
            "unread": unread,
            "next": cursor.encode(name, str(page[-1].id)) if len(items) > most else None,
        }


@blp.route("/notifications/<uuid:notification_id>/read")
class NotificationRead(MethodView):
    @blp.response(204)
    def post(self, notification_id: UUID) -> None:
        """Mark one as read; again changes nothing"""
        principal = current_principal()
        with unit_of_work() as session:
            require_live(session, principal)
            reading.mark_read(session, principal, notification_id)


@blp.route("/notifications/read")
class NotificationsRead(MethodView):
    @blp.arguments(ReadUpToSchema)
    @blp.response(204)
    def post(self, body: dict[str, UUID]) -> None:
        """Mark this one and all older ones as read"""
        principal = current_principal()
        with unit_of_work() as session:
            require_live(session, principal)
            reading.mark_read_up_to(session, principal, body["up_to"])


def shown(item: Item, spoken: str) -> dict[str, Any]:
    """Return an item with its words, as NotificationSchema takes it."""
    title, text = show(item.kind, item.params, spoken)
    ref = None if item.ref_id is None else {"kind": item.ref_kind, "id": item.ref_id}
    return {
        "id": item.id,
        "category": item.category,
        "kind": item.kind,
        "title": title,
        "text": text,
        "profile_id": item.profile_id,
        "ref": ref,
        "created_at": item.created_at,
        "expires_at": item.expires_at,
        "is_read": item.is_read,
    }
