"""Who signs in. An account is (issuer, subject), never a phone or an e-mail (RIGHTS R1)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phr_api.kit.db import Base, Json, UuidPk


class Account(Base):
    """Somebody whom a provider knows; what they may open hangs on links and memberships."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Device(Base):
    """An installation of an app; its sessions end with it."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("account_id", "installation_id"),)

    id: Mapped[UuidPk]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    installation_id: Mapped[UUID]
    name: Mapped[str]
    platform: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AccountSession(Base):
    """One sign-in on one device. Assurance belongs to it, not to the account (R2).

    `is_page`: it stands open on a desk, so only what a hand does there makes it last.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_account_id", "account_id"),
        CheckConstraint("kind IN ('citizen', 'staff')", name="kind"),
        CheckConstraint("assurance IN ('record', 'account')", name="assurance"),
    )

    id: Mapped[UuidPk]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    kind: Mapped[str]
    provider: Mapped[str]
    assurance: Mapped[str]
    has_second_factor: Mapped[bool]
    is_page: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    signed_in_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class RefreshToken(Base):
    """A generation of a session's refresh tokens; the token itself is nowhere stored (R4).

    `first_used_at`: when this pair was first used, by its refresh token or its access token.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (PrimaryKeyConstraint("session_id", "generation"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("session.id"))
    generation: Mapped[int] = mapped_column(autoincrement=False)
    account_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    issued_at: Mapped[datetime]
    first_used_at: Mapped[datetime | None]
    spent_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """What the server began and the provider has to finish: ten minutes, once (R3)."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_expires_at", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    nonce: Mapped[str]
    state: Mapped[str]
    code_challenge: Mapped[str]
    redirect_uri: Mapped[str]
    installation_id: Mapped[UUID]
    device_name: Mapped[str]
    device_platform: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    account_id: Mapped[UUID | None]  # whom it signed in; written by sign_in_account alone


class ProfileLink(Base):
    """An account and its own person. One account a person, one person an account (R1)."""

    __tablename__ = "profile_link"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"), unique=True)
    method: Mapped[str]
    linked_at: Mapped[datetime]


class AccountNotice(Base):
    """What an account has to be told about itself; shown by /v1/me."""

    __tablename__ = "account_notice"
    __table_args__ = (Index("ix_account_notice_account_id_at", "account_id", "at"),)

    id: Mapped[UuidPk]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    at: Mapped[datetime]
    details: Mapped[Json]
    read_at: Mapped[datetime | None]


class Membership(Base):
    """A role at a facility, named by its code (no foreign key: facilities live above)."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership_live",
            "account_id",
            "facility_code",
            "role",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        Index("ix_membership_facility_code", "facility_code"),
        CheckConstraint("role IN ('desk', 'doctor', 'viewer')", name="role"),
    )

    id: Mapped[UuidPk]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    facility_code: Mapped[str]
    role: Mapped[str]
    display_name: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ActivationCode(Base):
    """A desk saw the document of this person: whoever types the code is them (R1)."""

    __tablename__ = "activation_code"
    __table_args__ = (Index("ix_activation_code_facility_code", "facility_code", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    facility_code: Mapped[str]
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"))
    document: Mapped[str]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[UUID | None]


class SigningKey(Base):
    """A key of our access tokens; the private half is wrapped by a key made from PHR_SECRET."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class PhoneProof(Base):
    """The number that a phone sign-in proved last, and when."""

    __tablename__ = "phone_proof"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    phone: Mapped[str]
    verified_at: Mapped[datetime]
