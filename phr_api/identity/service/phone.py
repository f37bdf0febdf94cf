"""Signing in by a phone number (R2): it books and sees its bookings, and opens no record."""

import threading

from sqlalchemy import text

from phr_api.identity import configuration
from phr_api.identity.phones import GOOGLE_CERTS, PhoneVerifier
from phr_api.identity.problems import PhoneProofRefused
from phr_api.identity.service import sessions
from phr_api.identity.service.sessions import Device, Tokens
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_public_id
from phr_api.kit.problems import NotFound
from phr_api.providers import ProviderSettings

PROVIDER_ID = "firebase-phone"

_ACCOUNT = text("SELECT phone_account(:id, :issuer, :subject, :phone, :at)")


class _Verifiers:
    """One verifier a project and process, since its cache of keys is worth keeping."""

    known: dict[tuple[str, str], PhoneVerifier] = {}  # noqa: RUF012 - the process's own
    lock = threading.Lock()


def sign_in(id_token: str, device: Device) -> Tokens:
    """Begin a session of the account of the number that this token proves.

    Google is asked before the transaction. Earlier phone sessions of the account end. Raises
    NotFound where no Firebase project is configured, PhoneProofRefused, ProviderUnavailable.
    """
    proven = _verifier().verify(id_token)
    at = clock.now()
    with unit_of_work() as session:
        account_id = session.scalar(
            _ACCOUNT,
            {
                "id": new_public_id(),
                "issuer": proven.issuer,
                "subject": proven.subject,
                "phone": proven.phone,
                "at": at,
            },
        )
        if account_id is None:  # closed
            raise PhoneProofRefused
        return sessions.begin(
            session,
            account_id=account_id,
            provider=_provider(proven.issuer),
            has_second_factor=False,
            signed_in_at=proven.signed_in_at,
            device=device,
        )


def _verifier() -> PhoneVerifier:
    notifications = configuration.settings().notifications
    project = notifications.firebase_project
    if project is None:
        raise NotFound
    key = (project, notifications.firebase_certs_url or GOOGLE_CERTS)
    with _Verifiers.lock:
        if key not in _Verifiers.known:
            _Verifiers.known[key] = PhoneVerifier(*key)
        return _Verifiers.known[key]


def _provider(issuer: str) -> ProviderSettings:
    """What a session needs to know of how it began: a citizen's, at the level of an account."""
    return ProviderSettings(
        id=PROVIDER_ID,
        issuer=issuer,
        client_id="",
        audience="citizen",
        asserts=frozenset(),
        assurance="account",
        label="",
    )
