"""People as hospitals' files name them, and taking them in as intake does."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.identity import (
    Match,
    ReceivedCard,
    ReceivedPerson,
    add_to_person,
    find_known,
    match_received,
)
from phr_api.kit import clock
from phr_api.kit.db import insert_rows, retrying, set_scope, unit_of_work
from phr_api.vocab import IdentifierSystem, PartialDate, ProfileId, Section, Sex
from tests.factories.people import BIRTH, FACILITY, NAME, new_number

VERSION = text("SELECT version FROM record")


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
    """Keep what a file says of the person; whether anything was new."""
    with unit_of_work() as session:
        open_person(session, profile_id)
        before = session.scalar(VERSION)
        _write(session, who, profile_id, **changes)
        return bool(before != session.scalar(VERSION))


def _write(session: Session, who: ReceivedPerson, profile_id: ProfileId, **changes: Any) -> None:
    known = find_known(session, profile_id)
    at = clock.now()
    rows = add_to_person(session, profile_id, who, known, facility_code=FACILITY, at=at, **changes)
    for model, new in rows.items():
        insert_rows(session, model, new)


def open_person(session: Session, profile_id: UUID) -> None:
    """As consent.open_for_intake does."""
    set_scope(session, profile_id=profile_id, classes=[], sections=list(Section))


def receive(who: ReceivedPerson) -> ProfileId:
    """Match and write in one transaction, as intake does."""

    def work(session: Session) -> ProfileId:
        found = match_received(session, who, FACILITY, clock.now())
        assert found.profile_id is not None
        open_person(session, found.profile_id)
        _write(session, who, found.profile_id, without=found.without)
        return found.profile_id

    return retrying(work)
