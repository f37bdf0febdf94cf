"""Who cares for whom. Facility codes stand here without a foreign key (FINDINGS 23)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, TextList


class Carer(Base):
    """An account that opens another person's record, with named powers (R17).

    Never deleted: it ends. `ends_at` is at the latest the child's 18th birthday.
    """

    __tablename__ = "carer"
    __table_args__ = (
        PrimaryKeyConstraint("profile_id", "id"),
        Index("ix_carer_account_id", "account_id"),
        Index(
            "uq_carer_live",
            "profile_id",
            "account_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        CheckConstraint("powers <@ ARRAY['see', 'book', 'join', 'share']", name="powers"),
        CheckConstraint("starts_at < ends_at", name="period"),
    )

    id: Mapped[UUID]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    relation: Mapped[str]
    powers: Mapped[TextList]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]
    facility_code: Mapped[str | None]
    reason: Mapped[str]
    suspended_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AgeRule(Base):
    """Ages of R17 and R18, held as data: name and years."""

    __tablename__ = "age_rule"

    name: Mapped[str] = mapped_column(primary_key=True)
    years: Mapped[int]
