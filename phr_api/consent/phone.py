"""What a session may do that proved a phone number and nothing else: bookings, never a record."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneScope:
    """Proof that this account proved its phone number, in a session that lives."""

    actor: audit.Actor
    account_id: UUID


def open_phone(session: Session, principal: Principal) -> PhoneScope:
    """Check that this is a live phone session and set its account as the scope.

    Raises NotSignedIn when the session ended, NotAllowed for any other kind of session.
    """
    raise NotImplementedError
