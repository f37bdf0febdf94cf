"""What a session may do that proved a phone number and nothing else: bookings, never a record."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.problems import NotAllowed, NotSignedIn

PROVIDER = "firebase-phone"

# session and account in one statement (R5), and the proof without which nothing is shown (R2)
_LIVE = text(
    "SELECT live_session(:account, :session, :at) IS NOT NULL AS is_live,"
    " EXISTS (SELECT FROM session s JOIN phone_proof p ON p.account_id = s.account_id"
    " WHERE s.id = :session AND s.account_id = :account AND s.provider = :provider) AS is_phone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneScope:
    """Proof that this account proved its phone number, in a session that lives."""

    actor: audit.Actor
    account_id: UUID


def open_phone(session: Session, principal: Principal) -> PhoneScope:
    """Check that this is a live phone session and set its account as the scope.

    Raises NotSignedIn when the session ended, NotAllowed for any other kind of session.
    """
    if principal.account_id is None:
        raise NotAllowed
    set_scope(
        session,
        account_id=principal.account_id,
        session_id=principal.session_id,
        principal_id=principal.account_id,
        profile_id=None,
    )
    right = session.execute(
        _LIVE,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "provider": PROVIDER,
            "at": clock.now(),
        },
    ).one()
    if not right.is_live:
        raise NotSignedIn
    if not right.is_phone:
        raise NotAllowed
    return PhoneScope(actor=principal.actor, account_id=principal.account_id)
