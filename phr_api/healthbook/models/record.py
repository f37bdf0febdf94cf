"""The record's version, its feed, and the owner's book as it goes out."""

from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, CreatedAt, TextList


class RecordSnapshot(Base):
    """Bytes of the full view, gzip. A wrong version or shape is a miss: nothing to invalidate.

    `shape` is the hash of the book's statement and the versions of code lists and directory. Only a
    scope with every class and section sees or writes the row (R8).
    """

    __tablename__ = "record_snapshot"

    profile_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    shape: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Record(Base):
    """One person's record as a whole: its version, and the oldest change that is still told.

    Written by the feed's triggers alone; app roles may only read it (FINDINGS 2).
    """

    __tablename__ = "record"

    profile_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    oldest_seq: Mapped[int] = mapped_column(BigInteger)


class RecordChange(Base):
    """One changed row; its class and section stand here so that a view sees only its own (R8).

    Kept for as long as the worker's periodic trim says; older cursors get 410.
    """

    __tablename__ = "record_change"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "seq"),
        Index("ix_record_change_created_at", "created_at"),
    )

    profile_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    id: Mapped[UUID]
    op: Mapped[str]
    classes: Mapped[TextList]
    section: Mapped[str]
    created_at: Mapped[CreatedAt]
