"""Writing the trace, closing refusals, chaining the days."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditChain, AuditEvent, AuditRefusal
from phr_api.kit import clock
from phr_api.kit.db import do, unit_of_work
from phr_api.kit.ids import new_row_id

SETTLED = timedelta(hours=1)
FOLDED = timedelta(minutes=15)

ActorKind = Literal["citizen", "staff", "system", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: an account, a system's client, or an operator at the command line (no id)."""

    kind: ActorKind
    id: UUID | None
    facility_code: str | None = None


def record(
    session: Session,
    actor: Actor,
    *,
    action: str,
    subjects: Collection[UUID],
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> UUID:
    """Write one event in the caller's transaction: no change without its trace. Returns its id.

    `subjects` are the people it concerned; `details` hold ids and counts, never personal data.
    """
    event_id, at = new_row_id(), clock.now()
    session.execute(
        insert(AuditEvent).values(
            id=event_id,
            at=at,
            actor_kind=actor.kind,
            actor_id=actor.id,
            facility_code=actor.facility_code,
            action=action,
            reason=reason,
            details=details or {},
        )
    )
    add_subjects(session, event_id, subjects, at=at)
    return event_id


def record_list(
    session: Session, actor: Actor, *, action: str, subjects: Collection[UUID]
) -> UUID | None:
    """Write that staff, whose facility's scope is set, saw these people in a list or a search (R7).

    Whom the same list showed them within the last quarter of an hour is left out: refreshes fold.
    Returns the event's id; None when everybody was, so that there is none. A list of nobody is an
    event without subjects.
    """
    if subjects:
        since = clock.now() - FOLDED
        subjects = session.scalar(
            text("SELECT not_yet_shown(:action, CAST(:people AS uuid[]), :since)"),
            {"action": action, "people": list(subjects), "since": since},
        )
        if not subjects:
            return None
    return record(session, actor, action=action, subjects=subjects)


def add_subjects(
    session: Session, event_id: UUID, subjects: Collection[UUID], *, at: datetime | None = None
) -> None:
    """Add people to an event; one that is already a subject stays one."""
    if not subjects:
        return
    do(
        session,
        "INSERT INTO audit_subject (profile_id, event_id, at)"
        " SELECT unnest(CAST(%(people)s AS uuid[])), %(event)s, %(at)s ON CONFLICT DO NOTHING",
        {"people": list(subjects), "event": event_id, "at": at or clock.now()},
    )


def record_refusal(actor: Actor, *, action: str, profile_id: UUID | None) -> None:
    """Write a refused opening in a transaction of its own: the caller's will be rolled back."""
    with unit_of_work() as session:
        session.execute(
            insert(AuditRefusal).values(
                id=new_row_id(),
                at=clock.now(),
                actor_kind=actor.kind,
                actor_id=actor.id,
                action=action,
                profile_id=profile_id,
            )
        )


def close_refusals(session: Session, at: datetime) -> int:
    """Turn the refusals of minutes that have ended into one event each; the number of events.

    An event per actor, person and action with the count in `details`.
    """
    minute = at.replace(second=0, microsecond=0)
    rows = session.execute(
        text(
            "WITH closed AS (DELETE FROM audit_refusal WHERE at < :minute RETURNING *)"
            " SELECT actor_kind, actor_id, action, profile_id, count(*)"
            " FROM closed GROUP BY actor_kind, actor_id, action, profile_id,"
            " date_trunc('minute', at)"
        ),
        {"minute": minute},
    ).all()
    for kind, actor_id, action, profile_id, count in rows:
        record(
            session,
            Actor(kind=kind, id=actor_id),
            action=f"{action}.refused",
            subjects=[profile_id] if profile_id else [],
            details={"count": count},
        )
    return len(rows)


def chain_days(session: Session, at: datetime, secret: bytes) -> list[tuple[date, int, bytes]]:
    """Chain every day (UTC) that ended an hour ago and is not chained; returns (day, rows, head).

    By then every transaction of that day has ended: the roles' timeouts are of seconds. The caller
    exports the heads, so that a database restored without a row is found out.
    """
    last = session.scalar(select(func.max(AuditChain.day)))
    first_event = session.scalar(select(func.audit_first_day()))
    start = last + timedelta(days=1) if last else first_event
    chained = []
    while start is not None and start < (at - SETTLED).date():
        rows, head = session.execute(
            text("SELECT rows, head FROM audit_day_head(:day)"), {"day": start}
        ).one()
        signature = _key(secret).sign(bytes(head))
        session.execute(
            text("SELECT append_audit_chain(:day, :signature)"),
            {"day": start, "signature": signature},
        )
        chained.append((start, rows, bytes(head)))
        start += timedelta(days=1)
    return chained


def verify_chain(session: Session, secret: bytes) -> list[date]:
    """Return the days whose rows no longer give the head that was signed."""
    broken = []
    for day, head, signature in session.execute(
        select(AuditChain.day, AuditChain.head, AuditChain.signature).order_by(AuditChain.day)
    ):
        now = session.scalar(text("SELECT head FROM audit_day_head(:day)"), {"day": day})
        try:
            _key(secret).public_key().verify(bytes(signature or b""), bytes(head))
        except InvalidSignature:
            broken.append(day)
            continue
        if bytes(now or b"") != bytes(head):
            broken.append(day)
    return broken


def _key(secret: bytes) -> Ed25519PrivateKey:
    """One key per purpose (R32): the audit chain's is derived from the installation's secret."""
    seed = HKDF(hashes.SHA256(), 32, None, b"audit chain").derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)
