"""Signing keys of our access tokens: in the database, wrapped, rotated with overlap.

A key is published at once, signs when everybody had time to fetch it, and is published until the
last token that it signed has expired. Whoever reads the table has public halves only: the private
ones are sealed with AES-256-GCM under a key derived from PHR_SECRET.
"""

import base64
import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from phr_api.identity.configuration import purpose_key
from phr_api.identity.models import SigningKey
from phr_api.identity.rules import ACCESS_TOKEN_LIFE
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work

PUBLISHED_AHEAD = timedelta(minutes=10)
OVERLAP = ACCESS_TOKEN_LIFE + timedelta(minutes=5)
RING_LIFE = timedelta(seconds=30)
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of one moment: whose tokens are good, and which key signs."""

    loaded_at: datetime
    public: dict[str, Ed25519PublicKey]
    signing_kid: str
    signing: Ed25519PrivateKey


class _Loaded:
    ring: Ring | None = None
    lock = threading.Lock()


def current_ring() -> Ring:
    """Return the keys, read again after 30 seconds; the very first key is made here."""
    at = clock.now()
    ring = _Loaded.ring
    if ring is not None and timedelta(0) <= at - ring.loaded_at < RING_LIFE:
        return ring
    with _Loaded.lock, unit_of_work() as session:
        rows = _live(session, at)
        if not rows:
            make_first(session, at)
            rows = _live(session, at)
        _Loaded.ring = ring = _ring(rows, at)
    return ring


def forget() -> None:
    """Read the keys again at the next use: another database or secret, or a command's change."""
    _Loaded.ring = None


def make_first(session: Session, at: datetime) -> None:
    """Make the installation's first key, unless somebody did meanwhile."""
    key = _new_key(at)
    session.execute(
        text("SELECT first_signing_key(:kid, :public, :wrapped, :at)"),
        {"kid": key.kid, "public": key.public_key, "wrapped": key.wrapped_key, "at": at},
    )


def rotate(session: Session, at: datetime, *, is_at_once: bool = False) -> SigningKey:
    """Add a key that signs after everybody could fetch it, and let the others end behind it.

    `is_at_once`: sign with it now, when an older key is in other hands.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("signing keys", 0))))
    older = _live(session, at)
    key = _new_key(at)
    key.signs_from = at if is_at_once or not older else at + PUBLISHED_AHEAD
    session.add(key)
    for old in older:
        if old.ends_at is None:
            old.ends_at = key.signs_from + OVERLAP
    return key


def end(session: Session, kid: str, at: datetime) -> bool:
    """End a key now: its tokens are refused within 30 seconds. False if there is none live.

    Raises LastKeyError when no other key signs; rotate first.
    """
    live = _live(session, at)
    key = next((one for one in live if one.kid == kid), None)
    if key is None:
        return False
    if not any(one.signs_from <= at for one in live if one.kid != kid):
        raise LastKeyError("no other key signs now: rotate at once first")
    key.ends_at = at
    return True


class LastKeyError(RuntimeError):
    """Ending this key would leave nothing to sign with."""


def list_keys(session: Session) -> Sequence[SigningKey]:
    """Return all keys, newest first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.created_at.desc())).all()


def jwks() -> dict[str, Any]:
    """Return the published halves (RFC 7517, RFC 8037)."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": _b64(_raw(key)), "kid": kid}
            | {"use": "sig", "alg": "EdDSA"}
            for kid, key in current_ring().public.items()
        ]
    }


def _live(session: Session, at: datetime) -> Sequence[SigningKey]:
    is_live = SigningKey.ends_at.is_(None) | (SigningKey.ends_at > at)
    return session.scalars(select(SigningKey).where(is_live).order_by(SigningKey.signs_from)).all()


def _ring(rows: Sequence[SigningKey], at: datetime) -> Ring:
    # a key made a moment ago on a server whose clock is ahead is better than none
    signer = ([row for row in rows if row.signs_from <= at] or list(rows))[-1]
    return Ring(
        loaded_at=at,
        public={row.kid: Ed25519PublicKey.from_public_bytes(row.public_key) for row in rows},
        signing_kid=signer.kid,
        signing=_unwrap(signer),
    )


def _new_key(at: datetime) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = _raw(private.public_key())
    kid = thumbprint({"kty": "OKP", "crv": "Ed25519", "x": _b64(public)})
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(purpose_key("signing keys")).encrypt(
        nonce, private.private_bytes_raw(), kid.encode()
    )
    return SigningKey(
        kid=kid,
        public_key=public,
        wrapped_key=nonce + sealed,
        created_at=at,
        signs_from=at,
        ends_at=None,
    )


def _unwrap(row: SigningKey) -> Ed25519PrivateKey:
    nonce, sealed = row.wrapped_key[:NONCE_BYTES], row.wrapped_key[NONCE_BYTES:]
    raw = AESGCM(purpose_key("signing keys")).decrypt(nonce, sealed, row.kid.encode())
    return Ed25519PrivateKey.from_private_bytes(raw)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: a key's name, made of its required members alone."""
    required = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return _b64(hashlib.sha256(canonical.encode()).digest())


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes_raw()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
