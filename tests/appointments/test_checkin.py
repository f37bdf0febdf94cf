"""People arrive by code, card or list; a card finds today's booking here and nothing else (R27)."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.appointments import take_seat
from phr_api.appointments.models import Booking, BookingDue, BookingEvent
from phr_api.appointments.routes.checkin import SCANS
from phr_api.appointments.rules.scans import BookingCode, CardText, read_scan
from phr_api.kit import clock, limits
from tests.appointments.line import Desk, make_desk
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.people import (
    BIRTH,
    NAME,
    Citizen,
    make_citizen,
    make_staff,
)

pytestmark = pytest.mark.usefixtures("noon")

NOBODYS = "001190100088"  # never one of `new_number`
STREET = "Số 7 Ngõ Không Có Thật"


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


def soon() -> datetime:
    """A moment of today, in the hour to come where there is one."""
    now = clock.now().astimezone(clock.VIETNAM)
    return min(now + timedelta(hours=1), now.replace(hour=23, minute=59, second=0, microsecond=0))


def book(session: Session, desk: Desk, citizen: Citizen | None = None, **columns: Any) -> Booking:
    """A booking of today, at the desk's line."""
    service = make_service(session, facility_code=desk.queue.facility_code, queue=desk.queue)
    starts = columns.pop("starts_at", None) or soon()
    slot = make_slot(session, service=service, starts_at=starts)
    return make_booking(session, citizen=citizen, slot=slot, **columns)


def code_of(booking: Booking) -> str:
    return f"PHRB1.{booking.id}.{booking.qr_secret}"


def card_of(number: str, name: str = NAME, birth: str = BIRTH) -> str:
    year, month, day = birth.split("-")
    return f"{number}||{name}|{day}{month}{year}|Nữ|{STREET}|01012022"


def number_of(session: Session, citizen: Citizen) -> str:
    sql = text("SELECT value FROM profile_identifier WHERE profile_id = :id")
    return str(session.scalar(sql, {"id": citizen.profile.id}))


def scan(desk: Desk, code: str, **more: Any) -> TestResponse:
    return desk.post("/check-ins", {"scan": code} | more)


def state_of(session: Session, booking: Booking) -> str:
    return str(session.scalar(select(Booking.state).where(Booking.id == booking.id)))


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["type"].removeprefix("/problems/")


NOTHING = (404, "appointments/nothing-today")


def test_scans_are_read() -> None:
    booking_id = uuid4()
    assert read_scan(f"PHRB1.{booking_id}.abc.d\n") == BookingCode(booking_id, "abc.d")
    card = CardText("001190000001", "nguyễn thị thử", "1990-02-28")
    line = "001190000001|012345678|Nguyễn Thị  Thử|28021990|Nữ|Hà Nội|01012022"
    assert read_scan(line) == card
    assert read_scan(f"{line}||Cha|Mẹ\r\n") == card  # newer cards say more
    for wrong in ("", "x", "PHRB1.", "PHRB1.x.y", f"PHRB1.{booking_id}.", "a|b|c|d|e|f|g"):
        assert read_scan(wrong) is None
    assert read_scan(line.replace("28021990", "31021990")) is None
    assert read_scan(line.rpartition("|")[0]) is None
    assert "001190000001" not in repr(card)
    assert "Nguyễn".lower() not in repr(card)


def test_the_bookings_code_gives_a_number(session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    booking = book(session, desk, citizen)
    answer = scan(desk, code_of(booking))
    assert answer.status_code == 201
    ticket = answer.get_json()
    assert (ticket["label"], ticket["source"], ticket["state"]) == ("A001", "qr", "waiting")
    assert (ticket["bookingId"], ticket["personName"]) == (str(booking.id), NAME)
    assert state_of(session, booking) == "arrived"
    event = session.scalars(select(BookingEvent).where(BookingEvent.booking_id == booking.id)).one()
    assert (event.what, event.actor_name) == ("arrived", "Nhân viên thử")
    seen = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id"
        ),
        {"id": citizen.profile.id},
    ).all()
    assert seen == ["booking.check-in"]


def test_a_second_scan_shows_the_same_number(session: Session, desk: Desk) -> None:
    booking = book(session, desk)
    first = scan(desk, code_of(booking))
    again = scan(desk, code_of(booking))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()


def test_the_same_key_answers_the_same(session: Session, desk: Desk) -> None:
    body, key = {"scan": code_of(book(session, desk))}, {"Idempotency-Key": uuid4().hex}
    answers = [desk.post("/check-ins", body, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()


def test_coming_confirms_a_request(session: Session, desk: Desk) -> None:
    booking = book(session, desk, state="requested")
    assert scan(desk, code_of(booking)).status_code == 201
    assert state_of(session, booking) == "arrived"


def test_coming_ends_a_proposal_and_what_was_to_be_reminded(session: Session, desk: Desk) -> None:
    booking = book(session, desk)
    other = make_slot(session, starts_in=timedelta(days=3))
    seat = take_seat(session, other.id, booking.id, profile_id=None, account_id=None)
    row = session.get_one(Booking, booking.id)
    row.proposed_slot_id, row.proposed_seat_no, row.proposal_by = other.id, seat, "clinic"
    row.proposed_starts_at, row.proposed_ends_at = other.starts_at, other.ends_at
    row.proposal_until = clock.now() + timedelta(minutes=30)
    session.add(BookingDue(booking_id=booking.id, what="remind-2h", due_at=clock.now()))
    session.commit()
    assert scan(desk, code_of(booking)).status_code == 201
    session.rollback()
    assert seats_of(session, other.id) == {1: None}
    assert booking.slot_id is not None
    assert seats_of(session, booking.slot_id) == {1: booking.id}
    due = select(BookingDue.what).where(BookingDue.booking_id == booking.id)
    assert session.scalars(due).all() == []
    proposed = session.scalar(select(Booking.proposed_slot_id).where(Booking.id == booking.id))
    assert proposed is None


def test_a_code_of_another_day_place_or_secret_finds_nothing(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    booking = book(session, desk)
    elsewhere = make_desk(client, session, facility_code="99002")
    tomorrow = book(session, desk, starts_at=clock.now() + timedelta(days=2))
    gone = book(session, desk, state="cancelled")
    missed = book(session, desk, starts_at=clock.now() - timedelta(days=1))
    assert refusal(scan(desk, code_of(missed))) == NOTHING
    assert refusal(desk.post("/check-ins", {"bookingId": str(missed.id)})) == NOTHING
    assert refusal(scan(elsewhere, code_of(booking))) == NOTHING
    assert refusal(scan(desk, code_of(tomorrow))) == NOTHING
    assert refusal(scan(desk, code_of(gone))) == NOTHING
    assert refusal(scan(desk, f"PHRB1.{booking.id}.guessed")) == NOTHING
    assert refusal(scan(desk, f"PHRB1.{uuid4()}.guessed")) == NOTHING
    assert state_of(session, booking) == "confirmed"


def test_what_is_no_code_is_said_to_be_none(desk: Desk) -> None:
    assert refusal(scan(desk, "8934567890123")) == (422, "appointments/scan-unreadable")
    assert desk.post("/check-ins", {}).status_code == 422
    both = {"scan": "x", "bookingId": str(uuid4())}
    assert desk.post("/check-ins", both).status_code == 422
    assert refusal(desk.post("/check-ins", {"bookingId": str(uuid4())})) == NOTHING


def test_the_line_is_the_services_or_the_one_that_is_named(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    other = Desk(client, desk.clerk, make_desk(client, session).queue)
    booking = book(session, desk)
    named = scan(desk, code_of(booking), queueId=str(other.queue.id))
    assert named.get_json()["queueId"] == str(other.queue.id)
    bare = make_booking(session, slot=make_slot(session, starts_at=soon()))
    unclear = scan(desk, code_of(bare))
    assert unclear.status_code == 422
    assert state_of(session, bare) == "confirmed"


def test_a_booked_person_in_time_goes_before_who_came_later(session: Session, desk: Desk) -> None:
    desk.give()
    booking = book(session, desk, starts_at=clock.now())
    row = session.get_one(Booking, booking.id)
    row.starts_at = clock.now() - timedelta(minutes=5)
    session.commit()
    for _ in range(2):
        desk.give()
    sql = "UPDATE ticket SET created_at = created_at - interval '10 minutes' WHERE queue_id = :id"
    session.execute(text(f"{sql} AND number = 1"), {"id": desk.queue.id})
    session.commit()
    assert scan(desk, code_of(booking)).get_json()["label"] == "A004"
    assert [desk.next()["label"] for _ in range(4)] == ["A001", "A004", "A002", "A003"]


def test_the_booking_follows_its_number(session: Session, desk: Desk) -> None:
    booking = book(session, desk)
    scan(desk, code_of(booking))
    inside = desk.act("start", desk.next()).get_json()
    assert state_of(session, booking) == "in-room"
    session.rollback()
    assert desk.act("done", inside).status_code == 200
    assert state_of(session, booking) == "done"


def test_only_the_desk_checks_in(client: FlaskClient, session: Session, desk: Desk) -> None:
    body = {"scan": code_of(book(session, desk))}
    url = f"{desk.facility}/check-ins"

    def status(headers: dict[str, str]) -> int:
        sent = headers | {"Idempotency-Key": uuid4().hex}
        return client.post(url, json=body, headers=sent).status_code

    assert status({}) == 401
    assert status(make_citizen(session).headers) == 404
    assert status(make_staff(session, facility_code="99002").headers) == 404
    for role in ("doctor", "viewer"):
        assert status(make_staff(session, role=role).headers) == 403
    assert client.post(url, json=body, headers=desk.clerk.headers).status_code == 400


def test_scans_are_limited_per_clerk(client: FlaskClient, session: Session, desk: Desk) -> None:
    with clock.moved(timedelta(hours=1)):  # the share of an hour to come is used: none is left now
        limits.take((SCANS, desk.clerk.account.id))
    assert scan(desk, "không phải mã").status_code == 429
    assert scan(make_desk(client, session), "không phải mã").status_code == 422
    booking = book(session, desk)  # the list is not a scan
    assert desk.post("/check-ins", {"bookingId": str(booking.id)}).status_code == 201
    assert (SCANS.count, SCANS.per) == (60, timedelta(minutes=1))


def test_two_clerks_at_once_give_one_number(app: Flask, session: Session, desk: Desk) -> None:
    booking = book(session, desk)

    def one() -> tuple[int, str]:
        answer = scan(Desk(app.test_client(), desk.clerk, desk.queue), code_of(booking))
        return answer.status_code, str(answer.get_json().get("label"))

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(copy_context().run, one) for _ in range(4)]  # with the test's clock
    answers = sorted(each.result() for each in asked)
    assert answers == [(200, "A001")] * 3 + [(201, "A001")]
