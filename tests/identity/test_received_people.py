"""What is kept of a person in a hospital's file: filled, followed, never overwritten."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.identity import ReceivedAddress
from phr_api.identity.models import Coverage, Profile, ProfileAddress, ProfileIdentifier
from phr_api.vocab import PartialDate, Sex
from tests.factories.people import BIRTH, NAME, new_number
from tests.identity.received import card, new_card_number, person, receive, write

pytestmark = pytest.mark.usefixtures("worker_process")


def test_what_the_file_says_is_kept(session: Session) -> None:
    number, card_number = new_number(), new_card_number()
    who = person(
        number=number,
        cards=(card(card_number),),
        phone="+84900000000",
        blood_group="O+",
        address=ReceivedAddress(
            line="Số 1 Đường Thử",
            scheme="two-level",
            province_code="01",
            district_code=None,
            commune_code="00001",
        ),
    )
    made = receive(who)

    profile = session.get_one(Profile, made)
    assert (profile.full_name, profile.birth, profile.sex) == (NAME, BIRTH, "female")
    assert (profile.phone, profile.blood_group) == ("+84900000000", "O+")
    identifiers = session.execute(
        select(ProfileIdentifier.system, ProfileIdentifier.value, ProfileIdentifier.assurance)
        .where(ProfileIdentifier.profile_id == made)
        .order_by(ProfileIdentifier.system)
    ).all()
    assert identifiers == [
        ("bhxh", card_number, "received"),
        ("bhyt-card", f"GD401{card_number}", "received"),
        ("citizen-id", number, "received"),
    ]
    address = session.scalars(select(ProfileAddress).where(ProfileAddress.profile_id == made)).one()
    assert (address.scheme, address.list_version) == ("two-level", "2025-07-01")
    insured = session.scalars(select(Coverage).where(Coverage.profile_id == made)).one()
    assert insured.card_number == f"GD401{card_number}"
    assert insured.valid_until == date(2026, 12, 31)


def test_the_same_again_writes_nothing_and_moves_no_version(session: Session) -> None:
    who = person(number=new_number(), cards=(card(new_card_number()),), phone="+84900000000")
    made = receive(who)
    version = text("SELECT version FROM record WHERE profile_id = :id")
    before = session.scalar(version, {"id": made})
    assert before is not None
    session.rollback()
    assert write(who, made) is False
    assert session.scalar(version, {"id": made}) == before


def test_what_was_empty_is_filled_and_nothing_is_overwritten(session: Session) -> None:
    first = person(number=new_number(), birth="1990", sex=Sex.UNKNOWN)
    made = receive(first)
    fuller = replace(first, birth=PartialDate.parse(BIRTH), sex=Sex.FEMALE, phone="+84900000000")
    assert write(fuller, made) is True
    assert write(replace(first, phone="+84900000001"), made) is False
    profile = session.get_one(Profile, made)
    assert (profile.birth, profile.sex, profile.phone) == (BIRTH, "female", "+84900000000")
    assert profile.birth_earliest == profile.birth_latest == date(1990, 2, 28)


def test_a_card_with_other_dates_follows_the_one_before_it(session: Session) -> None:
    number = new_card_number()
    who = person(number=new_number(), cards=(card(number),))
    made = receive(who)
    prolonged = card(number, valid_until=date(2027, 12, 31))
    assert write(replace(who, cards=(prolonged,)), made) is True
    rows = session.execute(
        select(Coverage.valid_until, Coverage.ended_at.is_(None))
        .where(Coverage.profile_id == made)
        .order_by(Coverage.id)
    ).all()
    assert rows == [(date(2026, 12, 31), False), (date(2027, 12, 31), True)]


def test_an_address_that_changed_ends_and_the_other_scheme_stays(session: Session) -> None:
    old = ReceivedAddress(
        line="Số 1",
        scheme="three-level",
        province_code="01",
        district_code="001",
        commune_code="00001",
    )
    new = replace(old, scheme="two-level", district_code=None)
    who = person(number=new_number(), address=old)
    made = receive(who)
    write(replace(who, address=new), made)
    write(replace(who, address=replace(new, line="Số 2")), made)
    rows = session.execute(
        select(ProfileAddress.scheme, ProfileAddress.line, ProfileAddress.ended_at.is_(None))
        .where(ProfileAddress.profile_id == made)
        .order_by(ProfileAddress.id)
    ).all()
    assert rows == [
        ("three-level", "Số 1", True),
        ("two-level", "Số 1", False),
        ("two-level", "Số 2", True),
    ]
