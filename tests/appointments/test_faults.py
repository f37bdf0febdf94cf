"""Faults that bookings survive: two at once, answers lost, clocks wrong, schedules changed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from phr_api.appointments.models import Booking, Schedule, Seat, Slot
from phr_api.appointments.service.lapsing import lapse_holds
from phr_api.appointments.service.slots import make_slots
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import act, book, booked, hold, later, slug
from tests.factories.appointments import make_schedule, make_service, make_slot, seats_of
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, bearer, make_citizen, make_profile, make_staff

T = TypeVar("T")
Bound = Callable[[], AbstractContextManager[None]]
TAKEN = {"requested", "confirmed"}


def at_once(*works: Callable[[], T]) -> list[T]:
    """What each returns, when all begin at the same moment."""
    gate = Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [each.result() for each in [threads.submit(begin, work) for work in works]]


@pytest.mark.parametrize("minutes_apart", [0, 5, 60])
def test_two_carers_at_once_get_one_time_for_one_child(
    app: Flask, session: Session, minutes_apart: int
) -> None:
    child, service = make_profile(session, birth="2021-01-01"), make_service(session)
    parents = [make_citizen(session) for _ in range(2)]
    for parent in parents:
        make_carer(session, account=parent.account, child=child)
    first = make_slot(session, service=service, capacity=2)
    starts = first.starts_at + timedelta(minutes=minutes_apart)
    slots = (first, make_slot(session, service=service, starts_at=starts, capacity=2))

    def go(parent: Citizen, slot: Slot) -> tuple[int, str]:
        with app.test_client() as client:
            held = hold(client, parent, slot, [child.id])
            if held.status_code == 201:
                return book(client, parent, held.get_json()).status_code, ""
            return held.status_code, slug(held)

    pairs = zip(parents, slots, strict=True)
    told = at_once(*(partial(go, parent, slot) for parent, slot in pairs))
    seats = [each for slot in slots for each in seats_of(session, slot.id).values() if each]
    states = session.scalars(select(Booking.state).where(Booking.profile_id == child.id)).all()
    assert len(seats) == len(states) == [status for status, _ in told].count(201)
    assert set(states) <= TAKEN
    refused = {why for _, why in told if why}
    # the second may come after the first has booked: then another hour is another booking
    assert refused <= {"appointments/hold-exists", "appointments/overlapping"}
    assert len(seats) == 1 or minutes_apart == 60


def test_one_key_sent_twice_at_once_holds_once(app: Flask, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session, capacity=4)

    def go() -> tuple[int, Any]:
        with app.test_client() as client:
            held = hold(client, citizen, slot, [citizen.profile.id], name="one")
            return held.status_code, held.get_json()

    told = at_once(*[go] * 4)
    held = {body["id"] for status, body in told if status == 201}
    assert len(held) == 1
    assert {body["type"] for status, body in told if status != 201} <= {
        "/problems/request-in-progress"
    }
    assert len([each for each in seats_of(session, slot.id).values() if each]) == 1


def test_a_booking_whose_answer_was_lost_is_found_two_days_later(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    citizen, desk = make_citizen(session), make_staff(session)
    slot = make_slot(session, starts_in=timedelta(days=5))
    held = hold(client, citizen, slot, [citizen.profile.id], name="hold").get_json()
    book(client, citizen, held, name="book")  # the answer never comes
    booking_id = held["bookings"][0]["id"]
    path = f"/v1/facilities/99001/bookings/{booking_id}"
    assert act(client, path, "confirmation", desk).status_code == 200
    with clock.moved(timedelta(days=2)):
        with as_worker(), unit_of_work() as work:
            lapse_holds(work, clock.now())
        again = hold(client, later(citizen), slot, [citizen.profile.id], name="hold")
        assert again.status_code == 201
        assert (again.get_json()["id"], again.get_json()["isBooked"]) == (held["id"], True)
        retried = book(client, later(citizen), again.get_json(), name="book")
    assert retried.status_code == 201
    (one,) = retried.get_json()["items"]
    assert (one["id"], one["state"]) == (booking_id, "confirmed")  # as it is now
    assert seats_of(session, slot.id) == {1: UUID(booking_id)}
    count = select(func.count()).where(Booking.profile_id == citizen.profile.id)
    assert session.scalar(count) == 1


def test_a_hold_whose_answer_was_lost_is_over_two_days_later(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    citizen, slot = make_citizen(session), make_slot(session, starts_in=timedelta(days=5))
    hold(client, citizen, slot, [citizen.profile.id], name="hold")  # the answer never comes
    with clock.moved(timedelta(days=2)):
        with as_worker(), unit_of_work() as work:
            lapse_holds(work, clock.now())
        again = hold(client, later(citizen), slot, [citizen.profile.id], name="hold").get_json()
        assert (again["isOver"], again["isBooked"], again["bookings"]) == (True, False, [])
        anew = hold(client, later(citizen), slot, [citizen.profile.id], name="anew").get_json()
        assert book(client, later(citizen), anew).status_code == 201
    assert seats_of(session, slot.id) == {1: UUID(anew["bookings"][0]["id"])}


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_phones_wrong_clock_changes_nothing(
    client: FlaskClient, session: Session, days: int
) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    wrong = {"Date": http_date(clock.now() + timedelta(days=days))}
    phone = replace(citizen, headers=citizen.headers | wrong)
    before = clock.now()
    held = hold(client, phone, slot, [citizen.profile.id]).get_json()
    ends = datetime.fromisoformat(held["expiresAt"])
    assert before <= ends - timedelta(minutes=10) <= clock.now()
    with clock.moved(timedelta(minutes=11)):  # whatever time the phone thinks it is
        phone = replace(phone, headers=bearer(citizen.principal) | wrong)
        late = book(client, phone, held)
        assert slug(late) == "appointments/hold-expired"
        assert booked(client, later(citizen), slot)["state"] == "requested"


def work_at_once(engines: dict[str, Engine], workers: int) -> None:
    """That many workers make slots, until none finds a schedule that is due."""

    def work() -> None:
        is_due = True
        while is_due:
            with Session(engines["phr_worker"]) as session, session.begin():
                is_due = make_slots(session, clock.now())

    at_once(*[work] * workers)


def make_due(session: Session, schedule: Schedule) -> None:
    session.expire_all()
    schedule.due_at = clock.now()
    session.commit()


def slots_of(session: Session, schedule: Schedule) -> list[UUID]:
    query = select(Slot.id).where(Slot.schedule_id == schedule.id).order_by(Slot.starts_at)
    return list(session.scalars(query))


def test_slots_released_twice_are_there_once(
    client: FlaskClient, session: Session, engines: dict[str, Engine]
) -> None:
    schedule = make_schedule(session, capacity=2, due_at=clock.now(), slot_minutes=60)
    other = make_schedule(session, capacity=2, due_at=clock.now(), slot_minutes=60)
    work_at_once(engines, 3)
    once, others = slots_of(session, schedule), slots_of(session, other)
    assert len(once) == len(others) > 0
    slot = session.get_one(Slot, once[20])
    one = booked(client, make_citizen(session), slot)
    for _ in range(2):
        make_due(session, schedule)
        make_due(session, other)
        work_at_once(engines, 3)
    assert (slots_of(session, schedule), slots_of(session, other)) == (once, others)
    assert seats_of(session, slot.id) == {1: UUID(one["id"]), 2: None}
    seats = select(func.count()).where(Seat.slot_id.in_([*once, *others]))
    assert session.scalar(seats) == 2 * len([*once, *others])


def test_a_schedule_changed_in_a_rush_loses_no_booking(
    app: Flask, session: Session, engines: dict[str, Engine]
) -> None:
    schedule = make_schedule(session, capacity=4, due_at=clock.now(), slot_minutes=60)
    work_at_once(engines, 1)
    people = [make_citizen(session) for _ in range(6)]
    slot = session.get_one(Slot, slots_of(session, schedule)[20])
    desk = make_staff(session)

    def change() -> str:
        """The hours move to the night, one seat each: every slot falls away."""
        with app.test_client() as client:
            url = f"/v1/facilities/99001/schedules/{schedule.id}"
            read = client.get(url, headers=desk.headers)
            body = {
                "serviceId": str(schedule.service_id),
                "name": "Tối",
                "pattern": "weekly",
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "starts": "18:00",
                "ends": "20:00",
                "slotMinutes": 30,
                "capacity": 1,
                "validFrom": str(clock.today()),
            }
            match = {"If-Match": read.headers["ETag"]}
            changed = client.put(url, json=body, headers=desk.headers | match)
            assert changed.status_code == 200, changed.get_json()
            work_at_once(engines, 2)
            return ""

    def go(who: Citizen) -> str:
        with app.test_client() as client:
            held = hold(client, who, slot, [who.profile.id])
            if held.status_code != 201:
                assert slug(held) in {"appointments/slot-full", "appointments/slot-not-open"}
                return ""
            made = book(client, who, held.get_json())
            if made.status_code != 201:
                assert slug(made) == "appointments/slot-not-open"
                path = f"/v1/holds/{held.get_json()['id']}"
                assert client.delete(path, headers=who.headers).status_code == 204
                return ""
            return str(made.get_json()["items"][0]["id"])

    acknowledged = {one for one in at_once(*(partial(go, who) for who in people), change) if one}
    session.expire_all()
    seats = seats_of(session, slot.id)
    assert {str(each) for each in seats.values() if each} == acknowledged
    states = session.scalars(select(Booking.state).where(Booking.slot_id == slot.id)).all()
    assert list(states) == ["requested"] * len(acknowledged)
    with app.test_client() as client:
        late = make_citizen(session)
        refused = hold(client, late, slot, [late.profile.id])
        assert refused.status_code in ({409} if acknowledged else {404, 409})
