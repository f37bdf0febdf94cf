"""Systems: registering their keys by value, and client credentials by RFC 7523 (R6)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.identity import queries, rules, tokens
from phr_api.identity.configuration import settings
from phr_api.identity.keys import thumbprint
from phr_api.identity.models import Client, ClientFacility, ClientKey
from phr_api.identity.principal import Principal
from phr_api.identity.problems import InvalidClient, InvalidScope
from phr_api.identity.service.sessions import Tokens
from phr_api.kit import clock, limits
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.ids import new_public_id
from phr_api.kit.limits import Limit

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RECORDS, FACILITIES = SCOPES = ("records.write", "facilities.write")
SMALLEST_RSA_BITS = 2048
LONGEST_JTI = 200

ASKED = Limit(name="client credentials", count=60, per=timedelta(minutes=1))

_TAKE_JTI = text(
    "INSERT INTO client_jti (client_id, jti, expires_at) VALUES (:client, :jti, :expires)"
    " ON CONFLICT DO NOTHING RETURNING jti"
)


class KeyNotAcceptedError(ValueError):
    """The public key is none that client assertions may be signed with."""


def register(
    session: Session,
    *,
    name: str,
    facility_codes: Sequence[str],
    scopes: Sequence[str] = (RECORDS,),
) -> Client:
    """Register a system for these facilities; it needs a key before it can do anything.

    `scopes` are what it may do: send for its facilities, or write the directory of all of them.
    """
    client = Client(id=new_public_id(), name=name, created_at=clock.now(), scopes=list(scopes))
    session.add(client)
    session.flush()  # the facilities' foreign key
    session.add_all(
        ClientFacility(client_id=client.id, facility_code=code) for code in facility_codes
    )
    return client


def add_key(session: Session, client_id: UUID, public_pem: bytes) -> ClientKey:
    """Register a public key by value; older ones stay until they are ended (two may overlap).

    Raises KeyNotAcceptedError unless it is Ed25519, P-256 or RSA of at least 2048 bits.
    """
    algorithm, jwk = _read_key(public_pem)
    key = ClientKey(
        client_id=client_id,
        kid=thumbprint(jwk),
        algorithm=algorithm,
        public_jwk=jwk,
        created_at=clock.now(),
    )
    session.add(key)
    return key


def end_key(session: Session, client_id: UUID, kid: str) -> bool:
    """End a key now; False if the system has no such live key."""
    key = session.get(ClientKey, (client_id, kid))
    if key is None or key.ended_at is not None:
        return False
    key.ended_at = clock.now()
    return True


def end(session: Session, client_id: UUID) -> bool:
    """End a system: its tokens open nothing from the next request on. False if there is none."""
    client = session.get(Client, client_id)
    if client is None or client.ended_at is not None:
        return False
    client.ended_at = clock.now()
    return True


def grant(assertion: str, scope: str | None) -> Tokens:
    """Return an access token for a client assertion; there is no refresh token.

    It is for the scopes that are asked for, or for all that the system has. Only what holds counts
    for the system (R24). Raises InvalidClient, InvalidScope and TooManyRequests.
    """
    client_id = _claimed_client(assertion)
    with unit_of_work() as session:
        set_scope(session, principal_id=client_id)
        _check(session, client_id, assertion)
        theirs = queries.find_client_scopes(session, client_id) or frozenset()
    scopes = theirs if scope is None else frozenset(scope.split())
    if not scopes or not scopes <= theirs:
        raise InvalidScope
    limits.take((ASKED, client_id))
    principal = Principal(
        kind="system", client_id=client_id, signed_in_at=clock.now(), scopes=scopes
    )
    access_token, expires_in = tokens.issue(principal)
    return Tokens(
        access_token=access_token,
        expires_in=expires_in,
        refresh_token=None,
        scope=" ".join(sorted(scopes)),
    )


def claimed_client(assertion: str) -> UUID | None:
    """Return whom an assertion claims to be, for counting; None when it claims nobody."""
    try:
        return _claimed_client(assertion)
    except InvalidClient:
        return None


def _claimed_client(assertion: str) -> UUID:
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
        return UUID(claims["iss"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidClient from error


def _check(session: Session, client_id: UUID, assertion: str) -> None:
    """Raise InvalidClient unless a live key of the client signed this, for us, just now, once."""
    try:
        header = jwt.get_unverified_header(assertion)
        key = _key_of(queries.find_client_keys(session, client_id), header)
        claims = jwt.decode(
            assertion,
            jwt.PyJWK(key.public_jwk, algorithm=key.algorithm),
            algorithms=[key.algorithm],
            audience=settings().public_url,
            issuer=str(client_id),
            # instants are compared below with the house's clock
            options={
                "require": ["iss", "sub", "aud", "exp", "iat", "jti"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        _check_claims(claims, client_id)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidClient from error
    expires_at = clock.now() + rules.LONGEST_ASSERTION + rules.CLOCK_SKEW
    parameters = {"client": client_id, "jti": claims["jti"], "expires": expires_at}
    if session.scalar(_TAKE_JTI, parameters) is None:
        raise InvalidClient


def _key_of(known: Sequence[ClientKey], header: Mapping[str, Any]) -> ClientKey:
    """Return the key that the header names; a system with one key need not name it."""
    named = [key for key in known if header.get("kid") in (None, key.kid)]
    if len(named) != 1:
        raise InvalidClient
    return named[0]


def _check_claims(claims: Mapping[str, Any], client_id: UUID) -> None:
    now, skew = clock.now().timestamp(), rules.CLOCK_SKEW.total_seconds()
    expires_in = float(claims["exp"]) - now
    if claims["sub"] != str(client_id):
        raise ValueError("sub")
    if not 0 < expires_in <= rules.LONGEST_ASSERTION.total_seconds() + skew:
        raise ValueError("exp")
    if float(claims["iat"]) > now + skew or float(claims.get("nbf", 0)) > now + skew:
        raise ValueError("iat")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise ValueError("jti")


def _read_key(pem: bytes) -> tuple[str, dict[str, Any]]:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise KeyNotAcceptedError("this is not a public key in PEM") from error
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA", jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256", jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS:
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
        return "PS256", {name: jwk[name] for name in ("kty", "n", "e")}
    raise KeyNotAcceptedError("use Ed25519, P-256, or RSA of at least 2048 bits")
