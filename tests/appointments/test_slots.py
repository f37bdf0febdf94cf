"""Slots are made of schedules, again and again, and shown with what is left."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import NullPool, create_engine, select, text, update
from sqlalchemy.orm import Session

from phr_api.appointments import take_seat, work_once
from phr_api.appointments.models import Schedule, ScheduleException, Slot
from phr_api.appointments.queries.checks import Differences, find_differences
from phr_api.appointments.service.checking import check_seats
from phr_api.appointments.service.slots import make_slots, trim
from phr_api.clinics.models import ClinicService, Holiday
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.embedded import EmbeddedServer
from phr_api.kit.ids import new_row_id
from tests.factories.appointments import (
    make_booking,
    make_facility,
    make_schedule,
    make_service,
    make_slot,
    seats_of,
)

pytestmark = pytest.mark.usefixtures("app")

AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def make(session: Session, as_worker: AsWorker) -> Callable[[Schedule], list[Slot]]:
    """Let the worker make this schedule's slots now; returns those that there are then."""

    def made(schedule: Schedule) -> list[Slot]:
        due_at = clock.now() - timedelta(days=400)  # before what other tests left
        session.execute(update(Schedule).where(Schedule.id == schedule.id).values(due_at=due_at))
        session.commit()
        with as_worker(), unit_of_work() as own:
            assert make_slots(own, clock.now())
        session.expire_all()
        query = select(Slot).where(Slot.schedule_id == schedule.id).order_by(Slot.starts_at)
        return list(session.scalars(query))

    return made


def a_schedule(session: Session, **columns: Any) -> Schedule:
    """One hour a day, of two slots with two seats."""
    plain: dict[str, Any] = {"starts": time(8), "ends": time(9), "slot_minutes": 30, "capacity": 2}
    return make_schedule(session, **plain | {"service": make_service(session)} | columns)


def change(session: Session, schedule: Schedule, **columns: Any) -> None:
    row = session.get_one(Schedule, schedule.id)
    for name, value in columns.items():
        setattr(row, name, value)
    session.commit()


def day_of(slot: Slot) -> date:
    return slot.starts_at.astimezone(clock.VIETNAM).date()


def close_day(session: Session, facility_code: str, on: date, **whose: UUID) -> None:
    session.add(
        ScheduleException(
            id=new_row_id(),
            facility_code=facility_code,
            kind="closed",
            from_on=on,
            until_on=on,
            created_at=clock.now(),
            **whose,
        )
    )
    session.commit()


def test_slots_and_their_seats_are_made_to_the_horizon(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session, release_days=30)
    slots = make(schedule)
    assert len({day_of(slot) for slot in slots}) in {44, 45}  # today's may be over
    assert day_of(slots[-1]) == clock.today() + timedelta(days=44)
    assert all(list(seats_of(session, slot.id)) == [1, 2] for slot in (slots[0], slots[-1]))
    assert slots[0].province == "ha noi"
    row = session.get_one(Schedule, schedule.id)
    assert row.made_until == clock.today() + timedelta(days=44)
    assert row.due_at.astimezone(clock.VIETNAM).date() == clock.today() + timedelta(days=1)
    assert row.version == 1  # what the worker notes is no change of the desk's


def test_released_twice_nothing_changes(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session)
    first = [(slot.id, slot.starts_at) for slot in make(schedule)]
    assert [(slot.id, slot.starts_at) for slot in make(schedule)] == first
    count = "SELECT count(*) FROM seat s JOIN slot l ON l.id = s.slot_id"
    count += " WHERE l.schedule_id = :schedule"
    assert session.scalar(text(count), {"schedule": schedule.id}) == 2 * len(first)


def test_the_next_day_brings_one_day_more(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session)
    last = day_of(make(schedule)[-1])
    with clock.moved(timedelta(days=1)):
        assert day_of(make(schedule)[-1]) == last + timedelta(days=1)


def test_more_capacity_is_more_seats_and_less_never_takes_a_taken_one(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session, capacity=3)
    slot = make(schedule)[-1]
    bookings = [make_booking(session, slot=slot) for _ in range(3)]
    change(session, schedule, capacity=4)
    make(schedule)
    assert sorted(seats_of(session, slot.id)) == [1, 2, 3, 4]
    change(session, schedule, capacity=1)
    other = make(schedule)[-2]
    assert sorted(seats_of(session, slot.id)) == [1, 2, 3]
    assert list(seats_of(session, other.id)) == [1]
    session.execute(
        text("SELECT free_seat(:slot, 3, :booking)"), {"slot": slot.id, "booking": bookings[2].id}
    )
    session.commit()
    make(schedule)
    assert sorted(seats_of(session, slot.id)) == [1, 2]


def test_a_changed_schedule_drops_free_slots_and_closes_those_with_people(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session)
    slots = make(schedule)
    kept = slots[-1]
    booking = make_booking(session, slot=kept)
    change(session, schedule, starts=time(13), ends=time(14))
    now = make(schedule)
    assert {
        slot.starts_at.astimezone(clock.VIETNAM).hour for slot in now if slot.id != kept.id
    } == {13}
    assert session.get_one(Slot, kept.id).status == "closed"
    assert seats_of(session, kept.id) == {1: booking.id}


def test_slots_of_another_length_replace_the_free_ones(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session)
    before = len(make(schedule))
    change(session, schedule, slot_minutes=15)
    slots = make(schedule)
    assert len(slots) == 2 * before
    assert {slot.ends_at - slot.starts_at for slot in slots} == {timedelta(minutes=15)}


def test_a_closed_day_and_a_holiday_have_no_slots_until_they_are_taken_back(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    code = make_facility(session, code="99041")
    schedule = a_schedule(session, service=make_service(session, facility_code=code))
    closed, holiday = (clock.today() + timedelta(days=n) for n in (3, 4))
    close_day(session, code, closed)
    session.merge(Holiday(on_date=holiday, country="VN", name_vi="Thử", name_en="Test"))
    session.commit()
    days = {day_of(slot) for slot in make(schedule)}
    session.execute(text("DELETE FROM holiday WHERE on_date = :on"), {"on": holiday})
    session.execute(
        text("UPDATE schedule_exception SET ended_at = created_at WHERE facility_code = :code"),
        {"code": code},
    )
    session.commit()
    assert not {closed, holiday} & days
    assert {closed, holiday} <= {day_of(slot) for slot in make(schedule)}


def test_another_schedules_leave_closes_nothing_here(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule, other = a_schedule(session), a_schedule(session)
    on = clock.today() + timedelta(days=3)
    close_day(session, schedule.facility_code, on, schedule_id=other.id)
    assert on in {day_of(slot) for slot in make(schedule)}
    assert on not in {day_of(slot) for slot in make(other)}


def test_a_clinic_whose_province_is_corrected_is_found_there(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    code = make_facility(session, code="99042")
    schedule = a_schedule(session, service=make_service(session, facility_code=code))
    assert make(schedule)[-1].province == "ha noi"
    session.execute(
        text("UPDATE facility SET province = 'Đà Nẵng' WHERE code = :code"), {"code": code}
    )
    session.commit()
    assert {slot.province for slot in make(schedule)} == {"da nang"}


def test_a_service_that_ended_ends_its_schedules(
    session: Session, make: Callable[[Schedule], list[Slot]]
) -> None:
    schedule = a_schedule(session)
    make(schedule)
    session.get_one(ClinicService, schedule.service_id).ended_at = clock.now()
    session.commit()
    assert make(schedule) == []
    assert session.get_one(Schedule, schedule.id).ended_at is not None


@pytest.fixture
def broken(cluster: EmbeddedServer, session: Session) -> Generator[Schedule]:
    """A schedule whose slots the database refuses."""
    schedule = a_schedule(session)
    engine = create_engine(cluster.superuser_url("phr"), poolclass=NullPool)
    refuse = f"ALTER TABLE slot ADD CONSTRAINT ck_broken CHECK (schedule_id <> '{schedule.id}')"
    session.rollback()
    with engine.begin() as connection:
        connection.execute(text(refuse))
    yield schedule
    session.rollback()  # the table's lock waits for every reader
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE slot DROP CONSTRAINT ck_broken"))


def test_a_schedule_that_fails_is_left_for_an_hour(
    session: Session, broken: Schedule, make: Callable[[Schedule], list[Slot]]
) -> None:
    assert make(broken) == []
    due_at = session.get_one(Schedule, broken.id).due_at
    assert timedelta(minutes=59) < due_at - clock.now() <= timedelta(hours=1)
    assert make(a_schedule(session))


def test_past_slots_go_and_their_seats_with_them(session: Session, as_worker: AsWorker) -> None:
    slot = make_slot(session, starts_in=timedelta(days=1))
    later = make_slot(session, starts_in=timedelta(days=9))
    with as_worker(), unit_of_work() as own:
        assert trim(own, clock.now() + timedelta(days=4)) >= 1
    left = session.scalars(select(Slot.id).where(Slot.id.in_([slot.id, later.id]))).all()
    assert left == [later.id]
    assert seats_of(session, slot.id) == {}


def test_the_worker_makes_what_is_due(session: Session, as_worker: AsWorker) -> None:
    schedule = a_schedule(session, due_at=clock.now())
    with as_worker():
        while work_once():
            pass
    query = select(Slot.id).where(Slot.schedule_id == schedule.id)
    assert len(session.scalars(query).all()) > 20


def slots_url(service: ClinicService, query: str = "") -> str:
    return f"/v1/facilities/{service.facility_code}/services/{service.id}/slots{query}"


def test_a_services_slots_come_by_day_with_what_is_left(
    client: FlaskClient, session: Session
) -> None:
    service = make_service(session)
    schedule = make_schedule(session, service=service, capacity=2, room="Phòng 101")
    noon = datetime.combine(clock.today() + timedelta(days=2), time(12), clock.VIETNAM)
    first = make_slot(session, schedule=schedule, starts_at=noon, capacity=2)
    make_slot(session, schedule=schedule, starts_at=noon + timedelta(days=1), capacity=2)
    take_seat(session, first.id, new_row_id(), profile_id=None, account_id=None)
    session.commit()
    answer = client.get(slots_url(service))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    days = answer.get_json()["days"]
    assert [(day["date"], day["left"]) for day in days] == [
        (str(noon.date()), 1),
        (str(noon.date() + timedelta(days=1)), 2),
    ]
    assert days[0]["slots"] == [
        {
            "id": str(first.id),
            "startsAt": noon.isoformat(),
            "endsAt": (noon + timedelta(minutes=15)).isoformat(),
            "left": 1,
            "capacity": 2,
            "opensAt": first.opens_at.astimezone(clock.VIETNAM).isoformat(),
            "isOpen": True,
            "room": "Phòng 101",
            "practitioner": None,
        }
    ]
    assert client.get(slots_url(service, f"?until={clock.today()}")).get_json() == {"days": []}


def test_a_slot_that_is_not_released_is_shown_and_not_open(
    client: FlaskClient, session: Session
) -> None:
    service = make_service(session)
    slot = make_slot(session, service=service)
    slot.opens_at = clock.now() + timedelta(hours=1)
    session.commit()
    (day,) = client.get(slots_url(service)).get_json()["days"]
    assert (day["left"], day["slots"][0]["isOpen"], day["slots"][0]["left"]) == (0, False, 1)
    with clock.moved(timedelta(hours=2)):
        (day,) = client.get(slots_url(service)).get_json()["days"]
    assert (day["left"], day["slots"][0]["isOpen"]) == (1, True)


def test_slots_of_no_such_service_are_not_found(client: FlaskClient, session: Session) -> None:
    service = make_service(session, ended_at=clock.now())
    assert client.get(slots_url(service)).status_code == 404
    elsewhere = f"/v1/facilities/99041/services/{make_service(session).id}/slots"
    assert client.get(elsewhere).status_code == 404
    assert client.get(f"/v1/facilities/99001/services/{new_row_id()}/slots").status_code == 404


def test_too_many_days_and_days_that_are_none_are_refused(
    client: FlaskClient, session: Session
) -> None:
    service = make_service(session)
    long = client.get(slots_url(service, "?from=2026-12-01&until=2027-01-01"))
    assert long.get_json()["type"] == "/problems/appointments/range-too-long"
    assert client.get(slots_url(service, "?from=2026-12-01&until=2026-12-31")).status_code == 200
    for query in ("?from=x", "?from=9999-12-31", "?from=2026-12-02&until=2026-12-01", "?x=1"):
        assert client.get(slots_url(service, query)).status_code == 422


def test_a_seat_without_its_booking_and_a_booking_without_its_seat_are_an_alarm(
    session: Session, as_worker: AsWorker, caplog: pytest.LogCaptureFixture
) -> None:
    def looked() -> Differences:
        with as_worker(), unit_of_work() as own:
            check_seats(own, clock.now())
            return find_differences(own, clock.now())

    before = looked()
    booking = make_booking(session)
    assert booking.slot_id is not None
    assert looked() == before
    caplog.clear()
    session.execute(
        text("UPDATE seat SET booking_id = :other WHERE booking_id = :booking"),
        {"other": new_row_id(), "booking": booking.id},
    )
    session.commit()
    after = looked()
    assert (after.seats, after.bookings) == (before.seats + 1, before.bookings + 1)
    assert "seats and bookings differ" in caplog.messages
    session.execute(
        text("UPDATE seat SET booking_id = :booking WHERE slot_id = :slot"),
        {"slot": booking.slot_id, "booking": booking.id},
    )
    session.commit()
    assert looked() == before
