"""Reads of identity, under the scope that the caller has set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phr_api.identity.models import (
    AccountNotice,
    AccountSession,
    ActivationCode,
    Client,
    ClientFacility,
    ClientKey,
    Coverage,
    Device,
    Membership,
    Profile,
    ProfileAddress,
    ProfileIdentifier,
    ProfileLink,
    RefreshToken,
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session of an account."""

    id: UUID
    kind: str
    provider: str
    assurance: str
    device_id: UUID
    device_name: str
    device_platform: str
    signed_in_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device that has not been ended."""

    id: UUID
    name: str
    platform: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """What the account has to be told."""

    id: UUID
    kind: str
    at: datetime
    read_at: datetime | None


def find_sessions(session: Session, account_id: UUID, at: datetime) -> list[SessionRow]:
    """Live sessions, last used first; served by ix_session_account_id."""
    rows = session.execute(
        select(
            AccountSession.id,
            AccountSession.kind,
            AccountSession.provider,
            AccountSession.assurance,
            AccountSession.device_id,
            Device.name,
            Device.platform,
            AccountSession.signed_in_at,
            AccountSession.last_used_at,
            AccountSession.expires_at,
        )
        .join(Device, Device.id == AccountSession.device_id)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.ended_at.is_(None),
            AccountSession.expires_at > at,
        )
        .order_by(AccountSession.last_used_at.desc(), AccountSession.id)
    )
    return [SessionRow(*tuple(row)) for row in rows]


def lock_session(session: Session, session_id: UUID) -> AccountSession | None:
    """Return a session of the account in scope and lock it: its tokens change one at a time."""
    return session.scalar(
        select(AccountSession).where(AccountSession.id == session_id).with_for_update()
    )


def find_generations(
    session: Session, session_id: UUID, generation: int
) -> tuple[RefreshToken, RefreshToken]:
    """Return the presented generation of a session's tokens, and the newest."""
    newest = (
        select(func.max(RefreshToken.generation))
        .where(RefreshToken.session_id == session_id)
        .scalar_subquery()
    )
    rows = session.scalars(
        select(RefreshToken)
        .where(
            RefreshToken.session_id == session_id,
            (RefreshToken.generation == generation) | (RefreshToken.generation == newest),
        )
        .order_by(RefreshToken.generation)
    ).all()
    return rows[0], rows[-1]


def find_devices(session: Session, account_id: UUID) -> list[DeviceRow]:
    """Devices that were not ended, last seen first."""
    rows = session.execute(
        select(Device.id, Device.name, Device.platform, Device.created_at, Device.last_seen_at)
        .where(Device.account_id == account_id, Device.ended_at.is_(None))
        .order_by(Device.last_seen_at.desc(), Device.id)
    )
    return [DeviceRow(*row) for row in rows]


def find_own_profile(session: Session, account_id: UUID) -> UUID | None:
    """Return the person that this account is linked to."""
    return session.scalar(
        select(ProfileLink.profile_id).where(ProfileLink.account_id == account_id)
    )


def find_notices(session: Session, account_id: UUID, *, limit: int = 20) -> list[Notice]:
    """What the account was told, newest first; served by ix_account_notice_account_id_at."""
    rows = session.execute(
        select(AccountNotice.id, AccountNotice.kind, AccountNotice.at, AccountNotice.read_at)
        .where(AccountNotice.account_id == account_id)
        .order_by(AccountNotice.at.desc(), AccountNotice.id)
        .limit(limit)
    )
    return [Notice(*row) for row in rows]


def find_memberships(session: Session, account_id: UUID) -> list[tuple[str, str, str]]:
    """Return (facility code, role, name that the account goes by there) of memberships now."""
    rows = session.execute(
        select(Membership.facility_code, Membership.role, Membership.display_name)
        .where(Membership.account_id == account_id, Membership.ended_at.is_(None))
        .order_by(Membership.facility_code, Membership.role)
    )
    return [(code, role, name) for code, role, name in rows]


def display_name(session: Session, account_id: UUID, facility_code: str) -> str:
    """Return the name that the account goes by at this facility; empty when it works there no more.

    The account is the one in scope: nobody reads another's membership.
    """
    name = session.scalar(
        select(Membership.display_name)
        .where(
            Membership.account_id == account_id,
            Membership.facility_code == facility_code,
            Membership.ended_at.is_(None),
        )
        .order_by(Membership.id)
        .limit(1)
    )
    return name or ""


def get_activation_code(session: Session, code_id: UUID) -> ActivationCode:
    """Return a code that this facility issued (its scope is set)."""
    return session.get_one(ActivationCode, code_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDetails:
    """A person's own details, as stored: with ended rows left out."""

    profile: Profile
    identifiers: Sequence[ProfileIdentifier]
    addresses: Sequence[ProfileAddress]
    coverage: Sequence[Coverage]


def find_person(session: Session, profile_id: UUID) -> PersonDetails | None:
    """Return the person in scope with identifiers, addresses and insurance that have not ended."""
    profile = session.get(Profile, profile_id)
    if profile is None:
        return None
    return PersonDetails(
        profile=profile,
        identifiers=session.scalars(
            select(ProfileIdentifier)
            .where(ProfileIdentifier.profile_id == profile_id, ProfileIdentifier.ended_at.is_(None))
            .order_by(ProfileIdentifier.system, ProfileIdentifier.seen_at, ProfileIdentifier.id)
        ).all(),
        addresses=session.scalars(
            select(ProfileAddress)
            .where(ProfileAddress.profile_id == profile_id, ProfileAddress.ended_at.is_(None))
            .order_by(ProfileAddress.seen_at.desc(), ProfileAddress.id)
        ).all(),
        coverage=session.scalars(
            select(Coverage)
            .where(Coverage.profile_id == profile_id, Coverage.ended_at.is_(None))
            .order_by(Coverage.valid_until.desc().nulls_first(), Coverage.id)
        ).all(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """A registered system with its facilities and keys."""

    client: Client
    facility_codes: tuple[str, ...]
    keys: tuple[ClientKey, ...]


def find_clients(session: Session) -> list[ClientRow]:
    """Return every system, oldest first; for the operator's command line."""
    clients = session.scalars(select(Client).order_by(Client.created_at, Client.id)).all()
    facilities = session.scalars(select(ClientFacility).order_by(ClientFacility.facility_code))
    codes = list(facilities)
    keys = session.scalars(select(ClientKey).order_by(ClientKey.created_at)).all()
    return [
        ClientRow(
            client=client,
            facility_codes=tuple(f.facility_code for f in codes if f.client_id == client.id),
            keys=tuple(key for key in keys if key.client_id == client.id),
        )
        for client in clients
    ]


def find_client_keys(session: Session, client_id: UUID) -> Sequence[ClientKey]:
    """Return the live keys of a live system (in whose scope this runs)."""
    return session.scalars(
        select(ClientKey)
        .join(Client, Client.id == ClientKey.client_id)
        .where(
            ClientKey.client_id == client_id,
            ClientKey.ended_at.is_(None),
            Client.ended_at.is_(None),
        )
    ).all()


def find_client_scopes(session: Session, client_id: UUID) -> frozenset[str] | None:
    """Return what a live system may do (in whose scope this runs), None when it has ended."""
    scopes = session.scalar(
        select(Client.scopes).where(Client.id == client_id, Client.ended_at.is_(None))
    )
    return None if scopes is None else frozenset(scopes)


def find_staff(session: Session, facility_code: str) -> Sequence[Membership]:
    """Return the memberships of a facility that have not ended (its scope is set)."""
    return session.scalars(
        select(Membership)
        .where(Membership.facility_code == facility_code, Membership.ended_at.is_(None))
        .order_by(Membership.created_at, Membership.id)
    ).all()


def find_declared(
    session: Session, profile_id: UUID, system: str, value: str
) -> ProfileIdentifier | None:
    """Return the number if the person in scope has declared it already."""
    return session.scalar(
        select(ProfileIdentifier).where(
            ProfileIdentifier.profile_id == profile_id,
            ProfileIdentifier.system == system,
            ProfileIdentifier.value == value,
            ProfileIdentifier.assurance == "declared",
            ProfileIdentifier.ended_at.is_(None),
        )
    )


def get_identifier(session: Session, profile_id: UUID, identifier_id: UUID) -> ProfileIdentifier:
    """Return a number of the person in scope, ended or not."""
    return session.get_one(ProfileIdentifier, (profile_id, identifier_id))
