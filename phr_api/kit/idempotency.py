"""POSTs that create happen once per Idempotency-Key (RIGHTS R22, FINDINGS 13).

All in the caller's transaction: try the lock, read the row, work, insert the row. A refusal rolls
the row back with everything else, so a corrected request may use the same key. Rows live 7 days
(`trim`, a periodic task of the worker).
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import LargeBinary, PrimaryKeyConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from phr_api.kit import clock
from phr_api.kit.db import Base, set_scope
from phr_api.kit.problems import IdempotencyKeyReused, RequestInProgress

KEPT = timedelta(days=7)

T = TypeVar("T")


class Idempotency(Base):
    """The first answer to a key: its status, its Location, and a MAC of the body it answered."""

    __tablename__ = "idempotency"
    __table_args__ = (PrimaryKeyConstraint("principal_id", "route", "key"),)

    principal_id: Mapped[UUID]
    route: Mapped[str]
    key: Mapped[str]
    body_mac: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    location: Mapped[str | None]
    reference: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who asked what, with which key; kit.web makes it from the request."""

    principal_id: UUID
    route: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Created(Generic[T]):
    """What a use case made: the entity, a reference to find it again, and where it lives."""

    entity: T
    reference: str
    location: str | None
    status: int = 201


class _Key:
    secret: bytes = b""


def configure(secret: bytes) -> None:
    """Derive this purpose's key from the installation's secret, once at start."""
    _Key.secret = hmac.digest(secret, b"idempotency", hashlib.sha256)


def once(
    session: Session,
    attempt: Attempt,
    *,
    create: Callable[[], Created[T]],
    again: Callable[[str], T],
) -> tuple[T, int, dict[str, str]]:
    """Create now, or answer as the first time with the resource as it is now.

    Returns (entity, status, headers). The caller has checked the right before, so a replay checks
    it again. Raises RequestInProgress (409) and IdempotencyKeyReused (422).
    """
    set_scope(session, principal_id=attempt.principal_id)
    name = f"{attempt.principal_id}/{attempt.route}/{attempt.key}"
    got_it = session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0))))
    if not got_it:
        raise RequestInProgress
    mac = mac_of(attempt)
    row = session.get(Idempotency, (attempt.principal_id, attempt.route, attempt.key))
    if row is not None:
        if not hmac.compare_digest(row.body_mac, mac):
            raise IdempotencyKeyReused
        return again(row.reference), row.status, _headers(row.location)
    made = create()
    session.add(
        Idempotency(
            principal_id=attempt.principal_id,
            route=attempt.route,
            key=attempt.key,
            body_mac=mac,
            status=made.status,
            location=made.location,
            reference=made.reference,
            created_at=clock.now(),
        )
    )
    return made.entity, made.status, _headers(made.location)


def mac_of(attempt: Attempt) -> bytes:
    """Return what is kept of the attempt's body."""
    return hmac.digest(_Key.secret, attempt.body, hashlib.sha256)


def _headers(location: str | None) -> dict[str, str]:
    return {"Location": location} if location else {}


def trim(session: Session, at: datetime) -> int:
    """Delete what is older than 7 days (the worker's policy lets it); the number deleted."""
    result = session.execute(delete(Idempotency).where(Idempotency.created_at < at - KEPT))
    return int(result.rowcount)  # type: ignore[attr-defined]
