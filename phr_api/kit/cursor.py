"""Opaque keyset cursors: what the next page starts after, MACed so that nobody makes their own."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from phr_api.kit.problems import InvalidCursor

MAC_BYTES = 12


class _Key:
    secret: bytes = b""


def configure(secret: bytes) -> None:
    """Derive this purpose's key from the installation's secret, once at start."""
    _Key.secret = hmac.digest(secret, b"cursor", hashlib.sha256)


def encode(kind: str, *values: Any) -> str:
    """Return a cursor for the list `kind` (its name and whose it is), URL-safe."""
    body = json.dumps(values, default=str, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mac(kind, body) + body).decode().rstrip("=")


def decode(kind: str, cursor: str) -> list[Any]:
    """Return the values `encode` was given; InvalidCursor if it is not a cursor of this list."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(kind, body)):
        raise InvalidCursor
    values: list[Any] = json.loads(body)
    return values


def seal(kind: str, raw: bytes) -> str:
    """Return a cursor that shows nothing of `raw`; the same bytes give the same cursor.

    For positions that would tell of what the caller may not see (R23); RFC 5297 is deterministic.
    """
    sealed = AESSIV(_sealing_key()).encrypt(raw, [kind.encode()])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(kind: str, cursor: str) -> bytes:
    """Return the bytes `seal` was given; InvalidCursor if it is not a cursor of this list."""
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return AESSIV(_sealing_key()).decrypt(sealed, [kind.encode()])
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise InvalidCursor from error


def keyed_tag(*values: Any) -> str:
    """Return a keyed hash of what a caller may see: it changes when that changes (R23)."""
    body = json.dumps(values, default=str, separators=(",", ":")).encode()
    return hmac.digest(_Key.secret, b"tag" + body, hashlib.sha256)[:16].hex()


def _sealing_key() -> bytes:
    return hmac.digest(_Key.secret, b"seal", hashlib.sha256)


def _mac(kind: str, body: bytes) -> bytes:
    return hmac.digest(_Key.secret, kind.encode() + b"\0" + body, hashlib.sha256)[:MAC_BYTES]
