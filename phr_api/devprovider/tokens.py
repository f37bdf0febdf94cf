"""The provider's keys and its ID tokens (OpenID Connect Core 1.0 §2)."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from phr_api.devprovider.faults import Faults
from phr_api.devprovider.people import DemoPerson
from phr_api.kit import clock

ID_TOKEN_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What the authorization step remembered for the token step."""

    person: DemoPerson
    client_id: str
    redirect_uri: str
    nonce: str
    code_challenge: str
    signed_in_at: float


@cache
def _rsa_key() -> RSAPrivateKey:
    """One a process: making one takes half a second."""
    return generate_rsa_key(65537, 2048)


class Keys:
    """One elliptic and one RSA key, new at each start: clients fetch the JWKS on an unknown kid."""

    def __init__(self) -> None:
        self.elliptic: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        self.rsa = _rsa_key()

    def jwks(self) -> dict[str, Any]:
        """Return the public halves (RFC 7517 §5)."""
        elliptic = ECAlgorithm.to_jwk(self.elliptic.public_key(), as_dict=True)
        rsa = RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True)
        return {
            "keys": [
                elliptic | {"kid": _kid(elliptic), "alg": "ES256", "use": "sig"},
                rsa | {"kid": _kid(rsa), "alg": "RS256", "use": "sig"},
            ]
        }

    def sign(self, claims: dict[str, Any], faults: Faults) -> str:
        """Return the ID token, signed as `faults` wants it."""
        if faults.algorithm == "none":
            return jwt.encode(claims, "", algorithm="none", headers={"kid": self._kid_of("ES256")})
        if faults.algorithm == "HS256":
            # the classic confusion: a public value used as a shared secret
            public = self.jwks()["keys"][0]
            secret = public["x"] + public["y"]
            headers = {"kid": self._kid_of("ES256")}
            return jwt.encode(claims, secret, algorithm="HS256", headers=headers)
        key = self.rsa if faults.algorithm == "RS256" else self.elliptic
        if faults.wrong_signature:
            key = generate_private_key(SECP256R1())
        kid = "nobody-knows-this-kid" if faults.unknown_kid else self._kid_of(faults.algorithm)
        return jwt.encode(claims, key, algorithm=faults.algorithm, headers={"kid": kid})

    def _kid_of(self, algorithm: str) -> str:
        return next(str(key["kid"]) for key in self.jwks()["keys"] if key["alg"] == algorithm)


def id_token_claims(issuer: str, sign_in: SignIn, faults: Faults) -> dict[str, Any]:
    """Return what is said of a signed-in person: a citizen's identity, a staff member's factor."""
    now = clock.now()
    issued = now + timedelta(days=1) if faults.issued_tomorrow else now
    expires = now - timedelta(hours=1) if faults.expired else issued + ID_TOKEN_LIFE
    person = sign_in.person
    claims: dict[str, Any] = {
        "iss": f"{issuer}/elsewhere" if faults.wrong_issuer else issuer,
        "sub": person.subject,
        "aud": "another-client" if faults.wrong_audience else sign_in.client_id,
        "nonce": "another-nonce" if faults.wrong_nonce else sign_in.nonce,
        "iat": int(issued.timestamp()),
        "exp": int(expires.timestamp()),
        "auth_time": int(sign_in.signed_in_at),
        "name": person.name,
        "amr": ["pwd", "otp"] if person.audience == "staff" else ["pwd"],
        "acr": "urn:phr:dev:2" if person.audience == "staff" else "urn:phr:dev:1",
    }
    if faults.second_audience:
        claims["aud"] = [sign_in.client_id, "another-client"]
    if person.citizen_number is not None and person.born_on is not None:
        claims["citizen_number"] = person.citizen_number
        claims["birthdate"] = person.born_on.isoformat()
    claims |= faults.claims
    return {name: value for name, value in claims.items() if name not in faults.without}


def _kid(jwk: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(jwk, sort_keys=True).encode()).hexdigest()[:16]
