"""How far each account has looked into each record."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base


class HomeSeen(Base):
    """The last change of a person's record that this account has seen on its home screen."""

    __tablename__ = "home_seen"
    __table_args__ = (PrimaryKeyConstraint("account_id", "profile_id"),)

    account_id: Mapped[UUID]
    profile_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime]
