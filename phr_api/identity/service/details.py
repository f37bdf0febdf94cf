"""One's own person: what is known, and the numbers that one adds oneself (declared, R11)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.identity import queries
from phr_api.identity.models import ProfileIdentifier
from phr_api.identity.principal import Principal
from phr_api.identity.problems import IdentifierNotValid, NoOwnProfile
from phr_api.identity.service.sessions import require_live
from phr_api.kit import clock
from phr_api.kit.db import set_scope
from phr_api.kit.ids import new_row_id
from phr_api.kit.limits import Limit
from phr_api.kit.problems import NotAllowed, NotFound
from phr_api.vocab import (
    IdentifierSystem,
    InvalidIdentifier,
    Section,
    classify_card,
    classify_person_number,
)

DECLARED = Limit(name="identifiers declared", count=20, per=timedelta(hours=24))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentifier:
    """A number that a citizen types: kept as declared, and matching nothing."""

    system: str
    value: str


def open_own(session: Session, principal: Principal) -> UUID:
    """Set the scope of the caller's own person and return its id.

    The link and the session are the caller's own rows, read now (R5). Raises NotAllowed to others
    than citizens signed in at record level, NoOwnProfile when nothing is linked yet.
    """
    require_live(session, principal)
    if principal.kind != "citizen" or principal.assurance != "record":
        raise NotAllowed
    own = queries.find_own_profile(session, principal.principal_id)
    if own is None:
        raise NoOwnProfile
    set_scope(session, profile_id=own, classes=[], sections=[Section.PROFILE, Section.COVERAGE])
    return own


def read_details(session: Session, principal: Principal) -> dict[str, Any]:
    """Return the caller's own person with identifiers, addresses and insurance."""
    person = queries.find_person(session, open_own(session, principal))
    if person is None:
        raise NoOwnProfile
    return {
        "profile_id": person.profile.id,
        "full_name": person.profile.full_name,
        "sex": person.profile.sex,
        "birth": person.profile.birth,
        "phone": person.profile.phone,
        "blood_group": person.profile.blood_group,
        "identifiers": person.identifiers,
        "addresses": person.addresses,
        "coverage": person.coverage,
    }


def declare_identifier(session: Session, profile_id: UUID, new: NewIdentifier) -> ProfileIdentifier:
    """Add a number to the person in scope; the same again returns the first.

    Raises IdentifierNotValid when it does not have the structure of its system.
    """
    value = _checked(new)
    known = queries.find_declared(session, profile_id, new.system, value)
    if known is not None:
        return known
    row = ProfileIdentifier(
        id=new_row_id(),
        profile_id=profile_id,
        system=new.system,
        value=value,
        assurance="declared",
        seen_at=clock.now(),
        classes=[],
    )
    session.add(row)
    return row


def _checked(new: NewIdentifier) -> str:
    if new.system == IdentifierSystem.INSURANCE:
        try:
            card, number = classify_card(new.value)
        except InvalidIdentifier as error:
            raise IdentifierNotValid from error
        if card is None:
            return number
    elif (known := classify_person_number(new.value)) and known[0] == new.system:
        return known[1]
    raise IdentifierNotValid


def withdraw_identifier(session: Session, profile_id: UUID, identifier_id: UUID) -> None:
    """End a number that the person declared; NotFound for any other."""
    row = session.get(ProfileIdentifier, (profile_id, identifier_id))
    if row is None or row.assurance != "declared" or row.ended_at is not None:
        raise NotFound
    row.ended_at = clock.now()
