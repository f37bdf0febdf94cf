"""Reference tables: everybody may read them, the worker's role writes them."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, CreatedAt


class Facility(Base):
    """A place of care, by the 5-character code of the social-insurance list (mã CSKCB)."""

    __tablename__ = "facility"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-Z]{5}$'", name="code"),
        Index("ix_facility_search_key", "search_key", "code"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    province: Mapped[str | None]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    search_key: Mapped[str]
    created_at: Mapped[CreatedAt]


class CodeList(Base):
    """One version of one list, as an operator loaded it; one of each system is current."""

    __tablename__ = "code_list"
    __table_args__ = (
        PrimaryKeyConstraint("system", "version"),
        Index("uq_code_list_current", "system", unique=True, postgresql_where=text("is_current")),
    )

    system: Mapped[str]
    version: Mapped[str]
    loaded_at: Mapped[datetime]
    is_current: Mapped[bool]


class Code(Base):
    """A code's words in one version of its list."""

    __tablename__ = "code"
    __table_args__ = (
        PrimaryKeyConstraint("system", "version", "code"),
        ForeignKeyConstraint(
            ["system", "version"], ["code_list.system", "code_list.version"], ondelete="CASCADE"
        ),
    )

    system: Mapped[str]
    version: Mapped[str]
    code: Mapped[str]
    display_vi: Mapped[str]
    display_en: Mapped[str | None]


class ReferenceVersion(Base):
    """How often the shown names of `directory` or `codes` changed: part of the book's ETag.

    Raised by triggers, so that no writer can forget it.
    """

    __tablename__ = "reference_version"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
