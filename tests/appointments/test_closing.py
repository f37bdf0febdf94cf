"""A day ends in one action, and that can be undone as far as nobody has gone on."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.appointments.models import Booking, DayClosing, Slot, Ticket
from phr_api.appointments.queries import plans
from phr_api.kit import clock
from tests.appointments.asking import hold, slug
from tests.appointments.line import Desk, make_desk
from tests.appointments.test_checkin import book, code_of, scan
from tests.appointments.test_schedules import AsWorker, made_slots
from tests.factories.appointments import make_booking, make_queue, make_schedule, make_service
from tests.factories.people import Citizen, make_citizen, make_staff

CLINIC = "99018"  # of this module alone: closing is the whole facility's


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    for table in ("ticket", "day_closing", "booking"):
        session.execute(text(f"DELETE FROM {table} WHERE facility_code = :c"), {"c": CLINIC})  # noqa: S608
    session.commit()
    return make_desk(client, session, facility_code=CLINIC)


def missed(session: Session, desk: Desk, citizen: Citizen | None = None) -> Booking:
    """A confirmed booking of today whose time has passed."""
    booking = book(session, desk, citizen)
    row = session.get_one(Booking, booking.id)
    row.starts_at = max(midnight(), clock.now() - timedelta(minutes=5))
    session.commit()
    return row


def midnight() -> datetime:
    today = clock.now().astimezone(clock.VIETNAM)
    return today.replace(hour=0, minute=0, second=0, microsecond=0)


def close(desk: Desk, on: str = "", **headers: str) -> TestResponse:
    return desk.post("/day-closings", {"on": on or clock.today().isoformat()}, **headers)


def undo(desk: Desk, closing: Any) -> Any:
    answer = desk.post(f"/day-closings/{closing['id']}/undo")
    assert answer.status_code == 200
    return answer.get_json()


def state(session: Session, row: Booking) -> str:
    session.rollback()
    return str(session.scalar(select(Booking.state).where(Booking.id == row.id)))


def tickets(session: Session, desk: Desk) -> list[str]:
    session.rollback()
    query = select(Ticket.state).where(Ticket.queue_id == desk.queue.id).order_by(Ticket.number)
    return list(session.scalars(query))


@pytest.mark.usefixtures("noon")
def test_a_days_end_and_its_undoing(session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    absent, later, inside = missed(session, desk, citizen), book(session, desk), book(session, desk)
    scan(desk, code_of(inside))
    desk.act("start", desk.next())
    desk.give()
    desk.give()
    desk.act("skip", desk.next())

    answer = close(desk)
    assert answer.status_code == 201
    closing = answer.get_json()
    assert (closing["noShow"], closing["left"], closing["done"]) == (1, 2, 1)
    assert (closing["by"], closing["undoneAt"]) == ("Nhân viên thử", None)
    assert [state(session, row) for row in (absent, later, inside)] == [
        "no-show",
        "confirmed",
        "done",
    ]
    assert tickets(session, desk) == ["done", "left", "left"]

    undone = undo(desk, closing)
    assert (undone["restored"], undone["kept"], undone["undoneBy"]) == (5, 0, "Nhân viên thử")
    assert [state(session, row) for row in (absent, later, inside)] == [
        "confirmed",
        "confirmed",
        "in-room",
    ]
    assert tickets(session, desk) == ["in-room", "skipped", "waiting"]
    assert undo(desk, closing) == undone
    actions = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id ORDER BY e.at"
        ),
        {"id": citizen.profile.id},
    ).all()
    assert actions == ["day.close", "day.reopen"]


@pytest.mark.usefixtures("noon")
def test_the_rest_of_a_closed_day_can_be_booked_no_more(
    client: FlaskClient, session: Session, desk: Desk, as_worker: AsWorker
) -> None:
    """Not by the worker's doing either; undone, the worker opens it again. Tomorrow stays."""
    service = make_service(session, facility_code=CLINIC, lead_minutes=0)
    schedule = make_schedule(session, service=service, starts=time(12, 30), due_at=clock.now())
    made = made_slots(session, as_worker, schedule.id)
    today = [slot for slot in made if slot.starts_at < midnight() + timedelta(days=1)]
    assert today
    tomorrow = next(slot for slot in made if slot not in today)
    booking = make_booking(session, slot=today[0])
    closing = close(desk).get_json()
    citizen = make_citizen(session)
    people = [citizen.profile.id]
    assert slug(hold(client, citizen, today[1], people)) == "appointments/slot-not-open"
    assert state(session, booking) == "confirmed"
    assert hold(client, citizen, tomorrow, people).status_code == 201
    taken, free = (slot.starts_at for slot in today[:2])
    plans.make_facilities_due(session, [CLINIC], clock.now())
    session.commit()
    statuses = {slot.starts_at: slot.status for slot in made_slots(session, as_worker, schedule.id)}
    assert statuses[taken] == "closed"
    assert free not in statuses
    undo(desk, closing)
    session.expire_all()
    assert session.get_one(Slot, booking.slot_id).status == "open"  # at once: somebody sits there
    again = {slot.starts_at: slot for slot in made_slots(session, as_worker, schedule.id)}
    assert hold(client, citizen, again[free], people).status_code == 201


def test_undoing_leaves_what_was_changed_since(session: Session, desk: Desk) -> None:
    first, second = missed(session, desk), missed(session, desk)
    desk.give()
    closing = close(desk).get_json()
    row = session.get_one(Booking, first.id, populate_existing=True)
    row.version += 1
    session.commit()
    undone = undo(desk, closing)
    assert (undone["restored"], undone["kept"]) == (2, 1)
    assert (state(session, first), state(session, second)) == ("no-show", "confirmed")
    assert tickets(session, desk) == ["waiting"]


@pytest.mark.usefixtures("noon")
def test_a_closed_day_gives_no_more_numbers(session: Session, desk: Desk) -> None:
    booking = book(session, desk)
    closing = close(desk).get_json()
    for answer in (
        desk.post("/tickets", {"queueId": str(desk.queue.id)}),
        desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 3}),
        scan(desk, code_of(booking)),
        close(desk),
    ):
        assert answer.status_code == 409
        assert answer.get_json()["type"] == "/problems/appointments/day-closed"
    assert state(session, booking) == "confirmed"
    undo(desk, closing)
    assert desk.give()["label"] == "A001"
    assert close(desk).status_code == 201


def test_the_same_key_closes_once(session: Session, desk: Desk) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first, again = close(desk, **key), close(desk, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()


def test_the_same_key_opens_once(client: FlaskClient, desk: Desk) -> None:
    closing, name = close(desk).get_json(), {"Idempotency-Key": uuid4().hex}
    path = f"/day-closings/{closing['id']}/undo"
    first, again = desk.post(path, **name), desk.post(path, **name)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.get_json() == again.get_json()
    keyless = client.post(f"{desk.facility}{path}", headers=desk.clerk.headers)
    assert keyless.status_code == 400
    assert keyless.get_json()["type"] == "/problems/idempotency-key-missing"


def test_two_desks_close_a_day_once(app: Flask, session: Session, desk: Desk) -> None:
    for _ in range(3):
        missed(session, desk)

    def one(_: int) -> int:
        return close(Desk(app.test_client(), desk.clerk, desk.queue)).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [201, 409, 409, 409]
    session.rollback()
    rows = session.scalars(select(DayClosing).where(DayClosing.facility_code == CLINIC)).all()
    assert [len(row.changes["bookings"]) for row in rows] == [3]


@pytest.mark.usefixtures("noon")
def test_whoever_gets_a_number_while_the_day_ends_does_not_wait_on_it(
    app: Flask, session: Session, desk: Desk
) -> None:
    line, number = {"queueId": str(desk.queue.id)}, {"number": 1, "at": clock.now().isoformat()}
    block = desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 1}).get_json()
    other = make_queue(session, facility_code=CLINIC)
    moved = desk.give()
    by_code, by_list = book(session, desk), book(session, desk)

    def clerk() -> Desk:
        return Desk(app.test_client(), desk.clerk, desk.queue)

    def ask(path: str, body: Any) -> int:
        return clerk().post(path, body, **{"If-Match": moved["etag"]}).status_code

    asked = [
        ("/tickets", line),
        (f"/blocks/{block['id']}/tickets", {"items": [number]}),
        (f"/tickets/{moved['id']}/room", {"queueId": str(other.id)}),
        ("/check-ins", {"scan": code_of(by_code)} | line),
        ("/check-ins", {"bookingId": str(by_list.id)} | line),
        ("/tickets", line),
    ]
    for at in range(len(asked)):
        with ThreadPoolExecutor(len(asked) + 1) as pool:
            given = [pool.submit(copy_context().run, partial(ask, *each)) for each in asked[:at]]
            closed = pool.submit(copy_context().run, partial(close, clerk()))
            given += [pool.submit(copy_context().run, partial(ask, *each)) for each in asked[at:]]
        assert {each.result() for each in given} <= {200, 201, 409}
        assert closed.result().status_code == 201
        session.rollback()
        waiting = select(Ticket.number).where(
            Ticket.facility_code == CLINIC, Ticket.state == "waiting"
        )
        assert session.scalars(waiting).all() == []
        undo(desk, closed.result().get_json())


def test_numbers_told_of_after_the_days_end_left_with_it(session: Session, desk: Desk) -> None:
    block = desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 2}).get_json()
    path, at = f"/blocks/{block['id']}/tickets", clock.now().isoformat()
    desk.post(path, {"items": [{"number": 1, "at": at}]})
    closing = close(desk).get_json()
    told = desk.post(path, {"items": [{"number": number, "at": at} for number in (1, 2)]})
    assert told.status_code == 201
    assert [one["state"] for one in told.get_json()["items"]] == ["left", "left"]
    undone = undo(desk, closing)
    assert (undone["left"], undone["restored"], undone["kept"]) == (2, 2, 0)
    assert tickets(session, desk) == ["waiting", "waiting"]


def test_a_day_to_come_does_not_end(desk: Desk) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    assert close(desk, tomorrow.isoformat()).status_code == 422
    assert close(desk, "hôm qua").status_code == 422


def test_a_past_day_can_be_ended(session: Session, desk: Desk) -> None:
    booking = missed(session, desk)
    row = session.get_one(Booking, booking.id)
    row.starts_at -= timedelta(days=1)
    session.commit()
    yesterday = clock.today() - timedelta(days=1)
    assert close(desk, yesterday.isoformat()).get_json()["noShow"] == 1
    assert desk.give()["state"] == "waiting"


def test_an_end_that_stood_for_half_a_day_stays(session: Session, desk: Desk) -> None:
    booking = missed(session, desk)
    desk.give()
    closing = close(desk).get_json()
    session.execute(
        text("UPDATE day_closing SET closed_at = closed_at - interval '12 hours' WHERE id = :id"),
        {"id": closing["id"]},
    )
    session.commit()
    refused = desk.post(f"/day-closings/{closing['id']}/undo")
    assert (refused.status_code, refused.get_json()["state"]) == (409, "closed")
    assert refused.get_json()["type"] == "/problems/appointments/day-over"
    assert (state(session, booking), tickets(session, desk)) == ("no-show", ["left"])


def test_yesterdays_end_is_undone_after_midnight(session: Session, desk: Desk) -> None:
    desk.give()
    closing = close(desk).get_json()
    session.execute(
        text("UPDATE day_closing SET on_date = on_date - 1 WHERE id = :id"), {"id": closing["id"]}
    )
    session.execute(
        text("UPDATE ticket SET on_date = on_date - 1 WHERE queue_id = :id"), {"id": desk.queue.id}
    )
    session.commit()
    assert desk.post(f"/day-closings/{closing['id']}/undo").status_code == 200
    assert tickets(session, desk) == ["waiting"]


def test_only_the_desk_ends_a_day(client: FlaskClient, session: Session, desk: Desk) -> None:
    closing = close(desk).get_json()
    url = f"{desk.facility}/day-closings"

    def asked(headers: dict[str, str]) -> set[int]:
        sent = headers | {"Idempotency-Key": uuid4().hex}
        body = {"on": clock.today().isoformat()}
        closed = client.post(url, json=body, headers=sent)
        return {
            closed.status_code,
            client.post(f"{url}/{closing['id']}/undo", headers=sent).status_code,
        }

    assert asked({}) == {401}
    assert asked(make_citizen(session).headers) == {404}
    assert asked(make_staff(session, facility_code="99002").headers) == {404}
    for role in ("doctor", "viewer"):
        assert asked(make_staff(session, facility_code=CLINIC, role=role).headers) == {403}
    assert desk.post(f"/day-closings/{uuid4()}/undo").status_code == 404
