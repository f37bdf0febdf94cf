"""Access tokens: EdDSA JWTs of at most ten minutes (RFC 9068), verified once and then remembered.

A remembered token's expiry and key are looked at on every use; whether its session is still alive
is read with the right itself (R5), by the SQL functions live_session and live_membership.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import jwt
from sqlalchemy import text

from phr_api.identity import keys
from phr_api.identity.configuration import settings
from phr_api.identity.principal import Assurance, Principal, PrincipalKind
from phr_api.identity.rules import ACCESS_TOKEN_LIFE
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.problems import NotSignedIn

MOST_REMEMBERED = 20_000
TYPE = "at+jwt"

_MARK_USED = text(
    "WITH used AS (UPDATE refresh_token SET first_used_at = :at"
    " WHERE session_id = :session AND generation = :generation AND first_used_at IS NULL)"
    " SELECT live_session(:account, :session, :at)"
)
_LIVE_CLIENT = text("SELECT 1 FROM client WHERE id = :client AND ended_at IS NULL")


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    kid: str
    expires_at: float


class _Cache:
    """Verified tokens by hash; the oldest make room."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> _Remembered | None:
        return self._entries.get(key)

    def put(self, key: bytes, entry: _Remembered) -> None:
        with self._lock:
            self._entries[key] = entry
            while len(self._entries) > MOST_REMEMBERED:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


_cache = _Cache()


def issue(principal: Principal, *, generation: int = 0) -> tuple[str, int]:
    """Return an access token and the seconds that it lives.

    `generation` names the refresh token of the same pair, which its first use marks as used (R4).
    """
    ring, now = keys.current_ring(), clock.now()
    claims: dict[str, Any] = {
        "iss": settings().public_url,
        "aud": settings().public_url,
        "sub": str(principal.principal_id),
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN_LIFE).timestamp()),
        "auth_time": int(principal.signed_in_at.timestamp()),
        "kind": principal.kind,
    }
    if principal.kind == "system":
        claims["scope"] = " ".join(sorted(principal.scopes))
    else:
        claims |= {
            "sid": str(principal.session_id),
            "gen": generation,
            "assurance": principal.assurance,
        }
    headers = {"kid": ring.signing_kid, "typ": TYPE}
    token = jwt.encode(claims, ring.signing, algorithm="EdDSA", headers=headers)
    return token, int(ACCESS_TOKEN_LIFE.total_seconds())


def authenticate(token: str) -> Principal:
    """Return who holds this access token; NotSignedIn if it is not a good one of ours.

    The first time, the token's pair is marked as used and its session looked up, in a transaction
    of its own, before anything is read for the caller (R4).
    """
    key = hashlib.sha256(token.encode()).digest()
    remembered = _cache.get(key)
    if remembered is None:
        remembered = _verify(token)
        _cache.put(key, remembered)
        return remembered.principal
    is_over = remembered.expires_at <= clock.now().timestamp()
    if is_over or remembered.kid not in keys.current_ring().public:
        raise NotSignedIn
    return remembered.principal


def ends_at(token: str) -> datetime:
    """Return when an access token that `authenticate` accepted stops being one."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return datetime.fromtimestamp(float(claims["exp"]), UTC)


def forget() -> None:
    """Verify every token anew."""
    _cache.clear()


def _verify(token: str) -> _Remembered:
    try:
        header = jwt.get_unverified_header(token)
        kid = str(header.get("kid", ""))
        public = keys.current_ring().public.get(kid)
        if public is None or header.get("typ") != TYPE:
            raise NotSignedIn
        claims = jwt.decode(
            token,
            public,
            algorithms=["EdDSA"],
            audience=settings().public_url,
            issuer=settings().public_url,
            # expiry is compared below with the house's clock
            options={
                "require": ["exp", "iat", "sub", "aud", "iss", "kind"],
                "verify_exp": False,
                "verify_iat": False,
                "strict_aud": True,
            },
        )
        expires_at = float(claims["exp"])
        principal = _principal(claims)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
        raise NotSignedIn from error
    if expires_at <= clock.now().timestamp():
        raise NotSignedIn
    _mark_first_use(principal, int(claims.get("gen", 0)))
    return _Remembered(principal, kid, expires_at)


def _principal(claims: dict[str, Any]) -> Principal:
    kind = cast("PrincipalKind", claims["kind"])
    signed_in_at = datetime.fromtimestamp(int(claims["auth_time"]), UTC)
    if kind == "system":
        return Principal(
            kind=kind,
            client_id=UUID(claims["sub"]),
            signed_in_at=signed_in_at,
            scopes=frozenset(str(claims["scope"]).split()),
        )
    return Principal(
        kind=kind,
        account_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        assurance=cast("Assurance", claims["assurance"]),
        signed_in_at=signed_in_at,
    )


def _mark_first_use(principal: Principal, generation: int) -> None:
    with unit_of_work() as session:
        if principal.kind == "system":
            set_scope(session, principal_id=principal.client_id)
            alive = session.scalar(_LIVE_CLIENT, {"client": principal.client_id})
        else:
            set_scope(session, account_id=principal.account_id, session_id=principal.session_id)
            parameters = {
                "account": principal.account_id,
                "session": principal.session_id,
                "generation": generation,
                "at": clock.now(),
            }
            alive = session.scalar(_MARK_USED, parameters)
    if alive is None:
        raise NotSignedIn
