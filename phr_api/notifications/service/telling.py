"""Telling: one row in the transaction of its cause, so that neither is without the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import insert_rows
from phr_api.kit.ids import new_row_id
from phr_api.notifications.models import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """One thing to be told to those who may see a person's record, or to one account.

    `kind` is one of KINDS, `params` what its words need. `via_phone`: only to phone sessions of the
    account. `expires_at` is never after the event itself; `due_at` is now unless told otherwise.
    """

    category: str
    kind: str
    expires_at: datetime
    ref_kind: str | None = None
    ref_id: UUID | None = None
    profile_id: UUID | None = None
    account_id: UUID | None = None
    via_phone: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    classes: Sequence[str] = ()
    is_urgent: bool = False
    wants_sms: bool = False
    due_at: datetime | None = None


def tell(session: Session, *news: Tell) -> None:
    """Write what is to be told, in one statement that reads nothing back; web and worker may."""
    at = clock.now()
    insert_rows(
        session,
        Notification,
        [
            {
                "id": new_row_id(),
                "profile_id": one.profile_id,
                "account_id": one.account_id,
                "via_phone": one.via_phone,
                "category": one.category,
                "kind": one.kind,
                "ref_kind": one.ref_kind,
                "ref_id": one.ref_id,
                "params": dict(one.params),
                "classes": list(one.classes),
                "is_urgent": one.is_urgent,
                "wants_sms": one.wants_sms,
                "created_at": at,
                "due_at": one.due_at or at,
                "expires_at": one.expires_at,
            }
            for one in news
        ],
    )


def cancel_untold(session: Session, ref_id: UUID, kinds: Collection[str]) -> None:
    """Take back what nobody has been told yet; the worker's role only."""
    session.execute(
        delete(Notification).where(
            Notification.ref_id == ref_id,
            Notification.kind.in_(sorted(kinds)),
            Notification.relayed_at.is_(None),
        )
    )
