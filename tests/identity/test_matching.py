"""Whose a person in a hospital's file is (R10-R12)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.audit.models import AuditEvent
from phr_api.identity.models import Coverage, Disagreement, Profile, ProfileIdentifier
from phr_api.identity.service import disagreements
from phr_api.kit.ids import new_public_id
from phr_api.vocab import IdentifierSystem, ProfileId
from tests.factories.people import FACILITY, add_number, make_profile, new_number
from tests.identity.received import card, match, new_card_number, person, receive, write

OTHER_NAME = "Trần Thị Thử Khác"

pytestmark = pytest.mark.usefixtures("worker_process")


def known(session: Session, assurance: str = "received", **values: Any) -> tuple[Profile, str]:
    number = new_number()
    profile = make_profile(session, numbers=[("citizen-id", number, assurance)], **values)
    return profile, number


@pytest.mark.parametrize("assurance", ["received", "verified"])
def test_number_name_and_birth_match(session: Session, assurance: str) -> None:
    profile, number = known(session, assurance)
    found = match(person(number=number))
    assert (found.outcome, found.profile_id) == ("matched", profile.id)


def test_a_declared_number_never_matches(session: Session) -> None:
    profile, number = known(session, "declared")
    found = match(person(number=number))
    assert found.outcome == "new"
    assert found.profile_id != profile.id


@pytest.mark.parametrize(
    "name", ["NGUYỄN THỊ THỬ NGHIỆM", "Nguyễn  Thị Thử Nghiệm ", "nguyễn thị thử nghiệm"]
)
def test_the_same_name_in_another_spelling_matches(session: Session, name: str) -> None:
    profile, number = known(session)
    assert match(person(number=number, full_name=name)).profile_id == profile.id


def test_tone_placement_and_the_other_d_match(session: Session) -> None:
    profile, number = known(session, full_name="Đỗ Hoà Thuý")
    assert match(person(number=number, full_name="Ðỗ Hòa Thúy")).profile_id == profile.id


@pytest.mark.parametrize("birth", ["1990", "1990-02"])
def test_a_birth_with_unknown_parts_agrees_with_the_whole_one(session: Session, birth: str) -> None:
    profile, number = known(session)
    assert match(person(number=number, birth=birth)).profile_id == profile.id


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"full_name": OTHER_NAME}, ("name",)),
        ({"birth": "1990-03-01"}, ("birth",)),
        ({"birth": "1991"}, ("birth",)),
        ({"full_name": OTHER_NAME, "birth": "1985"}, ("name", "birth")),
    ],
)
def test_a_known_number_with_another_name_or_birth_needs_review(
    session: Session, changes: dict[str, str], reasons: tuple[str, ...]
) -> None:
    profile, number = known(session)
    found = match(person(number=number, **changes))
    assert found.outcome == "needs-review"
    assert found.profile_id is None
    assert found.candidate_id == profile.id
    assert found.reasons == reasons
    assert found.without == {"citizen-id"}


def test_a_disagreement_is_audited_without_values_and_counted_for_the_sender(
    session: Session,
) -> None:
    profile, number = known(session)
    sender = audit.Actor(kind="system", id=new_public_id(), facility_code=FACILITY)
    for _ in range(2):
        match(person(number=number, full_name=OTHER_NAME), actor=sender)

    events = session.scalars(select(AuditEvent).where(AuditEvent.actor_id == sender.id)).all()
    assert [event.action for event in events] == ["person.needs-review"] * 2
    assert events[0].details == {"fields": ["name"], "candidate": str(profile.id)}
    counted = session.scalars(select(Disagreement).where(Disagreement.client_id == sender.id)).one()
    assert counted.count == 2


def test_many_disagreements_in_a_day_alarm_an_operator_once(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(disagreements, "DISAGREEMENTS_A_DAY", 2)
    _, number = known(session)
    sender = audit.Actor(kind="system", id=new_public_id(), facility_code=FACILITY)
    for _ in range(3):
        match(person(number=number, full_name=OTHER_NAME), actor=sender)
    alarms = [entry for entry in caplog.records if entry.levelname == "ERROR"]
    assert [entry.message for entry in alarms] == ["many people disagree with known numbers"]
    assert OTHER_NAME not in caplog.text


def test_without_a_number_a_card_with_name_and_whole_birth_matches(session: Session) -> None:
    profile, _ = known(session)
    number = new_card_number()
    add_number(session, profile, system="bhxh", value=number)
    assert match(person(cards=(card(number),))).profile_id == profile.id
    # cards since 2020 print the ten digits alone, older ones another first part
    assert match(person(cards=(card(number, card=None),))).profile_id == profile.id
    assert match(person(cards=(card(number, card=f"HN215{number}"),))).profile_id == profile.id


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"full_name": OTHER_NAME}, ("name",)),
        ({"birth": "1991-02-28"}, ("birth",)),
        ({"birth": "1990"}, ("birth",)),
    ],
)
def test_a_known_card_with_another_name_or_birth_needs_review(
    session: Session, changes: dict[str, str], reasons: tuple[str, ...]
) -> None:
    profile, _ = known(session)
    number = new_card_number()
    add_number(session, profile, system="bhxh", value=number)
    found = match(person(cards=(card(number),), **changes))
    assert (found.outcome, found.reasons) == ("needs-review", reasons)
    assert found.without == {"bhyt-card", "bhxh"}


def test_a_number_seen_for_the_first_time_is_added_by_the_card(session: Session) -> None:
    number = new_card_number()
    profile = make_profile(session, numbers=[("bhxh", number, "received")])
    assert match(person(number=new_number(), cards=(card(number),))).profile_id == profile.id


def test_a_person_with_another_citizen_number_needs_review(session: Session) -> None:
    profile, _ = known(session)
    number = new_card_number()
    add_number(session, profile, system="bhxh", value=number)
    found = match(person(number=new_number(), cards=(card(number),)))
    assert (found.outcome, found.reasons) == ("needs-review", ("citizen-id",))


def test_a_number_of_one_and_a_card_of_another_need_review(session: Session) -> None:
    _, number = known(session)
    other, _ = known(session)
    card_number = new_card_number()
    add_number(session, other, system="bhxh", value=card_number)
    found = match(person(number=number, cards=(card(card_number),)))
    assert (found.outcome, found.reasons) == ("needs-review", ("card",))


def test_a_number_that_two_people_have_needs_review(session: Session) -> None:
    number = new_number()
    for _ in range(2):
        make_profile(session, numbers=[("citizen-id", number, "received")])
    found = match(person(number=number))
    assert (found.outcome, found.reasons) == ("needs-review", ("ambiguous",))
    assert found.candidate_id is None


def test_a_name_and_a_birth_alone_never_match(session: Session) -> None:
    known(session)
    assert match(person()).outcome == "new"
    assert match(person(birth="1990")).outcome == "new"


def test_old_cards_and_passports_match_as_numbers(session: Session) -> None:
    for system, value in (
        (IdentifierSystem.PASSPORT, f"C{new_number()[-7:]}"),
        (IdentifierSystem.OLD, new_number()[3:]),
    ):
        profile = make_profile(session, numbers=[(system.value, value, "received")])
        assert match(person(number=(system, value))).profile_id == profile.id


def test_an_insurance_card_in_the_place_of_the_number_matches_as_a_card(session: Session) -> None:
    number = new_card_number()
    profile = make_profile(session, numbers=[("bhxh", number, "received")])
    found = match(person(number=(IdentifierSystem.CARD, f"GD401{number}")))
    assert found.profile_id == profile.id


def test_a_newborn_under_the_mothers_number_is_a_person_of_its_own(session: Session) -> None:
    mother, number = known(session)
    child = person(number=number, birth="2026-11-20", is_newborn=True)

    found = match(child)
    assert found.outcome == "new"
    assert found.without == {"citizen-id"}
    made = receive(child)

    assert made != mother.id
    assert (
        session.scalars(
            select(ProfileIdentifier.value).where(ProfileIdentifier.profile_id == made)
        ).all()
        == []
    )
    # the mother's own visits still find the mother
    assert match(person(number=number)).profile_id == mother.id


def test_a_newborn_under_the_mothers_card_is_a_person_of_its_own(session: Session) -> None:
    mother, _ = known(session)
    number = new_card_number()
    add_number(session, mother, system="bhxh", value=number)
    child = person(cards=(card(number),), birth="2026-11-20", is_newborn=True)
    made = receive(child)
    assert made != mother.id
    stored = select(Coverage).where(Coverage.profile_id == made)
    assert session.scalars(stored).all() == []


def test_twins_without_numbers_are_two_people() -> None:
    twin = person(birth="2026-11-20", is_newborn=True, full_name="Con bà Thử Nghiệm")
    assert receive(twin) != receive(twin)


def test_a_newborn_with_a_card_of_its_own_is_found_again() -> None:
    number = new_card_number()
    child = person(
        birth="2026-11-20", is_newborn=True, cards=(card(number, card=f"TE101{number}"),)
    )
    assert receive(child) == receive(child)


def test_four_visits_of_one_new_person_at_once_make_one_person() -> None:
    number, card_number = new_number(), new_card_number()
    together = Barrier(4)

    def visit(count: int) -> ProfileId:
        # two name the card first, one has no number: the locks are sorted
        who = person(number=number, cards=(card(card_number),))
        together.wait()
        return receive(replace(who, cards=()) if count == 3 else who)

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(visit, range(4)))
    assert len(found) == 1


def test_a_decision_that_it_is_somebody_else_leaves_the_number_out(session: Session) -> None:
    _, number = known(session)
    who = person(number=number, full_name=OTHER_NAME)
    disputed = match(who)
    stranger = ProfileId(new_public_id())
    assert write(who, stranger, without=disputed.without) is True
    stored = select(ProfileIdentifier).where(ProfileIdentifier.profile_id == stranger)
    assert session.scalars(stored).all() == []


def test_only_the_worker_may_match(session: Session) -> None:
    functions = (
        "SELECT has_function_privilege(:role, 'match_person(text[], text[], text[], text, date,"
        " date, boolean, text[])', 'EXECUTE')"
    )
    allowed = {
        role: session.scalar(text(functions), {"role": role}) for role in ("phr_web", "phr_worker")
    }
    assert allowed == {"phr_web": False, "phr_worker": True}
