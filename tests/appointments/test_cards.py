"""A citizen card finds today's booking here and nothing else; its text stays nowhere (R27)."""

import logging
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Guest
from phr_api.kit import clock
from phr_api.kit.embedded import EmbeddedServer
from phr_api.kit.ids import new_row_id
from phr_api.vocab import search_key
from tests.appointments.line import Desk, make_desk
from tests.appointments.test_checkin import (
    NOBODYS,
    NOTHING,
    STREET,
    book,
    card_of,
    number_of,
    refusal,
    scan,
    soon,
    state_of,
)
from tests.factories.people import (
    FACILITY,
    SignedIn,
    make_citizen,
    make_profile,
    make_staff,
    new_number,
)


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


def test_a_card_finds_todays_booking_by_its_number(session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    answer = scan(desk, card_of(number_of(session, citizen), name="Tên Viết Khác"))
    assert answer.status_code == 201
    assert answer.get_json()["bookingId"] == str(booking.id)
    assert answer.get_json()["source"] == "card"


def test_a_card_finds_by_name_and_birth_where_no_number_does(session: Session, desk: Desk) -> None:
    name = f"Đặng Thị {uuid4().hex[:6]}"
    profile = make_profile(session, full_name=name, birth="1988-07-09", numbers=[])
    booking = book(session, desk, make_citizen(session, profile=profile))
    wrong = scan(desk, card_of(NOBODYS, name=name, birth="1988-07-10"))
    assert refusal(wrong) == NOTHING
    answer = scan(desk, card_of(NOBODYS, name=name.upper(), birth="1988-07-09"))
    assert answer.get_json()["bookingId"] == str(booking.id)


def test_a_guests_booking_is_found_by_the_card_too(session: Session, desk: Desk) -> None:
    name = f"Phạm Văn {uuid4().hex[:6]}"
    guest = Guest(
        id=new_row_id(),
        facility_code=FACILITY,
        full_name=name,
        search_key=search_key(name),
        birth="1940-05-06",
        created_by=desk.clerk.account.id,
        created_at=clock.now(),
    )
    session.add(guest)
    session.commit()
    booking = book(session, desk)
    row = session.get_one(Booking, booking.id)
    row.profile_id, row.account_id, row.guest_id = None, None, guest.id
    row.person_name = row.person_birth = None
    session.commit()
    answer = scan(desk, card_of(NOBODYS, name=name, birth="1940-05-06"))
    ticket = answer.get_json()
    assert (ticket["bookingId"], ticket["personName"]) == (str(booking.id), name)
    assert ticket["priority"] == "aged-75"
    assert desk.labels() == ["A001"]


def test_a_card_that_fits_several_is_answered_with_them(session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    early = book(session, desk, citizen, starts_at=soon() - timedelta(minutes=30))
    late = book(session, desk, citizen)
    answer = scan(desk, card_of(number_of(session, citizen)))
    assert answer.status_code == 200
    found = answer.get_json()["candidates"]
    assert [one["bookingId"] for one in found] == [str(early.id), str(late.id)]
    assert found[0]["serviceName"] == "Khám thử"
    assert state_of(session, early) == "confirmed"
    chosen = desk.post("/check-ins", {"bookingId": str(late.id)})
    assert (chosen.status_code, chosen.get_json()["source"]) == (201, "desk")


def test_a_declared_number_finds_nobody(session: Session, desk: Desk) -> None:
    number = new_number()
    profile = make_profile(
        session, full_name="Võ Thị Khai", numbers=[("citizen-id", number, "declared")]
    )
    book(session, desk, make_citizen(session, profile=profile))
    assert refusal(scan(desk, card_of(number, name="Người Khác Hẳn"))) == NOTHING


def test_a_card_opens_no_record_and_finds_no_other_day(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    name = f"Hồ Thị {uuid4().hex[:6]}"
    citizen = make_citizen(session, profile=make_profile(session, full_name=name))
    book(session, desk, citizen, starts_at=clock.now() + timedelta(days=2))
    elsewhere = make_desk(client, session, facility_code="99002")
    book(session, elsewhere, citizen)
    card = card_of(number_of(session, citizen), name=name)
    assert refusal(scan(desk, card)) == NOTHING
    unknown = card_of(NOBODYS, name="Không Ai Cả")
    assert scan(desk, unknown).get_json() == scan(desk, card).get_json()
    assert scan(elsewhere, card).status_code == 201


def test_the_cards_text_is_neither_kept_nor_logged(
    session: Session,
    desk: Desk,
    cluster: EmbeddedServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    citizen = make_citizen(session)
    book(session, desk, citizen)
    with caplog.at_level(logging.DEBUG):
        assert scan(desk, card_of(number_of(session, citizen))).status_code == 201
        assert scan(desk, card_of(NOBODYS)).status_code in {200, 201, 404}
    assert STREET not in caplog.text + cluster.log_path.read_text(encoding="utf-8")
    assert NOBODYS not in caplog.text
    tables = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ).all()
    for table in tables:
        sql = text(f"SELECT count(*) FROM {table} t WHERE t\\:\\:text LIKE ANY (:texts)")  # noqa: S608
        found = session.scalar(sql, {"texts": [f"%{STREET}%", f"%{NOBODYS}%"]})
        assert (table, found) == (table, 0)


def test_the_look_by_number_answers_its_own_desk_alone(
    session: Session, desk: Desk, web_connection: Connection
) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    number, at = number_of(session, citizen), clock.now()

    def look(who: SignedIn, facility: str, hours: int = 24) -> list[Any]:
        since = booking.starts_at - timedelta(hours=1)
        values = {
            "account": who.account.id,
            "session": who.session.id,
            "facility": facility,
            "number": number,
            "since": since,
            "until": since + timedelta(hours=hours),
            "at": at,
        }
        sql = "SELECT find_todays(:account, :session, :facility, :number, :since, :until, :at)"
        return list(web_connection.scalars(text(sql), values))

    assert look(desk.clerk, FACILITY) == [booking.id]
    assert look(desk.clerk, FACILITY, hours=25) == []  # a day, not a history
    assert look(desk.clerk, "99002") == []
    for other in (
        make_staff(session, role="doctor"),
        make_staff(session, facility_code="99002"),
        make_staff(session, has_second_factor=False),
        citizen,
    ):
        assert look(other, FACILITY) == []
