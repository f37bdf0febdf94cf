"""People, accounts and systems for tests: make_x() saves one valid x and what it needs.

Numbers are made up (serials 000000 to 000099) and differ from call to call, since nothing that a
test commits is rolled back.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import uuid4

from sqlalchemy.orm import Session

from phr_api.identity import Principal, tokens
from phr_api.identity.models import (
    Account,
    AccountSession,
    Client,
    ClientFacility,
    Device,
    Membership,
    PhoneProof,
    Profile,
    ProfileIdentifier,
    ProfileLink,
)
from phr_api.kit import clock
from phr_api.kit.ids import new_public_id, new_row_id
from phr_api.vocab import PartialDate, name_key, search_key

NAME = "Nguyễn Thị Thử Nghiệm"
BIRTH = "1990-02-28"
FACILITY = "99001"
PHONE_PROVIDER = "firebase-phone"
_PROVINCES = (1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34)
_counter = itertools.count(1)


def new_number(*, sex: str = "female", year: int = 1990) -> str:
    """Return a citizen number of that sex and year that no other call of this process returned."""
    count = next(_counter)
    place = _PROVINCES[count // 100 % len(_PROVINCES)]
    century = 2 * ((year - 1900) // 100) + (sex == "female")
    # the serials are used up after 2,200 calls; the millions digit of none is ever set
    return f"{place:03}{century}{year % 100:02}{count % 100:06}"


def make_profile(
    session: Session,
    *,
    full_name: str = NAME,
    birth: str = BIRTH,
    sex: str = "female",
    numbers: Sequence[tuple[str, str, str]] | None = None,
) -> Profile:
    """Save a person; `numbers` are (system, value, assurance), by default one received number."""
    at, born = clock.now(), PartialDate.parse(birth)
    profile = Profile(
        id=new_public_id(),
        full_name=full_name,
        name_key=name_key(full_name),
        search_key=search_key(full_name),
        sex=sex,
        birth=birth,
        birth_earliest=born.earliest,
        birth_latest=born.latest,
        created_at=at,
        updated_at=at,
    )
    session.add(profile)
    session.flush()  # the numbers' foreign key
    if numbers is None:
        numbers = [("citizen-id", new_number(sex=sex, year=born.year), "received")]
    for system, value, assurance in numbers:
        add_number(session, profile, system=system, value=value, assurance=assurance)
    session.commit()
    return profile


def add_number(
    session: Session, profile: Profile, *, system: str, value: str, assurance: str = "received"
) -> ProfileIdentifier:
    """Save a further number of a person."""
    row = ProfileIdentifier(
        id=new_row_id(),
        profile_id=profile.id,
        system=system,
        value=value,
        assurance=assurance,
        seen_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


def make_account(session: Session, *, issuer: str = "https://provider.test") -> Account:
    """Save an account that nobody has used."""
    account = Account(id=uuid4(), issuer=issuer, subject=uuid4().hex, created_at=clock.now())
    session.add(account)
    session.commit()
    return account


def link(session: Session, account: Account, profile: Profile) -> None:
    """Make the profile the account's own person."""
    session.add(
        ProfileLink(
            account_id=account.id, profile_id=profile.id, method="provider", linked_at=clock.now()
        )
    )
    session.commit()


def make_session(
    session: Session,
    account: Account,
    *,
    kind: Literal["citizen", "staff"] = "citizen",
    assurance: Literal["record", "account"] = "record",
    has_second_factor: bool | None = None,
    signed_in_at: datetime | None = None,
    provider: str | None = None,
) -> AccountSession:
    """Save a session on a device of its own; staff have a second factor unless told otherwise."""
    # tokens carry whole seconds
    at = (signed_in_at or clock.now()).replace(microsecond=0)
    device = Device(
        id=new_row_id(),
        account_id=account.id,
        installation_id=uuid4(),
        name="Điện thoại thử",
        platform="android",
        created_at=at,
        last_seen_at=at,
    )
    session.add(device)
    session.flush()  # the session's foreign key
    row = AccountSession(
        id=new_row_id(),
        account_id=account.id,
        device_id=device.id,
        kind=kind,
        provider=provider or ("dev-staff" if kind == "staff" else "dev-citizen"),
        assurance=assurance,
        has_second_factor=kind == "staff" if has_second_factor is None else has_second_factor,
        signed_in_at=at,
        last_used_at=at,
        expires_at=at + timedelta(days=30),
    )
    session.add(row)
    session.commit()
    return row


def make_membership(
    session: Session, account: Account, *, facility_code: str = FACILITY, role: str = "desk"
) -> Membership:
    """Save a role at a facility."""
    row = Membership(
        id=new_row_id(),
        account_id=account.id,
        facility_code=facility_code,
        role=role,
        display_name="Nhân viên thử",
        created_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody with a live session: the rows, the principal, and the header that proves it."""

    account: Account
    session: AccountSession
    principal: Principal
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen(SignedIn):
    """A signed-in person with a record of their own."""

    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A hospital's software with an access token."""

    client: Client
    principal: Principal
    headers: dict[str, str]


def make_citizen(
    session: Session,
    *,
    profile: Profile | None = None,
    assurance: Literal["record", "account"] = "record",
    signed_in_at: datetime | None = None,
) -> Citizen:
    """Save a person with an account and a session, as if they had just signed in."""
    profile = profile or make_profile(session)
    account = make_account(session)
    link(session, account, profile)
    row = make_session(session, account, assurance=assurance, signed_in_at=signed_in_at)
    principal = principal_of(row)
    return Citizen(
        account=account,
        session=row,
        principal=principal,
        headers=bearer(principal),
        profile=profile,
    )


def make_phone(session: Session, *, phone: str | None = None) -> SignedIn:
    """Save an account that proved a phone number and nothing else, with its session."""
    account = make_account(session, issuer="https://phones.test")
    number = phone or f"+84900{next(_counter):06}"
    at = clock.now() - timedelta(seconds=1)
    session.add(PhoneProof(account_id=account.id, phone=number, verified_at=at))
    row = make_session(session, account, assurance="account", provider=PHONE_PROVIDER)
    principal = principal_of(row)
    return SignedIn(account=account, session=row, principal=principal, headers=bearer(principal))


def make_staff(
    session: Session,
    *,
    facility_code: str = FACILITY,
    role: str = "desk",
    has_second_factor: bool = True,
) -> SignedIn:
    """Save a member of staff with a session."""
    account = make_account(session)
    make_membership(session, account, facility_code=facility_code, role=role)
    row = make_session(session, account, kind="staff", has_second_factor=has_second_factor)
    principal = principal_of(row)
    return SignedIn(account=account, session=row, principal=principal, headers=bearer(principal))


def make_system(
    session: Session,
    *,
    facility_codes: Sequence[str] = (FACILITY,),
    scopes: Sequence[str] = ("records.write",),
) -> System:
    """Save a hospital's system bound to these facilities, signed in for all its scopes."""
    client = Client(
        id=new_public_id(), name="Phần mềm thử", created_at=clock.now(), scopes=list(scopes)
    )
    session.add(client)
    session.flush()  # the facilities' foreign key
    session.add_all(
        ClientFacility(client_id=client.id, facility_code=code) for code in facility_codes
    )
    session.commit()
    principal = Principal(
        kind="system",
        client_id=client.id,
        signed_in_at=clock.now(),
        scopes=frozenset(scopes),
    )
    return System(client=client, principal=principal, headers=bearer(principal))


def principal_of(row: AccountSession) -> Principal:
    """Return the principal of a session."""
    return Principal(
        kind=cast("Literal['citizen', 'staff']", row.kind),
        account_id=row.account_id,
        session_id=row.id,
        assurance=cast("Literal['record', 'account']", row.assurance),
        signed_in_at=row.signed_in_at,
    )


def bearer(principal: Principal) -> dict[str, str]:
    """Return the header of a fresh access token; the application is configured (fixture app)."""
    token, _ = tokens.issue(principal)
    return {"Authorization": f"Bearer {token}"}
