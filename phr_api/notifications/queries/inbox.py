"""The inbox: what this session may see now, re-checked by the SQL function at each reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.identity import Principal
from phr_api.kit.db import run
from phr_api.kit.problems import NotAllowed

MOST_COUNTED = 100  # an app shows "99+"

_READ = (
    "SELECT id, profile_id, category, kind, ref_kind, ref_id, params, created_at, expires_at,"
    " is_read FROM read_inbox(%(account)s, %(session)s, %(at)s, %(after)s, %(before)s, %(only)s,"
    " %(unread)s, %(most)s) ORDER BY id DESC LIMIT %(most)s"
)
_COUNT = (
    "SELECT count(*) FROM read_inbox(%(account)s, %(session)s, %(at)s, NULL, NULL, NULL, true,"
    " %(most)s)"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One message as its reader may see it."""

    id: UUID
    profile_id: UUID | None
    category: str
    kind: str
    ref_kind: str | None
    ref_id: UUID | None
    params: Mapping[str, str]
    created_at: datetime
    expires_at: datetime
    is_read: bool


def find_items(
    session: Session,
    principal: Principal,
    *,
    at: datetime,
    most: int | None,
    before: UUID | None = None,
    after: UUID | None = None,
    only: UUID | None = None,
    is_unread: bool = False,
) -> list[Item]:
    """Return what the account was told, newest first; empty once its session has ended.

    Without `most` it is all between `after` and `before`.

    Of a person's record only while the right lasts, and only for sessions at record level (R2).
    """
    parameters = _caller(principal, at) | {
        "before": before,
        "after": after,
        "only": only,
        "unread": is_unread,
        "most": most,
    }
    return [Item(*row) for row in run(session, _READ, parameters)]


def count_unread(session: Session, principal: Principal, *, at: datetime) -> int:
    """Return how many are unread, up to MOST_COUNTED."""
    parameters = _caller(principal, at) | {"most": MOST_COUNTED}
    return min(int(run(session, _COUNT, parameters)[0][0]), MOST_COUNTED)


def _caller(principal: Principal, at: datetime) -> dict[str, Any]:
    if principal.account_id is None:
        raise NotAllowed
    return {"account": principal.account_id, "session": principal.session_id, "at": at}
