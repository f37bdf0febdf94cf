"""What arrived, what became of it, and the bytes it came in. All of it belongs to a facility.

Nothing here is a person's record: the facts live in `healthbook`. Rows name a person by id only,
and the original bytes are sealed (RIGHTS R14).

Tables written once a visit name their submission without a foreign key: several visits of one file
are in flight, and each check would lock the one submission row for all of them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, JsonList, UuidPk


class Outcome(StrEnum):
    """What became of one visit of one file."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    NEEDS_REVIEW = "needs-review"
    REFUSED = "refused"


class SubmissionState(StrEnum):
    """received → processing → done, or refused as a whole file."""

    RECEIVED = "received"
    PROCESSING = "processing"
    DONE = "done"
    REFUSED = "refused"


class VisitState(StrEnum):
    """A version of a visit: at most one is current, and at most one waits for a decision."""

    CURRENT = "current"
    NEEDS_REVIEW = "needs-review"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class OrderKind(StrEnum):
    """What a facility may order about a visit it sent."""

    WITHDRAWAL = "withdrawal"
    DECISION = "decision"
    REATTACHMENT = "reattachment"


class OrderState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class WorkKind(StrEnum):
    FILE = "file"
    ORDER = "order"


class Submission(Base):
    """One file that a facility sent. Its entries say what became of each visit."""

    __tablename__ = "submission"
    __table_args__ = (
        CheckConstraint("state IN ('received','processing','done','refused')", name="state"),
        Index("ix_submission_timeline", "facility_code", "received_at", "id"),
        Index(
            "uq_submission_in_progress",
            "facility_code",
            "sent_sha256",
            unique=True,
            postgresql_where=text("state IN ('received','processing') AND NOT validate_only"),
        ),
        Index("ix_submission_reports", "finished_at", postgresql_where=text("validate_only")),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    client_id: Mapped[UUID | None]  # None: an operator at the command line
    state: Mapped[str]
    validate_only: Mapped[bool]
    sent_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    sent_bytes: Mapped[int] = mapped_column(BigInteger)
    inflated_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    inflated_bytes: Mapped[int | None] = mapped_column(BigInteger)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # gone once the file is done
    source_state: Mapped[str | None]
    declared_count: Mapped[int | None]
    visit_count: Mapped[int | None]
    counts: Mapped[Json]
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    remainder_id: Mapped[UUID | None]
    event_id: Mapped[UUID | None]
    received_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class UploadChunk(Base):
    """A sealed piece of a file that waits for the worker; deleted when the file is done."""

    __tablename__ = "upload_chunk"
    __table_args__ = (PrimaryKeyConstraint("submission_id", "ordinal"),)

    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    facility_code: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class IntakeWork(Base):
    """The worker's queue: ids, due time, attempts (R10). The row goes when the work is done."""

    __tablename__ = "intake_work"
    __table_args__ = (Index("ix_intake_work_due", "received_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)  # of the submission or the order
    kind: Mapped[str]
    facility_code: Mapped[str]
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")


class Original(Base):
    """Received bytes, sealed under a key of their own (R14): a visit's, or a file's remainder."""

    __tablename__ = "original"

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    submission_id: Mapped[UUID]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    plain_bytes: Mapped[int]
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # None: destroyed
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SubmissionEntry(Base):
    """What became of one visit of one file; (submission, ordinal) is entered once."""

    __tablename__ = "submission_entry"
    __table_args__ = (
        PrimaryKeyConstraint("submission_id", "ordinal"),
        Index(
            "ix_submission_entry_open",
            "facility_code",
            "entered_at",
            "submission_id",
            "ordinal",
            postgresql_where=text("is_open"),
        ),
        Index(
            "ix_submission_entry_open_visit",
            "facility_code",
            "ma_lk",
            postgresql_where=text("is_open"),
        ),
    )

    submission_id: Mapped[UUID]
    ordinal: Mapped[int]
    facility_code: Mapped[str]
    ma_lk: Mapped[str | None]
    ma_bn: Mapped[str | None]
    outcome: Mapped[str]
    reasons: Mapped[JsonList]
    visit_id: Mapped[UUID | None]
    original_id: Mapped[UUID | None]
    start_byte: Mapped[int] = mapped_column(BigInteger)
    plain_bytes: Mapped[int]
    is_open: Mapped[bool]  # a refusal that no later sending of the visit has settled
    entered_at: Mapped[datetime]


class ReceivedVisit(Base):
    """One version of a visit as received: (facility, MA_LK, version)."""

    __tablename__ = "received_visit"
    __table_args__ = (
        UniqueConstraint("facility_code", "ma_lk", "version"),
        CheckConstraint(
            "state IN ('current','needs-review','superseded','withdrawn')", name="state"
        ),
        Index(
            "uq_received_visit_current",
            "facility_code",
            "ma_lk",
            unique=True,
            postgresql_where=text("state = 'current'"),
        ),
        Index(
            "uq_received_visit_review",
            "facility_code",
            "ma_lk",
            unique=True,
            postgresql_where=text("state = 'needs-review'"),
        ),
        Index(
            "ix_received_visit_reviews",
            "facility_code",
            "received_at",
            "id",
            postgresql_where=text("state = 'needs-review'"),
        ),
        Index(
            "ix_received_visit_raw",
            "facility_code",
            "raw_sha256",
            postgresql_where=text("state = 'current' AND ended_at IS NULL"),
        ),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    ma_lk: Mapped[str]
    ma_bn: Mapped[str | None]
    version: Mapped[int]
    state: Mapped[str]
    raw_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    content_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    person_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    submission_id: Mapped[UUID]
    ordinal: Mapped[int]
    original_id: Mapped[UUID]
    tables: Mapped[JsonList]
    additions: Mapped[JsonList]  # later files that brought single tables of this visit
    profile_id: Mapped[UUID | None]
    encounter_id: Mapped[UUID | None]
    candidate_id: Mapped[UUID | None]  # whose number disagreed; never shown
    match_kind: Mapped[str]
    match_reasons: Mapped[JsonList]
    match_without: Mapped[JsonList]  # systems of numbers that are not this person's
    source_state: Mapped[str]
    received_at: Mapped[datetime]
    attached_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class VisitOrder(Base):
    """A withdrawal, a decision or a re-attachment: who ordered it, why, and whether it is done."""

    __tablename__ = "visit_order"
    __table_args__ = (
        CheckConstraint("state IN ('waiting','done','refused')", name="state"),
        Index("ix_visit_order_visit", "facility_code", "ma_lk", "ordered_at"),
    )

    id: Mapped[UuidPk]
    facility_code: Mapped[str]
    ma_lk: Mapped[str]
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("received_visit.id"))
    kind: Mapped[str]
    decision: Mapped[str | None]
    reason: Mapped[str]
    person: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True)
    )  # blanked when the order is done
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    state: Mapped[str]
    refusal: Mapped[str | None]
    ordered_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
