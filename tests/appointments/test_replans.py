"""A session at other hours: its new slots are made at once, by its own clinic's desk alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.kit import clock
from tests.appointments.test_schedules import (
    SOON,
    AsWorker,
    a_schedule,
    made_slots,
    post,
    slots_on,
)
from tests.factories.appointments import (
    make_booking,
    make_practitioner,
    make_service,
    make_slot,
    seats_of,
)
from tests.factories.people import SignedIn, make_staff

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def desk(session: Session) -> SignedIn:
    return make_staff(session)


def times_of(answer: Any) -> dict[str, datetime]:
    """What each booking was offered."""
    return {
        one["bookingId"]: datetime.fromisoformat(one["proposedStartsAt"]) for one in answer["moved"]
    }


def test_a_session_at_other_hours_offers_everybody_those_of_the_same_day(
    client: FlaskClient, session: Session, desk: SignedIn, as_worker: AsWorker
) -> None:
    """The new times are there with the answer, not when the worker comes by."""
    body = a_schedule(make_service(session))
    made = post(client, desk, "schedules", body)
    schedule_id = UUID(made.get_json()["id"])
    slots = made_slots(session, as_worker, schedule_id)
    days = (SOON, SOON + timedelta(days=2))
    lost = [slot for on in days for slot in slots_on(slots, on)]
    bookings = [make_booking(session, slot=slot) for slot in lost]
    later = body | {"starts": "13:00", "ends": "14:00"}
    change = {"scheduleId": str(schedule_id), "schedule": later}
    would = post(client, desk, "replans", change | {"preview": True}).get_json()
    answer = post(client, desk, "replans", change).get_json()
    assert answer["unplaced"] == []
    assert times_of(would) == times_of(answer)
    offered = times_of(answer)
    for booking, slot in zip(bookings, lost, strict=True):
        assert offered[str(booking.id)] == slot.starts_at + timedelta(hours=5)
    again = made_slots(session, as_worker, schedule_id)
    assert {slot.starts_at.astimezone(clock.VIETNAM).hour for slot in again} == {8, 13}
    assert [slot for slot in again if slot.starts_at in {one.starts_at for one in lost}] == lost
    for on in days:
        assert [slot.capacity for slot in slots_on(again, on)] == [1] * 4
    assert seats_of(session, slots_on(again, SOON)[2].id) == {1: bookings[0].id}


def at_desk(client: FlaskClient, desk: SignedIn, query: str) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/facilities/99001/bookings?{query}", headers=desk.headers)
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


@pytest.mark.parametrize("closed_by", ["leave", "end"])
def test_who_sits_in_a_closed_time_is_seen_and_moved(
    closed_by: str, client: FlaskClient, session: Session, desk: SignedIn, as_worker: AsWorker
) -> None:
    """However the time was closed: the desk has a list of them, and one action for all."""
    service = make_service(session)
    doctor = make_practitioner(session)
    hours = a_schedule(service) | {"practitionerId": str(doctor.id)}
    schedule = post(client, desk, "schedules", hours).get_json()
    lost = made_slots(session, as_worker, UUID(schedule["id"]))[0]
    on = lost.starts_at.astimezone(clock.VIETNAM).date()
    other = make_slot(session, service=service, starts_in=timedelta(days=90))
    booking = make_booking(session, slot=lost)
    if closed_by == "leave":
        days = {"fromOn": str(on), "untilOn": str(on + timedelta(days=60))}
        leave = {"kind": "closed", "practitionerId": str(doctor.id)} | days
        assert post(client, desk, "exceptions", leave).status_code == 201
    else:
        url = f"/v1/facilities/99001/schedules/{schedule['id']}"
        tag = {"If-Match": client.get(url, headers=desk.headers).headers["ETag"]}
        assert client.delete(url, headers=desk.headers | tag).status_code == 204
    seen = {one["id"]: one["isStranded"] for one in at_desk(client, desk, f"on={on}")}
    assert seen[str(booking.id)] is True
    stranded = [one["id"] for one in at_desk(client, desk, "state=stranded")]
    assert str(booking.id) in stranded
    answer = post(client, desk, "replans", {"scheduleId": schedule["id"]}).get_json()
    assert times_of(answer) == {str(booking.id): other.starts_at}
    assert str(booking.id) not in [one["id"] for one in at_desk(client, desk, "state=stranded")]


def at_the_desk(connection: Connection, desk: str, sql: str, **values: object) -> int:
    """Run SQL as the web's role in a facility's scope; how many rows. Nothing stays."""
    with connection.begin() as transaction:
        scope = text("SELECT set_config('phr.facility_id', :facility, true)")
        connection.execute(scope, {"facility": desk})
        try:
            return connection.execute(text(sql), values).rowcount
        finally:
            transaction.rollback()


MAKE_SLOT = (
    "INSERT INTO slot (id, schedule_id, facility_code, service_id, service_code, starts_at,"
    " ends_at, opens_at, closes_at, capacity, status, created_at, province)"
    " SELECT gen_random_uuid(), schedule_id, :facility, :service, coalesce(:code, service_code),"
    " starts_at + interval '1 year', ends_at + interval '1 year', opens_at, closes_at,"
    " coalesce(:capacity, capacity), status, created_at, coalesce(:province, province)"
    " FROM slot WHERE id = :id"
)
MAKE_SEAT = (
    "INSERT INTO seat (slot_id, seat_no, facility_code)"
    " SELECT id, :number, :facility FROM slot WHERE id = :id"
)


def test_a_desk_closes_and_makes_slots_of_its_own_clinic_alone(
    session: Session, web_connection: Connection
) -> None:
    slot = make_slot(session, capacity=2)
    session.execute(text("DELETE FROM seat WHERE slot_id = :id AND seat_no = 2"), {"id": slot.id})
    session.commit()
    close = "UPDATE slot SET status = 'closed' WHERE id = :id"
    ours: dict[str, object] = {"id": slot.id, "facility": "99001", "service": slot.service_id}
    ours |= {"code": None, "capacity": None, "province": None}
    assert at_the_desk(web_connection, "99001", close, id=slot.id) == 1
    assert at_the_desk(web_connection, "99002", close, id=slot.id) == 0
    assert at_the_desk(web_connection, "99001", MAKE_SLOT, **ours) == 1
    assert at_the_desk(web_connection, "99001", MAKE_SEAT, **ours, number=2) == 1
    other = make_service(session).id
    for desk, sql, values in (
        ("99002", MAKE_SLOT, ours),  # in another clinic's name
        ("99002", MAKE_SLOT, ours | {"facility": "99002"}),  # of another clinic's schedule
        ("99001", MAKE_SLOT, ours | {"service": other}),  # of a service that it is not for
        ("99001", MAKE_SLOT, ours | {"code": "OTHER-CODE"}),  # found under another service
        ("99001", MAKE_SLOT, ours | {"province": "da nang"}),  # found in another province
        ("99001", MAKE_SLOT, ours | {"capacity": 3}),  # of more seats than the schedule gives
        ("99002", MAKE_SEAT, ours | {"facility": "99002", "number": 2}),  # in another's slot
        ("99001", MAKE_SEAT, ours | {"number": 3}),  # beyond the capacity
    ):
        with pytest.raises(DBAPIError, match="row-level security"):
            at_the_desk(web_connection, desk, sql, **values)
    for forbidden in (
        "UPDATE slot SET capacity = 9",
        "DELETE FROM slot",
        "DELETE FROM seat",
        "INSERT INTO seat (slot_id, seat_no, booking_id) SELECT id, 1, id FROM slot",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            at_the_desk(web_connection, "99001", forbidden)
