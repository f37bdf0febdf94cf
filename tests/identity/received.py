"""People as hospitals' files name them, and taking them in as intake does."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import (
    Match,
    ReceivedCard,
    ReceivedPerson,
    match_received,
    write_received_person,
)
from phr_api.kit import clock
from phr_api.kit.db import retrying, set_scope, unit_of_work
from phr_api.vocab import IdentifierSystem, PartialDate, ProfileId, Section, Sex
from tests.factories.people import BIRTH, FACILITY, NAME, new_number


def card(number: str, **changes: Any) -> ReceivedCard:
    values: dict[str, Any] = {
        "card": f"GD401{number}",
        "insurance_number": number,
        "registered_facility": FACILITY,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
    }
    return ReceivedCard(**(values | changes))


def new_card_number() -> str:
    return new_number()[2:]


def person(**changes: Any) -> ReceivedPerson:
    birth = changes.pop("birth", BIRTH)
    number = changes.pop("number", None)
    values: dict[str, Any] = {
        "full_name": NAME,
        "birth": PartialDate.parse(birth),
        "born_at": None,
        "sex": Sex.FEMALE,
        "number": (IdentifierSystem.CITIZEN, number) if isinstance(number, str) else number,
        "is_newborn": False,
        "mother_number": None,
        "cards": (),
        "address": None,
        "phone": None,
        "ethnicity": None,
        "nationality": None,
        "occupation": None,
        "blood_group": None,
    }
    return ReceivedPerson(**(values | changes))


def match(who: ReceivedPerson, *, actor: audit.Actor | None = None) -> Match:
    with unit_of_work() as session:
        return match_received(session, who, FACILITY, clock.now(), actor=actor)


def write(who: ReceivedPerson, profile_id: ProfileId, **changes: Any) -> bool:
    with unit_of_work() as session:
        open_person(session, profile_id)
        return write_received_person(
            session, profile_id, who, facility_code=FACILITY, at=clock.now(), **changes
        )


def open_person(session: Session, profile_id: UUID) -> None:
    """As consent.open_for_intake does."""
    set_scope(session, profile_id=profile_id, classes=[], sections=list(Section))


def receive(who: ReceivedPerson) -> ProfileId:
    """Match and write in one transaction, as intake does."""

    def work(session: Session) -> ProfileId:
        found = match_received(session, who, FACILITY, clock.now())
        assert found.profile_id is not None
        open_person(session, found.profile_id)
        write_received_person(
            session,
            found.profile_id,
            who,
            facility_code=FACILITY,
            at=clock.now(),
            without=found.without,
        )
        return found.profile_id

    return retrying(work)
