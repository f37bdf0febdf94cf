"""What one may do on the first screen: say that it was seen."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.healthbook import read_position
from phr_api.identity import Principal, mark_notices_read
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.problems import NotAllowed, NotSignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Up to which change of a record this account has looked: the cursor that home showed."""

    profile_id: UUID
    cursor: str


# Two phones of one account: the one that looked further wins. Nothing is written after a sign-out.
_MARK = text(
    "INSERT INTO home_seen (account_id, profile_id, seq, seen_at)"
    " SELECT CAST(:account AS uuid), person, seq, :at"
    " FROM unnest(CAST(:people AS uuid[]), CAST(:seqs AS bigint[])) AS s(person, seq)"
    " WHERE live_session(:account, :session, :at) IS NOT NULL"
    " ON CONFLICT (account_id, profile_id) DO UPDATE"
    " SET seq = greatest(home_seen.seq, excluded.seq), seen_at = excluded.seen_at"
    " RETURNING profile_id"
)


def mark_seen(session: Session, principal: Principal, seen: list[Seen]) -> None:
    """Remember how far this account has looked; each person once.

    What the account was told counts as read with it. Writes only the account's own marks, and
    opens no record. Raises InvalidCursor, NotSignedIn,
    NotAllowed for a system.
    """
    account_id = principal.account_id
    if account_id is None:
        raise NotAllowed
    positions = {
        one.profile_id: read_position(account_id, one.profile_id, one.cursor).seq for one in seen
    }
    at = clock.now()
    set_scope(session, account_id=account_id, session_id=principal.session_id)
    marked = session.execute(
        _MARK,
        {
            "account": account_id,
            "session": principal.session_id,
            "people": list(positions),
            "seqs": list(positions.values()),
            "at": at,
        },
    ).all()
    if not marked:
        raise NotSignedIn
    mark_notices_read(session, account_id, at)
