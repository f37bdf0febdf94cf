"""What a Firebase ID token proves of a phone number (RIGHTS R2), and the keys it is signed with.

https://firebase.google.com/docs/auth/admin/verify-id-tokens, "using a third-party JWT library":
RS256, certificates by `kid`, cached as their Cache-Control says. Nothing here touches the database.
"""

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from phr_api.identity.problems import PhoneProofRefused, ProviderUnavailable
from phr_api.identity.rules import CLOCK_SKEW
from phr_api.kit import clock

log = logging.getLogger(__name__)

GOOGLE_CERTS = (
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
)
ISSUER = "https://securetoken.google.com/"
OLDEST_PROOF = timedelta(minutes=10)
USABLE_OFFLINE = timedelta(hours=24)
SHORTEST_LIFE, LONGEST_LIFE = timedelta(minutes=1), timedelta(days=1)
# Bad tokens with invented kids must not become requests to Google.
RETRY_AFTER = timedelta(seconds=5)
REFETCH_AFTER = timedelta(seconds=60)
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
LARGEST_ANSWER = 256 * 1024
MAX_AGE = re.compile(r"max-age=(\d{1,9})")
E164 = re.compile(r"\+[1-9][0-9]{7,14}")
LONGEST_SUBJECT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneIdentity:
    """The number that was verified just now, and the subject that Firebase knows it by."""

    issuer: str
    subject: str
    phone: str
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class _Certificates:
    fetched_at: datetime
    fresh_until: datetime
    keys: Mapping[str, RSAPublicKey]


class PhoneVerifier:
    """One Firebase project's tokens, with the cache of its keys. Threads share it."""

    def __init__(self, project: str, certs_url: str) -> None:
        self.project = project
        self.certs_url = certs_url
        self._http = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._lock = threading.Lock()
        self._certificates: _Certificates | None = None
        self._tried_at: datetime | None = None

    def verify(self, id_token: str) -> PhoneIdentity:
        """Return what the token proves; PhoneProofRefused when that is no fresh phone number.

        ProviderUnavailable when no usable keys can be had.
        """
        try:
            header = jwt.get_unverified_header(id_token)
            claims = jwt.decode(
                id_token,
                self._key(str(header.get("kid", ""))),
                algorithms=["RS256"],
                audience=self.project,
                issuer=f"{ISSUER}{self.project}",
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "sub", "aud", "iss", "auth_time"]},
            )
            return _proven(claims)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            log.warning("phone proof refused", extra={"class": type(error).__name__})
            raise PhoneProofRefused from error

    def _key(self, kid: str) -> RSAPublicKey:
        with self._lock:
            held, at = self._certificates, clock.now()
            is_due = held is None or at >= held.fresh_until
            if held is not None and kid not in held.keys:
                is_due = is_due or at >= held.fetched_at + REFETCH_AFTER
            if self._tried_at is not None and at < self._tried_at + RETRY_AFTER:
                is_due = False  # nobody waits for Google again and again while it is out of reach
            if is_due:
                self._tried_at = at
                held = self._certificates = self._fetch(held, at)
        if held is None:
            raise ProviderUnavailable
        if kid not in held.keys:
            raise jwt.InvalidKeyError
        return held.keys[kid]

    def _fetch(self, held: _Certificates | None, at: datetime) -> _Certificates:
        """New keys, or the old ones for a day after their time while Google is out of reach."""
        try:
            answer = self._http.get(self.certs_url)
            answer.raise_for_status()
            if len(answer.content) > LARGEST_ANSWER:
                raise ValueError("too large")  # noqa: TRY301 - one way out for all that is wrong
            keys = {str(kid): _public_key(pem) for kid, pem in answer.json().items()}
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            if held is None or at >= held.fresh_until + USABLE_OFFLINE:
                raise ProviderUnavailable from error
            log.warning("keys of phone proofs not renewed", exc_info=error)
            return held
        found = MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        life = timedelta(seconds=int(found[1])) if found else timedelta()
        return _Certificates(at, at + min(max(life, SHORTEST_LIFE), LONGEST_LIFE), keys)


def _public_key(pem: Any) -> RSAPublicKey:
    key = load_pem_x509_certificate(str(pem).encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA certificate")  # noqa: TRY004 - what came is wrong, not a call
    return key


def _proven(claims: Mapping[str, Any]) -> PhoneIdentity:
    """Return the proof in verified claims; ValueError or TypeError when there is none."""
    firebase = claims.get("firebase")
    if not isinstance(firebase, dict) or firebase.get("sign_in_provider") != "phone":
        raise ValueError("not a phone sign-in")
    phone, subject = str(claims.get("phone_number", "")), claims["sub"]
    if not E164.fullmatch(phone):
        raise ValueError("no number")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ValueError("no subject")
    at = clock.now()
    age = at.timestamp() - float(claims["auth_time"])
    if not -CLOCK_SKEW.total_seconds() <= age <= OLDEST_PROOF.total_seconds():
        raise ValueError("not fresh")
    return PhoneIdentity(
        issuer=claims["iss"],
        subject=subject,
        phone=phone,
        signed_in_at=at - timedelta(seconds=max(age, 0)),
    )
