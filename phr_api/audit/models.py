"""Append-only events: who touched whose record, for whom, when and why (RIGHTS R15)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, UuidPk


class AuditEvent(Base):
    """One act. Whom it concerned stands in AuditSubject: a staff list concerns many."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_at", "at"),)

    id: Mapped[UuidPk]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    facility_code: Mapped[str | None]
    action: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[Json]


class AuditSubject(Base):
    """A person whom an event concerned; under row-level security by that person."""

    __tablename__ = "audit_subject"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "event_id"),
        Index("ix_audit_subject_event_id", "event_id"),
        Index("ix_audit_subject_timeline", "profile_id", "at", "event_id"),
    )

    profile_id: Mapped[UUID]
    event_id: Mapped[UUID]
    at: Mapped[datetime]


class AuditRefusal(Base):
    """One refused opening; the worker closes them into one event a minute, actor and person."""

    __tablename__ = "audit_refusal"

    id: Mapped[UuidPk]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    profile_id: Mapped[UUID | None]


class AuditChain(Base):
    """The day's head: a hash over the day's rows and the head before; signed and exported."""

    __tablename__ = "audit_chain"

    day: Mapped[date] = mapped_column(primary_key=True)
    rows: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
