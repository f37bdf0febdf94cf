"""Systems: clients with keys registered by value, bound to scopes and facility codes (R6)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, TextList


class Client(Base):
    """One system, and what its tokens may be for."""

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("scopes <@ ARRAY['records.write', 'facilities.write']", name="scopes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    scopes: Mapped[TextList] = mapped_column(server_default="{records.write}")


class ClientFacility(Base):
    """A facility that the client sends for."""

    __tablename__ = "client_facility"
    __table_args__ = (PrimaryKeyConstraint("client_id", "facility_code"),)

    client_id: Mapped[UUID] = mapped_column(ForeignKey("client.id"))
    facility_code: Mapped[str]


class ClientKey(Base):
    """A public key with the one algorithm that it verifies; two may overlap."""

    __tablename__ = "client_key"
    __table_args__ = (PrimaryKeyConstraint("client_id", "kid"),)

    client_id: Mapped[UUID] = mapped_column(ForeignKey("client.id"))
    kid: Mapped[str]
    algorithm: Mapped[str]
    public_jwk: Mapped[Json]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ClientJti(Base):
    """An assertion's id that was used; kept until that assertion has expired."""

    __tablename__ = "client_jti"
    __table_args__ = (
        PrimaryKeyConstraint("client_id", "jti"),
        Index("ix_client_jti_expires_at", "expires_at"),
    )

    client_id: Mapped[UUID]
    jti: Mapped[str]
    expires_at: Mapped[datetime]
