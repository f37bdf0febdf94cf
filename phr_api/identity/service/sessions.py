"""Sessions and their tokens: beginning, renewing by R4, ending."""

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import queries, rules, tokens
from phr_api.identity.configuration import purpose_key
from phr_api.identity.models import AccountNotice, AccountSession, RefreshToken
from phr_api.identity.models import Device as DeviceRow
from phr_api.identity.principal import Assurance, Principal, PrincipalKind
from phr_api.identity.problems import InvalidGrant, PageLocked
from phr_api.identity.rules import Verdict
from phr_api.kit import clock
from phr_api.kit.db import retrying, set_scope
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotAllowed, NotFound, NotSignedIn
from phr_api.providers import ProviderSettings

log = logging.getLogger(__name__)

TOKEN_BYTES = 32

_LIVE = text("SELECT live_session(:account, :session, :at)")
_FIND = text("SELECT account_id, session_id, generation FROM find_refresh(:hash)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An installation of the app: its own id, and what the person may know it by."""

    installation_id: UUID
    name: str
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A pair (RFC 6749 §5.1); systems have no refresh token."""

    access_token: str
    expires_in: int
    refresh_token: str | None
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's word, no password
    scope: str | None = None


def begin(
    session: Session,
    *,
    account_id: UUID,
    provider: ProviderSettings,
    has_second_factor: bool,
    signed_in_at: datetime,
    device: Device,
    is_page: bool = False,
) -> Tokens:
    """Begin a session of this account on this device and return its first pair."""
    at = clock.now()
    set_scope(session, account_id=account_id)
    row = AccountSession(
        id=new_row_id(),
        account_id=account_id,
        device_id=_seen_device(session, account_id, device, at),
        kind=provider.audience,
        provider=provider.id,
        assurance=_assurance(session, account_id, provider),
        has_second_factor=has_second_factor,
        is_page=is_page,
        signed_in_at=signed_in_at,
        last_used_at=at,
        expires_at=(
            rules.page_session_end(signed_in_at=at, touched_at=at)
            if is_page
            else rules.session_end(provider.audience, signed_in_at=at, at=at)
        ),
    )
    session.add(row)
    session.flush()  # the refresh token's foreign key
    refresh_token = secrets.token_urlsafe(TOKEN_BYTES)
    _store(session, row, generation=1, token=refresh_token, at=at)
    return _pair(row, generation=1, refresh_token=refresh_token)


def _assurance(session: Session, account_id: UUID, provider: ProviderSettings) -> str:
    """The provider's; staff whose account is a person's too do not open that record at work.

    It is decided here and not in live_session, which every read of a record asks.
    """
    if provider.audience == "staff" and queries.find_own_profile(session, account_id):
        return "account"
    return provider.assurance


def _seen_device(session: Session, account_id: UUID, device: Device, at: datetime) -> UUID:
    values = {"name": device.name, "platform": device.platform, "last_seen_at": at}
    statement = (
        insert(DeviceRow)
        .values(
            id=new_row_id(),
            account_id=account_id,
            installation_id=device.installation_id,
            created_at=at,
            **values,
        )
        .on_conflict_do_update(
            index_elements=["account_id", "installation_id"], set_=values | {"ended_at": None}
        )
        .returning(DeviceRow.id)
    )
    return session.execute(statement).scalar_one()


def renew(refresh_token: str, *, untouched: timedelta | None = None) -> Tokens:
    """Return the next pair for a refresh token, or the same again after a lost answer (R4).

    `untouched`: how long ago somebody last used the page of this session, as far as is known.
    Raises InvalidGrant, PageLocked; when a spent token comes back, its whole family has been ended
    before.
    """
    renewed = retrying(lambda session: _renew(session, refresh_token, untouched))
    if renewed is None:  # raised outside, so that the end of the family is kept
        raise InvalidGrant
    return renewed


def _renew(session: Session, refresh_token: str, untouched: timedelta | None) -> Tokens | None:
    at = clock.now()
    found = session.execute(_FIND, {"hash": _hash(refresh_token)}).one_or_none()
    if found is None:
        return None
    set_scope(session, account_id=found.account_id, session_id=found.session_id)
    row = queries.lock_session(session, found.session_id)
    if row is None or row.ended_at is not None:
        return None
    if row.expires_at <= at:
        _raise_if_locked(row)
        return None
    presented, newest = queries.find_generations(session, row.id, found.generation)
    verdict = rules.judge_refresh(
        generation=presented.generation,
        newest=newest.generation,
        spent_at=presented.spent_at,
        newest_used_at=newest.first_used_at,
        at=at,
    )
    if verdict is Verdict.REUSE:
        _end_family(session, row, at)
        return None
    successor = _successor(refresh_token)
    if verdict is Verdict.ROTATE:
        presented.spent_at = at
        presented.first_used_at = presented.first_used_at or at
        row.last_used_at = at
        row.expires_at = _next_end(row, at, untouched)
        _store(session, row, generation=presented.generation + 1, token=successor, at=at)
    return _pair(row, generation=presented.generation + 1, refresh_token=successor)


def _raise_if_locked(row: AccountSession) -> None:
    if rules.is_locked(
        is_page=row.is_page, signed_in_at=row.signed_in_at, expires_at=row.expires_at
    ):
        raise PageLocked


def _next_end(row: AccountSession, at: datetime, untouched: timedelta | None) -> datetime:
    """A page's end moves only by what a hand did since, and never back."""
    if not row.is_page:
        return rules.session_end(row.kind, signed_in_at=row.signed_in_at, at=at)
    if untouched is None:
        return row.expires_at
    touched = rules.page_session_end(signed_in_at=row.signed_in_at, touched_at=at - untouched)
    return max(row.expires_at, touched)


def _end_family(session: Session, row: AccountSession, at: datetime) -> None:
    """End the session whose spent token came back, record it, and tell the account."""
    row.ended_at, row.end_reason = at, "reuse"
    session.add(
        AccountNotice(
            id=new_row_id(), account_id=row.account_id, kind="session-token-reused", at=at
        )
    )
    own = queries.find_own_profile(session, row.account_id)
    audit.record(
        session,
        audit.Actor(kind=cast("Literal['citizen', 'staff']", row.kind), id=row.account_id),
        action="session.token-reused",
        subjects=[own] if own else [],
        details={"session": str(row.id)},
    )
    log.warning("refresh token reused", extra={"session_id": str(row.id)})


def _store(
    session: Session, row: AccountSession, *, generation: int, token: str, at: datetime
) -> None:
    session.add(
        RefreshToken(
            session_id=row.id,
            generation=generation,
            account_id=row.account_id,
            token_hash=_hash(token),
            issued_at=at,
        )
    )


def _pair(row: AccountSession, *, generation: int, refresh_token: str) -> Tokens:
    principal = Principal(
        kind=cast("PrincipalKind", row.kind),
        account_id=row.account_id,
        session_id=row.id,
        assurance=cast("Assurance", row.assurance),
        signed_in_at=row.signed_in_at,
    )
    access_token, expires_in = tokens.issue(principal, generation=generation)
    return Tokens(access_token=access_token, expires_in=expires_in, refresh_token=refresh_token)


def _successor(token: str) -> str:
    """Derive what follows: the same each time, and out of reach for whoever reads the table."""
    digest = hmac.digest(purpose_key("refresh successors"), token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def require_live(session: Session, principal: Principal) -> None:
    """Set the account's scope and check that its session is alive (R5).

    Raises NotAllowed to systems, which have no session, and NotSignedIn when it has ended.
    """
    if principal.kind == "system":
        raise NotAllowed
    set_scope(
        session,
        account_id=principal.account_id,
        session_id=principal.session_id,
        principal_id=principal.account_id,
    )
    parameters: dict[str, Any] = {
        "account": principal.account_id,
        "session": principal.session_id,
        "at": clock.now(),
    }
    if session.scalar(_LIVE, parameters) is None:
        raise NotSignedIn


def end_session(session: Session, session_id: UUID) -> None:
    """End one of the account's sessions (its scope is set); NotFound for anybody else's."""
    at = clock.now()
    own = queries.lock_session(session, session_id)
    if own is None:
        raise NotFound
    if own.ended_at is None:
        own.ended_at, own.end_reason = at, "ended"


def end_by_token(session: Session, refresh_token: str) -> None:
    """End the session of a refresh token of any generation; an unknown one ends nothing."""
    found = session.execute(_FIND, {"hash": _hash(refresh_token)}).one_or_none()
    if found is not None:
        set_scope(session, account_id=found.account_id, session_id=found.session_id)
        end_session(session, found.session_id)


def end_device(session: Session, device_id: UUID) -> None:
    """End a device of the account and every session on it; NotFound for anybody else's."""
    at = clock.now()
    device = session.get(DeviceRow, device_id)
    if device is None:
        raise NotFound
    device.ended_at = device.ended_at or at
    session.execute(
        update(AccountSession)
        .where(AccountSession.device_id == device_id, AccountSession.ended_at.is_(None))
        .values(ended_at=at, end_reason="device-ended")
    )
