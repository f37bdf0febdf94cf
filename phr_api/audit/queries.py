"""Reads of the trace, by person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.vocab import ProfileId


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One line of a person's access log, before names are joined."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    facility_code: str | None
    action: str
    reason: str | None


def find_access_events(
    session: Session,
    profile_id: ProfileId,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    actor_id: UUID | None = None,
) -> list[AccessEvent]:
    """Newest first, by keyset; served by ix_audit_subject_timeline. `actor_id`: only their acts.

    The caller has opened the record: row-level security shows only the events of that person.
    """
    query = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.actor_kind,
            AuditEvent.actor_id,
            AuditEvent.facility_code,
            AuditEvent.action,
            AuditEvent.reason,
        )
        .join(AuditSubject, AuditSubject.event_id == AuditEvent.id)
        .where(AuditSubject.profile_id == profile_id)
    )
    if actor_id is not None:
        query = query.where(AuditEvent.actor_id == actor_id)
    if before:
        query = query.where(tuple_(AuditSubject.at, AuditSubject.event_id) < before)
    newest_first = (AuditSubject.at.desc(), AuditSubject.event_id.desc())
    rows = session.execute(query.order_by(*newest_first).limit(limit))
    return [AccessEvent(*row) for row in rows]
