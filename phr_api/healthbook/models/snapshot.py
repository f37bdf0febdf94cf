"""The owner's book as it goes out, kept so that an unchanged one is not assembled again."""

from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base


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
