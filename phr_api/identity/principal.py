"""Who asks now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from phr_api import audit

PrincipalKind = Literal["citizen", "staff", "system"]
Assurance = Literal["record", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, as their access token says; every right is read from the database (R5).

    Citizens and staff have an account and a session, systems a client. `assurance` is of this
    session's own sign-in (R2).
    """

    kind: PrincipalKind
    account_id: UUID | None = None
    session_id: UUID | None = None
    client_id: UUID | None = None
    assurance: Assurance = "account"
    signed_in_at: datetime
    scopes: frozenset[str] = frozenset()

    @property
    def principal_id(self) -> UUID:
        """The account's or the client's id: who an idempotency key or a limit belongs to."""
        return cast("UUID", self.account_id or self.client_id)

    @property
    def actor(self) -> audit.Actor:
        """Who the trace names."""
        return audit.Actor(kind=self.kind, id=self.principal_id)
