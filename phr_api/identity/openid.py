"""The client of OpenID providers: discovery, keys, code for token, and what an ID token proves.

OpenID Connect Core 1.0 §3.1.3.7 and Discovery 1.0 §4. Nothing here touches the database: callers
hold no connection while a provider answers. A provider's word counts only for what it is configured
to assert (R1).
"""

import hmac
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt

from phr_api.identity.problems import ProviderUnavailable, SignInRefused
from phr_api.identity.rules import CLOCK_SKEW, is_second_factor
from phr_api.kit import clock
from phr_api.providers import ProviderSettings

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
LARGEST_ANSWER = 256 * 1024
LONGEST_CLAIM = 1000
DISCOVERY_LIFE = timedelta(hours=1)
KEYS_LIFE = timedelta(minutes=10)
# Bad tokens with invented kids must not become requests to the provider.
KEYS_REFETCH_AFTER = timedelta(seconds=60)
OLDEST_ID_TOKEN = timedelta(minutes=10)
ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed in, as far as this provider may say."""

    issuer: str
    subject: str
    citizen_number: str | None
    name: str | None
    birth: str | None
    has_second_factor: bool
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class _Metadata:
    fetched_at: datetime
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class _Keys:
    fetched_at: datetime
    keys: dict[str, jwt.PyJWK]


class OpenIdClient:
    """One provider's client, with its two caches. Threads share it."""

    def __init__(self, provider: ProviderSettings) -> None:
        self.provider = provider
        self._http = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._lock = threading.Lock()
        self._metadata: _Metadata | None = None
        self._keys: _Keys | None = None

    def close(self) -> None:
        """Close the connections to the provider."""
        self._http.close()

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str:
        """Return where the app sends the person; ProviderUnavailable without discovery."""
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._discover().authorization_endpoint
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def redeem(self, *, code: str, redirect_uri: str, code_verifier: str, nonce: str) -> Identity:
        """Exchange the code and return what its ID token proves.

        Raises SignInRefused when the provider refuses the code or its token does not hold, and
        ProviderUnavailable when the provider does not answer properly.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.provider.client_id,
            "code_verifier": code_verifier,
        }
        if self.provider.client_secret:
            form["client_secret"] = self.provider.client_secret
        answer = self._request("POST", self._discover().token_endpoint, form)
        if answer.is_error:
            raise SignInRefused
        return self.verify(str(_object(answer).get("id_token", "")), nonce=nonce)

    def verify(self, id_token: str, *, nonce: str) -> Identity:
        """Return what an ID token proves, or raise SignInRefused."""
        try:
            header = jwt.get_unverified_header(id_token)
            key = self._key(str(header.get("kid", "")))
            if key is None or header.get("alg") not in ALGORITHMS:
                raise SignInRefused
            claims = jwt.decode(
                id_token,
                key,
                algorithms=[str(header["alg"])],
                audience=self.provider.client_id,
                issuer=self.provider.issuer,
                # instants are compared below with the house's clock
                options={
                    "require": ["iss", "sub", "aud", "exp", "iat", "nonce"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            self._check(claims, nonce)
            return self._identity(claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            log.warning("id token refused", extra={"provider": self.provider.id})
            raise SignInRefused from error

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """Raise ValueError for what PyJWT does not look at."""
        now = clock.now().timestamp()
        skew = CLOCK_SKEW.total_seconds()
        if not now < float(claims["exp"]) + skew:
            raise ValueError("exp")
        issued_at = float(claims["iat"])
        if issued_at > now + skew or issued_at < now - OLDEST_ID_TOKEN.total_seconds():
            raise ValueError("iat")
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise ValueError("nonce")
        # Core §3.1.3.7: other audiences are not trusted, azp names us or nobody
        if claims["aud"] not in (self.provider.client_id, [self.provider.client_id]):
            raise ValueError("aud")
        if claims.get("azp", self.provider.client_id) != self.provider.client_id:
            raise ValueError("azp")

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        def asserted(what: str, claim: str) -> str | None:
            value = claims.get(claim)
            if what not in self.provider.asserts or not isinstance(value, str) or not value:
                return None
            return _storable(value)

        birth = asserted("birthDate", "birthdate")
        if birth is not None:
            date.fromisoformat(birth)  # a provider that may assert it gives a whole date
        methods = claims.get("amr")
        named = (
            [one for one in methods if isinstance(one, str)] if isinstance(methods, list) else []
        )
        auth_time = float(claims.get("auth_time", claims["iat"]))
        return Identity(
            issuer=self.provider.issuer,
            subject=_storable(str(claims["sub"])),
            citizen_number=asserted("citizenNumber", "citizen_number"),
            name=asserted("name", "name"),
            birth=birth,
            has_second_factor="secondFactor" in self.provider.asserts and is_second_factor(named),
            signed_in_at=datetime.fromtimestamp(auth_time, tz=clock.now().tzinfo),
        )

    def _discover(self) -> _Metadata:
        at = clock.now()
        with self._lock:
            known = self._metadata
            if known is not None and at - known.fetched_at < DISCOVERY_LIFE:
                return known
            url = f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = _object(self._request("GET", url))
            if document.get("issuer") != self.provider.issuer:
                log.error("provider calls itself another", extra={"provider": self.provider.id})
                raise ProviderUnavailable
            self._metadata = _Metadata(
                at,
                *(
                    self._endpoint(document, name)
                    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
                ),
            )
            return self._metadata

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        url = str(document.get(name, ""))
        scheme = urlsplit(url).scheme
        # an http issuer exists in development only; settings refuse it elsewhere
        if scheme != "https" and scheme != urlsplit(self.provider.issuer).scheme:
            raise ProviderUnavailable
        return url

    def _key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key, fetching the set when it is old, or when the kid is new to us."""
        jwks_uri = self._discover().jwks_uri
        at = clock.now()
        with self._lock:
            known = self._keys
            if known is None or self._is_stale(known, kid, at):
                self._keys = known = self._fetch_keys(jwks_uri, at, known)
            return known.keys.get(kid)

    def _is_stale(self, known: _Keys, kid: str, at: datetime) -> bool:
        age = at - known.fetched_at
        return age >= KEYS_LIFE or (kid not in known.keys and age >= KEYS_REFETCH_AFTER)

    def _fetch_keys(self, jwks_uri: str, at: datetime, known: _Keys | None) -> _Keys:
        try:
            document = _object(self._request("GET", jwks_uri))
            listed = jwt.PyJWKSet.from_dict(document).keys
        except (ProviderUnavailable, jwt.PyJWTError) as error:
            if known is None:
                raise ProviderUnavailable from error
            # the keys we have are better than no sign-in while the provider is away
            log.warning("provider keys not fetched", extra={"provider": self.provider.id})
            return _Keys(at - KEYS_LIFE + KEYS_REFETCH_AFTER, known.keys)
        return _Keys(at, {str(key.key_id): key for key in listed if key.key_id})

    def _request(
        self, method: str, url: str, form: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, url, data=form)
        except httpx.HTTPError as error:
            log.warning("provider not reached", extra={"provider": self.provider.id})
            raise ProviderUnavailable from error
        is_refusal = method == "POST" and answer.is_client_error
        if (not answer.is_success and not is_refusal) or len(answer.content) > LARGEST_ANSWER:
            log.warning(
                "provider failed",
                extra={"provider": self.provider.id, "status": answer.status_code},
            )
            raise ProviderUnavailable
        return answer


def _storable(value: str) -> str:
    """Return the text, or raise ValueError for one that the database could not hold."""
    if "\0" in value or len(value.encode()) > LONGEST_CLAIM:
        raise ValueError("claim")
    return value


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError as error:
        raise ProviderUnavailable from error
    if not isinstance(document, dict):
        raise ProviderUnavailable
    return document
