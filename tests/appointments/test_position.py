"""How far one's own number is, and who is told that their turn is near."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.rules.line import estimate
from phr_api.kit import clock
from phr_api.notifications.models import Notification
from tests.appointments.line import Desk, make_desk
from tests.appointments.test_checkin import book, code_of, scan
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, SignedIn, make_citizen, make_phone

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


def read(client: FlaskClient, citizen: Citizen, booking: Booking) -> Any:
    url = f"/v1/profiles/{citizen.profile.id}/bookings/{booking.id}/queue"
    answer = client.get(url, headers=citizen.headers)
    assert answer.status_code == 200
    return answer.get_json()


def test_the_pace_of_today_counts_before_the_usual_one() -> None:
    at = clock.now()
    assert estimate(at, 2, None, 8) == at + timedelta(minutes=24)
    assert estimate(at, 2, 5.0, 8) == at + timedelta(minutes=15)


def test_a_number_comes_nearer(client: FlaskClient, session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    assert read(client, citizen, booking)["state"] == "expected"
    for _ in range(3):
        desk.give()
    scan(desk, code_of(booking))
    first = read(client, citizen, booking)
    assert (first["label"], first["state"], first["ahead"]) == ("A004", "waiting", 3)
    assert first["calling"] == []
    minutes = (datetime.fromisoformat(first["estimatedAt"]) - clock.now()) / timedelta(minutes=1)
    assert 31 < minutes <= 32
    desk.next("101")
    second = read(client, citizen, booking)
    assert (second["ahead"], second["calling"]) == (2, ["A001"])
    for _ in range(2):
        desk.next("101")
    desk.next("102")
    called = read(client, citizen, booking)
    assert (called["state"], called["room"], called["ahead"]) == ("called", "102", None)
    assert called["estimatedAt"] is None


def test_those_who_go_first_count(client: FlaskClient, session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    scan(desk, code_of(booking))
    assert read(client, citizen, booking)["ahead"] == 0
    desk.give(priority="emergency")
    desk.give()
    assert read(client, citizen, booking)["ahead"] == 1


def test_the_pace_is_measured(client: FlaskClient, session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    for _ in range(5):
        desk.give()
    booking = book(session, desk, citizen)
    scan(desk, code_of(booking))
    for _ in range(4):
        desk.next()
    session.execute(
        text(
            "UPDATE ticket SET called_at = called_at - number * interval '3 minutes'"
            " WHERE queue_id = :id AND called_at IS NOT NULL"
        ),
        {"id": desk.queue.id},
    )
    session.commit()
    shown = read(client, citizen, booking)
    minutes = (datetime.fromisoformat(shown["estimatedAt"]) - clock.now()) / timedelta(minutes=1)
    assert shown["ahead"] == 1
    assert 4 < minutes <= 6.1


def test_the_next_three_are_told_without_names(session: Session, desk: Desk) -> None:
    citizens = [make_citizen(session) for _ in range(5)]
    for citizen in citizens:
        scan(desk, code_of(book(session, desk, citizen)))
    desk.give()
    desk.next()

    def told(citizen: Citizen) -> list[dict[str, str]]:
        query = select(Notification).where(
            Notification.profile_id == citizen.profile.id, Notification.kind == "queue.near"
        )
        return [dict(row.params) for row in session.scalars(query)]

    assert [told(citizen) for citizen in citizens] == [
        [],
        [{"label": "A002", "ahead": "0"}],
        [{"label": "A003", "ahead": "1"}],
        [{"label": "A004", "ahead": "2"}],
        [],
    ]


def test_a_position_is_its_persons(client: FlaskClient, session: Session, desk: Desk) -> None:
    teen, carer = make_citizen(session), make_citizen(session)
    make_carer(session, account=carer.account, child=teen.profile)
    hidden = book(session, desk, teen, classes=["mental"])
    scan(desk, code_of(hidden))
    url = f"/v1/profiles/{teen.profile.id}/bookings/{hidden.id}/queue"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=make_citizen(session).headers).status_code == 404
    assert client.get(url, headers=desk.clerk.headers).status_code in {403, 404}
    assert client.get(url, headers=carer.headers).status_code == 404
    assert client.get(url, headers=teen.headers).status_code == 200


def test_who_comes_no_more_is_not_expected(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    url = f"/v1/profiles/{citizen.profile.id}/bookings/{booking.id}/queue"
    assert client.get(url, headers=citizen.headers).get_json()["state"] == "expected"
    booking.state = "declined"
    session.commit()
    assert client.get(url, headers=citizen.headers).get_json()["state"] == "left"


def test_policies_show_a_ticket_to_its_person_and_its_facility(
    session: Session, desk: Desk, web_connection: Connection
) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen, classes=["mental"])
    scan(desk, code_of(booking))

    def seen(**settings: str) -> int:
        names = ("profile_id", "classes", "facility_id", "account_id")
        for name in names:
            sql = "SELECT set_config('phr.' || :name, :value, false)"
            web_connection.execute(text(sql), {"name": name, "value": settings.get(name, "")})
        count = web_connection.scalar(
            text("SELECT count(*) FROM ticket WHERE booking_id = :id"), {"id": booking.id}
        )
        return int(count or 0)

    person = str(citizen.profile.id)
    assert seen() == 0
    assert seen(profile_id=person, classes="mental") == 1
    assert seen(profile_id=person, classes="hiv") == 0
    assert seen(profile_id=str(make_citizen(session).profile.id), classes="mental") == 0
    assert seen(account_id=str(citizen.account.id)) == 0
    assert seen(facility_id="99001") == 1
    assert seen(facility_id="99002") == 0
    changed = web_connection.execute(
        text("UPDATE ticket SET state = 'left' WHERE booking_id = :id"), {"id": booking.id}
    )
    assert changed.rowcount == 0
    web_connection.rollback()


def test_a_phone_follows_its_own_number(client: FlaskClient, session: Session, desk: Desk) -> None:
    phone, other = make_phone(session), make_phone(session)
    booking = book(session, desk)
    row = session.get_one(Booking, booking.id)
    row.profile_id, row.account_id, row.via_phone = None, phone.account.id, True
    session.commit()
    desk.give()
    scan(desk, code_of(booking))

    def ask(who: SignedIn, what: str) -> Any:
        url = f"/v1/me/phone-bookings/{booking.id}/{what}"
        return client.get(url, headers=who.headers)

    shown = ask(phone, "queue").get_json()
    assert (shown["label"], shown["ahead"]) == ("A002", 1)
    assert ask(phone, "calendar.ics").text.startswith("BEGIN:VCALENDAR")
    for what in ("queue", "calendar.ics"):
        assert ask(other, what).status_code == 404
        assert ask(make_citizen(session), what).status_code == 403
    desk.next()
    told = session.scalars(
        select(Notification).where(Notification.account_id == phone.account.id)
    ).all()
    assert [(one.kind, one.via_phone, one.profile_id) for one in told] == [
        ("queue.near", True, None)
    ]
