"""Signing in: we begin an attempt, a provider proves who it is, a session begins (R1-R3)."""

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from phr_api.identity import configuration, rules
from phr_api.identity.models import SignInAttempt
from phr_api.identity.openid import Identity, OpenIdClient
from phr_api.identity.problems import (
    AttemptMismatch,
    AttemptOver,
    ProfileAlreadyLinked,
    RedirectNotAllowed,
    SecondFactorNeeded,
    SignInRefused,
    UnknownProvider,
)
from phr_api.identity.service import sessions
from phr_api.identity.service.persons import person_parameters
from phr_api.identity.service.sessions import Device, Tokens
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.providers import Audience, ProviderSettings

log = logging.getLogger(__name__)

_ACCOUNT = text("SELECT sign_in_account(:id, :attempt, :issuer, :subject, :at)")
_LINK = text(
    "SELECT outcome, person FROM link_by_claims(:attempt, :account, :notice, :new, :identifier,"
    " :number, :full_name, :name_key, :search_key, :sex, :birth, :earliest, :latest, :at)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """What an app sends to begin: which provider, its PKCE challenge, where to come back."""

    provider: str
    code_challenge: str
    redirect_uri: str
    device: Device


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunAttempt:
    """Where the app sends the person now."""

    id: UUID
    authorization_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the provider's redirect brought back, and the app's PKCE verifier."""

    code: str
    state: str
    code_verifier: str


class _Clients:
    """One OpenID client a provider and process, since its caches are worth keeping."""

    known: dict[ProviderSettings, OpenIdClient] = {}  # noqa: RUF012 - the process's own
    lock = threading.Lock()


def openid_client(provider: ProviderSettings) -> OpenIdClient:
    """Return this process's client of a provider."""
    with _Clients.lock:
        if provider not in _Clients.known:
            _Clients.known[provider] = OpenIdClient(provider)
        return _Clients.known[provider]


def begin(attempt: NewAttempt) -> BegunAttempt:
    """Store an attempt of ten minutes and return where the person signs in (R3).

    Raises UnknownProvider, RedirectNotAllowed, ProviderUnavailable.
    """
    provider = configuration.provider(attempt.provider)
    if provider is None:
        raise UnknownProvider
    if not rules.is_redirect_allowed(
        attempt.redirect_uri,
        provider.redirect_uris,
        is_development=configuration.settings().is_development,
    ):
        raise RedirectNotAllowed
    at = clock.now()
    row = SignInAttempt(
        id=new_public_id(),
        provider=provider.id,
        nonce=secrets.token_urlsafe(24),
        state=secrets.token_urlsafe(24),
        code_challenge=attempt.code_challenge,
        redirect_uri=attempt.redirect_uri,
        installation_id=attempt.device.installation_id,
        device_name=attempt.device.name,
        device_platform=attempt.device.platform,
        created_at=at,
        expires_at=at + rules.ATTEMPT_LIFE,
    )
    url = openid_client(provider).authorization_url(
        redirect_uri=row.redirect_uri,
        state=row.state,
        nonce=row.nonce,
        code_challenge=row.code_challenge,
    )
    with unit_of_work() as session:
        session.add(row)
    return BegunAttempt(id=row.id, authorization_url=url, expires_at=row.expires_at)


def complete(
    attempt_id: UUID,
    completion: Completion,
    *,
    audience: Audience | None = None,
    is_page: bool = False,
) -> Tokens:
    """Use the attempt up, let the provider prove who it is, and begin a session.

    Three steps, so that no connection is held while the provider answers. `audience` is whom alone
    the caller serves, `is_page`: a page on a desk. Raises AttemptOver, AttemptMismatch,
    ProviderUnavailable, SignInRefused, SecondFactorNeeded, ProfileAlreadyLinked.
    """
    attempt = _use_up(attempt_id)
    if not _belongs(completion, attempt):
        raise AttemptMismatch
    provider = configuration.provider(attempt.provider)
    if provider is None:
        raise AttemptOver
    if audience not in (None, provider.audience):
        raise AttemptMismatch
    identity = openid_client(provider).redeem(
        code=completion.code,
        redirect_uri=attempt.redirect_uri,
        code_verifier=completion.code_verifier,
        nonce=attempt.nonce,
    )
    if provider.audience == "staff" and not identity.has_second_factor:
        raise SecondFactorNeeded
    with unit_of_work() as session:
        tokens = _sign_in(session, provider, identity, attempt, is_page=is_page)
    if tokens is None:  # raised outside, so that the first account's notice is kept
        raise ProfileAlreadyLinked
    return tokens


def _use_up(attempt_id: UUID) -> SignInAttempt:
    at = clock.now()
    with unit_of_work() as session:
        attempt: SignInAttempt | None = session.scalar(
            update(SignInAttempt)
            .where(
                SignInAttempt.id == attempt_id,
                SignInAttempt.used_at.is_(None),
                SignInAttempt.expires_at > at,
            )
            .values(used_at=at)
            .returning(SignInAttempt)
        )
    if attempt is None:
        raise AttemptOver
    return attempt


def _belongs(completion: Completion, attempt: SignInAttempt) -> bool:
    digest = hashlib.sha256(completion.code_verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(completion.state.encode(), attempt.state.encode()) and (
        hmac.compare_digest(challenge, attempt.code_challenge)
    )


def _sign_in(
    session: Session,
    provider: ProviderSettings,
    identity: Identity,
    attempt: SignInAttempt,
    *,
    is_page: bool,
) -> Tokens | None:
    """Begin a session; None when the person is another account's, which has been told."""
    at = clock.now()
    account_id = session.scalar(
        _ACCOUNT,
        {
            "id": new_public_id(),
            "attempt": attempt.id,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "at": at,
        },
    )
    if account_id is None:
        raise SignInRefused
    if provider.audience == "citizen":
        parameters = _claimed_person(identity)
        if parameters is not None:
            proof = {"attempt": attempt.id, "account": account_id, "notice": new_row_id()}
            linked = session.execute(_LINK, parameters | proof | {"at": at}).one()
            if linked.outcome == "taken":
                return None
    return sessions.begin(
        session,
        account_id=account_id,
        provider=provider,
        has_second_factor=identity.has_second_factor,
        signed_in_at=min(identity.signed_in_at, at),
        device=Device(
            installation_id=attempt.installation_id,
            name=attempt.device_name,
            platform=attempt.device_platform,
        ),
        is_page=is_page,
    )


def _claimed_person(identity: Identity) -> dict[str, Any] | None:
    """All three, number, name and birth, from a provider that may say so - or nothing (R1)."""
    if not (identity.citizen_number and identity.name and identity.birth):
        return None
    try:
        return person_parameters(
            number=identity.citizen_number, full_name=identity.name, birth=identity.birth
        )
    except ValueError:  # a number without the structure of one proves nobody
        log.warning("claimed number is none", extra={"issuer": identity.issuer})
        return None
