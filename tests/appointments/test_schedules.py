"""A desk's schedules: written, changed under bookings, re-planned in one action."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Slot
from phr_api.appointments.service.slots import make_slots
from phr_api.clinics.models import ClinicService
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.factories.appointments import (
    make_booking,
    make_exception,
    make_practitioner,
    make_schedule,
    make_service,
    seats_of,
)
from tests.factories.people import SignedIn, make_citizen, make_staff

pytestmark = pytest.mark.usefixtures("app")

AsWorker = Callable[[], AbstractContextManager[None]]
URL = "/v1/facilities/99001"
SOON = clock.today() + timedelta(days=3)


@pytest.fixture
def desk(session: Session) -> SignedIn:
    return make_staff(session)


@pytest.fixture
def service(session: Session) -> ClinicService:
    return make_service(session)


def keyed(desk: SignedIn, key: str | None = None) -> dict[str, str]:
    return desk.headers | {"Idempotency-Key": key or uuid4().hex}


def a_schedule(service: ClinicService, **members: Any) -> dict[str, Any]:
    return {
        "serviceId": str(service.id),
        "name": "Sáng",
        "pattern": "weekly",
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "starts": "08:00",
        "ends": "09:00",
        "slotMinutes": 30,
        "capacity": 1,
        "validFrom": str(clock.today()),
    } | members


def made_slots(session: Session, as_worker: AsWorker, schedule_id: UUID) -> list[Slot]:
    """Let the worker make the schedule's slots, and return them."""
    with as_worker():
        while True:
            with unit_of_work() as own:
                if not make_slots(own, clock.now()):
                    break
    session.expire_all()
    query = select(Slot).where(Slot.schedule_id == schedule_id).order_by(Slot.starts_at)
    return list(session.scalars(query))


def post(client: FlaskClient, desk: SignedIn, name: str, body: Any) -> Any:
    return client.post(f"{URL}/{name}", json=body, headers=keyed(desk))


def slots_on(slots: list[Slot], on: date) -> list[Slot]:
    return [slot for slot in slots if slot.starts_at.astimezone(clock.VIETNAM).date() == on]


def test_a_schedule_is_written_and_its_slots_are_there_a_moment_later(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    body, key = a_schedule(service, room="Phòng 1"), uuid4().hex
    made = client.post(f"{URL}/schedules", json=body, headers=keyed(desk, key))
    again = client.post(f"{URL}/schedules", json=body, headers=keyed(desk, key))
    assert (made.status_code, again.status_code) == (201, 201)
    assert again.get_json() == made.get_json()
    assert made.get_json() == body | {
        "id": made.get_json()["id"],
        "practitionerId": None,
        "monthDays": [],
        "nths": [],
        "validUntil": None,
        "worksOnHolidays": False,
        "releaseDays": 30,
        "releaseTime": "07:00",
        "madeUntil": None,
    }
    read = client.get(made.headers["Location"], headers=desk.headers)
    assert (read.get_json(), read.headers["ETag"]) == (made.get_json(), made.headers["ETag"])
    assert len(made_slots(session, as_worker, UUID(made.get_json()["id"]))) > 80
    read = client.get(made.headers["Location"], headers=desk.headers)
    assert read.headers["ETag"] == made.headers["ETag"]  # the worker changes nothing of it
    listed = client.get(f"{URL}/schedules", headers=desk.headers).get_json()["items"]
    assert read.get_json() in listed
    traced = "SELECT count(*) FROM audit_event WHERE action = 'schedule.add'"
    traced += " AND details->>'id' = :id"
    assert session.scalar(text(traced), {"id": made.get_json()["id"]}) == 1


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"weekdays": []}, "weekdays"),
        ({"starts": "09:00"}, "ends"),
        ({"serviceId": str(UUID(int=9))}, "serviceId"),
        ({"practitionerId": str(UUID(int=9))}, "practitionerId"),
    ],
)
def test_a_schedule_that_no_day_can_have_is_told_where(
    client: FlaskClient,
    desk: SignedIn,
    service: ClinicService,
    wrong: dict[str, Any],
    where: str,
) -> None:
    answer = post(client, desk, "schedules", a_schedule(service, **wrong))
    assert answer.status_code == 422
    assert answer.get_json()["type"] == "/problems/appointments/schedule-invalid"
    assert list(answer.get_json()["errors"]["json"]) == [where]
    shape = post(client, desk, "schedules", a_schedule(service, starts="25:00"))
    assert (shape.status_code, shape.get_json()["type"]) == (422, "/problems/invalid-request")


def test_who_may_write_and_who_may_read(
    client: FlaskClient, session: Session, service: ClinicService
) -> None:
    schedule = make_schedule(session, service=service)
    one, body = f"{URL}/schedules/{schedule.id}", a_schedule(service)
    viewer, elsewhere = (
        make_staff(session, role="viewer"),
        make_staff(session, facility_code="99002"),
    )
    for caller, reads, writes in (
        (viewer, 200, 403),
        (elsewhere, 404, 404),
        (make_citizen(session), 404, 404),
    ):
        headers = caller.headers | {"Idempotency-Key": uuid4().hex, "If-Match": '"x"'}
        assert client.get(one, headers=headers).status_code == reads
        assert client.get(f"{URL}/schedules", headers=headers).status_code == reads
        assert client.get(f"{URL}/exceptions", headers=headers).status_code == reads
        assert client.put(one, json=body, headers=headers).status_code == writes
        assert client.delete(one, headers=headers).status_code == writes
        replan = {"scheduleId": str(schedule.id), "schedule": body}
        answer = client.post(f"{URL}/replans", json=replan, headers=headers)
        assert answer.status_code == writes
    assert client.get(one).status_code == 401


def test_a_changed_schedule_closes_at_once_what_falls_away(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    made = post(client, desk, "schedules", a_schedule(service))
    schedule_id, url = UUID(made.get_json()["id"]), made.headers["Location"]
    slots = made_slots(session, as_worker, schedule_id)
    booking = make_booking(session, slot=slots[-1])
    body = a_schedule(service, starts="14:00", ends="15:00")
    headers = desk.headers | {"If-Match": made.headers["ETag"]}
    assert client.put(url, json=body, headers=desk.headers).status_code == 428
    changed = client.put(url, json=body, headers=headers)
    assert changed.status_code == 200
    assert client.put(url, json=body, headers=headers).status_code == 412
    session.expire_all()
    query = select(Slot.status).where(Slot.schedule_id == schedule_id, Slot.starts_at > clock.now())
    assert set(session.scalars(query)) == {"closed"}
    after = made_slots(session, as_worker, schedule_id)
    assert {slot.starts_at.astimezone(clock.VIETNAM).hour for slot in after} >= {14}
    assert seats_of(session, booking.slot_id or UUID(int=0)) == {1: booking.id}
    other = a_schedule(make_service(session), starts="14:00", ends="15:00")
    headers["If-Match"] = changed.headers["ETag"]
    refused = client.put(url, json=other, headers=headers)
    assert "serviceId" in refused.get_json()["errors"]["json"]
    assert client.delete(url, headers=headers).status_code == 204
    assert client.get(url, headers=desk.headers).status_code == 404
    session.expire_all()
    assert set(session.scalars(query)) == {"closed"}


def test_a_practitioners_leave_closes_their_schedules_alone(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    doctor = make_practitioner(session)
    theirs = make_schedule(
        session, service=service, practitioner_id=doctor.id, due_at=clock.now(), ends=time(8)
    )
    others = make_schedule(session, service=service, due_at=clock.now(), ends=time(8))
    made_slots(session, as_worker, theirs.id)
    leave = {
        "practitionerId": str(doctor.id),
        "kind": "closed",
        "fromOn": str(SOON),
        "untilOn": str(SOON),
        "reason": "Nghỉ phép",
    }
    key = uuid4().hex
    made = client.post(f"{URL}/exceptions", json=leave, headers=keyed(desk, key))
    again = client.post(f"{URL}/exceptions", json=leave, headers=keyed(desk, key))
    assert (made.status_code, again.get_json()) == (201, made.get_json())
    assert (
        made.get_json()
        in (client.get(f"{URL}/exceptions", headers=desk.headers).get_json()["items"])
    )
    assert slots_on(made_slots(session, as_worker, theirs.id), SOON) == []
    assert slots_on(made_slots(session, as_worker, others.id), SOON) != []
    one = f"{URL}/exceptions/{made.get_json()['id']}"
    assert client.delete(one, headers=desk.headers).status_code == 204
    assert client.delete(one, headers=desk.headers).status_code == 404
    assert slots_on(made_slots(session, as_worker, theirs.id), SOON) != []


def test_extra_hours_are_slots_more(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    schedule = make_schedule(
        session, service=service, pattern="dates", weekdays=[], due_at=clock.now()
    )
    extra = {
        "scheduleId": str(schedule.id),
        "kind": "extra",
        "fromOn": str(SOON),
        "untilOn": str(SOON),
        "starts": "18:00",
        "ends": "19:00",
        "capacity": 3,
    }
    assert post(client, desk, "exceptions", extra).status_code == 201
    slots = made_slots(session, as_worker, schedule.id)
    assert [slot.capacity for slot in slots_on(slots, SOON)] == [3, 3, 3, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"untilOn": "2026-01-01"},
        {"kind": "extra"},
        {"starts": "08:00", "ends": "09:00"},
        {"scheduleId": str(UUID(int=9))},
        {"practitionerId": str(UUID(int=9))},
    ],
)
def test_an_exception_that_no_day_can_have_is_refused(
    client: FlaskClient, desk: SignedIn, wrong: dict[str, Any]
) -> None:
    body = {"kind": "closed", "fromOn": "2199-01-02", "untilOn": "2199-01-02"} | wrong
    answer = post(client, desk, "exceptions", body)
    assert answer.get_json()["type"] == "/problems/appointments/schedule-invalid"


def test_a_lost_session_offers_everybody_another_time_and_keeps_their_seats(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    schedule = make_schedule(
        session, service=service, due_at=clock.now(), starts=time(8), ends=time(8, 30)
    )
    slots = made_slots(session, as_worker, schedule.id)
    lost = slots_on(slots, SOON)
    bookings = [make_booking(session, slot=slot) for slot in lost]
    closing = {"kind": "closed", "fromOn": str(SOON), "untilOn": str(SOON)}
    body = {"scheduleId": str(schedule.id), "exception": closing}
    would = post(client, desk, "replans", body | {"preview": True})
    session.expire_all()
    assert would.status_code == 201
    assert session.get_one(Slot, lost[0].id).status == "open"  # nothing was written
    assert session.get_one(Booking, bookings[0].id).proposal_until is None

    key = uuid4().hex
    done = client.post(f"{URL}/replans", json=body, headers=keyed(desk, key))
    assert done.status_code == 201
    answer = done.get_json()
    assert {one["bookingId"] for one in answer["moved"]} == {str(one.id) for one in bookings}
    assert (answer["closedSlots"], answer["unplaced"]) == (2, [])
    again = client.post(f"{URL}/replans", json=body, headers=keyed(desk, key))
    assert again.get_json() == answer
    session.expire_all()
    for booking, slot in zip(bookings, lost, strict=True):
        row = session.get_one(Booking, booking.id)
        assert (row.slot_id, row.state, row.proposal_by) == (slot.id, "confirmed", "replan")
        assert row.proposed_starts_at is not None
        assert row.proposed_starts_at > slot.starts_at
        assert len(row.alternatives) == 2
        assert seats_of(session, slot.id)[1] == booking.id
        assert row.proposed_slot_id is not None
        assert seats_of(session, row.proposed_slot_id)[1] == booking.id
    assert slots_on(made_slots(session, as_worker, schedule.id), SOON) == lost  # people sit there
    traced = "SELECT s.profile_id FROM audit_subject s JOIN audit_event e ON e.id = s.event_id"
    traced += " WHERE e.action = 'schedule.replan' AND e.details->>'id' = :id"
    people = session.scalars(text(traced), {"id": str(schedule.id)}).all()
    assert set(people) == {booking.profile_id for booking in bookings}  # once: the preview has none


def test_who_cannot_be_placed_is_listed_for_the_desk(
    client: FlaskClient, session: Session, desk: SignedIn, as_worker: AsWorker
) -> None:
    schedule = make_schedule(
        session,
        due_at=clock.now(),
        valid_from=SOON,
        valid_until=SOON,
        starts=time(8),
        ends=time(8, 15),
    )
    (slot,) = made_slots(session, as_worker, schedule.id)
    booking = make_booking(session, slot=slot)
    closing = {"kind": "closed", "fromOn": str(SOON), "untilOn": str(SOON)}
    body = {"scheduleId": str(schedule.id), "exception": closing}
    answer = post(client, desk, "replans", body).get_json()
    assert (answer["moved"], answer["unplaced"]) == ([], [str(booking.id)])


def test_a_replan_of_nothing_is_refused(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    closing = {"kind": "closed", "fromOn": str(SOON), "untilOn": str(SOON)}
    both = {"exception": closing, "schedule": a_schedule(make_service(session))}
    nothing = {"scheduleId": str(UUID(int=9))}
    refused = post(client, desk, "replans", nothing | both)
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/invalid-request")
    for change in ({}, {"exception": closing}):
        foreign = post(client, desk, "replans", nothing | change)
        assert foreign.get_json()["type"] == "/problems/appointments/schedule-invalid"


def test_a_services_changed_lead_time_reaches_its_slots(
    client: FlaskClient,
    session: Session,
    desk: SignedIn,
    service: ClinicService,
    as_worker: AsWorker,
) -> None:
    schedule = make_schedule(session, service=service, due_at=clock.now())
    (before, *_) = slots_on(made_slots(session, as_worker, schedule.id), SOON)
    url, headers = f"{URL}/services/{service.id}", desk.headers
    tag = client.get(url).headers["ETag"]
    body = {"name": "Khám thử", "leadMinutes": 600}
    changed = client.put(url, json=body, headers=headers | {"If-Match": tag})
    assert changed.status_code == 200
    (after, *_) = slots_on(made_slots(session, as_worker, schedule.id), SOON)
    assert after.id == before.id
    assert after.starts_at - after.closes_at == timedelta(minutes=600)


def test_an_exception_of_another_clinic_is_not_found(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    service = make_service(session, facility_code="99002")
    exception = make_exception(session, make_schedule(session, service=service))
    url = f"{URL}/exceptions/{exception.id}"
    assert client.delete(url, headers=desk.headers).status_code == 404
