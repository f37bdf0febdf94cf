"""Numbers are given, called in order of class, skipped and brought back; screens show no names."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import PriorityClass, Ticket
from phr_api.appointments.rules.line import Priority, choose_priority, turn_of_booking
from phr_api.kit import clock
from tests.appointments.line import Desk, make_desk
from tests.factories.appointments import make_queue
from tests.factories.line import make_ticket
from tests.factories.people import make_citizen, make_staff

CLASSES = [
    Priority("emergency", 0, None, None),
    Priority("under-6", 1, None, 6),
    Priority("pregnant", 1, None, None),
    Priority("aged-75", 1, 75, None),
    Priority("none", 9, None, None),
]
ON = date(2026, 11, 24)


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


@pytest.mark.parametrize(
    ("stated", "birth", "chosen"),
    [
        ("none", None, "none"),
        ("none", "2020-11-25", "under-6"),
        ("none", "2020-11-24", "none"),
        ("none", "2020", "under-6"),
        ("none", "1951-11-24", "aged-75"),
        ("none", "1951-11-25", "none"),
        ("none", "1951", "aged-75"),
        ("pregnant", "1951", "pregnant"),
        ("emergency", "2024", "emergency"),
    ],
)
def test_age_gives_a_class_by_itself(stated: str, birth: str | None, chosen: str) -> None:
    assert choose_priority(CLASSES, stated=stated, birth=birth, on=ON).code == chosen


def test_the_classes_are_data_each_with_its_law(session: Session) -> None:
    rows = {row.code: row for row in session.scalars(select(PriorityClass))}
    by_law = {"emergency", "under-6", "pregnant", "severe-disability", "aged-75", "merit"}
    assert set(rows) == by_law | {"none"}
    assert all(rows[code].source and rows[code].display_vi for code in by_law)
    first, last = rows["emergency"].rank, rows["none"].rank
    assert all(first < rows[code].rank < last for code in by_law - {"emergency"})
    ages = {code: (row.min_years, row.max_years) for code, row in rows.items()}
    assert (ages["under-6"], ages["aged-75"]) == ((None, 6), (75, None))


def test_a_booked_person_comes_right_behind_the_last_number_before_their_time() -> None:
    assert turn_of_booking(61, last_before_start=60) == 60.5
    assert turn_of_booking(61, last_before_start=12) == 12.5
    assert turn_of_booking(1, last_before_start=0) == 0.5


def test_numbers_are_given_one_after_the_other_and_called_by_class(desk: Desk) -> None:
    assert [desk.give()["label"] for _ in range(2)] == ["A001", "A002"]
    desk.give(priority="pregnant")
    desk.give(guest={"fullName": "Bé Thử", "birth": str(clock.today().year - 3)})
    desk.give(priority="emergency")

    assert desk.labels() == ["A005", "A003", "A004", "A001", "A002"]
    called = [desk.next() for _ in range(6)]

    assert [ticket and ticket["label"] for ticket in called] == [
        "A005",
        "A003",
        "A004",
        "A001",
        "A002",
        None,
    ]
    assert called[2]["priority"] == "under-6"
    assert called[2]["personName"] == "Bé Thử"
    assert called[0]["by"] == "Nhân viên thử"


def test_the_same_key_gives_the_same_number_and_calls_nobody_twice(desk: Desk) -> None:
    body, key = {"queueId": str(desk.queue.id)}, uuid4().hex
    answers = [desk.post("/tickets", body, **{"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    desk.give()

    path, key = f"/queues/{desk.queue.id}/next", uuid4().hex
    calls = [desk.post(path, {"room": "101"}, **{"Idempotency-Key": key}) for _ in range(2)]
    assert [call.get_json()["label"] for call in calls] == ["A001", "A001"]
    assert desk.next()["label"] == "A002"


def test_an_empty_line_calls_nobody_and_says_so_again(desk: Desk) -> None:
    path, key = f"/queues/{desk.queue.id}/next", {"Idempotency-Key": uuid4().hex}
    first = desk.post(path, {"room": "101"}, **key)
    desk.give()
    again = desk.post(path, {"room": "101"}, **key)
    assert [(answer.status_code, answer.data) for answer in (first, again)] == [(204, b"")] * 2
    assert desk.post(path, {"room": "102"}, **key).status_code == 422  # the key had another body


def test_two_rooms_at_once_call_two_people(app: Flask, session: Session, desk: Desk) -> None:
    desk.queue.rooms = [str(room) for room in range(6)]
    session.commit()
    for _ in range(6):
        desk.give()

    def call(room: int) -> str:
        other = Desk(app.test_client(), desk.clerk, desk.queue)
        return str(other.next(str(room))["label"])

    with ThreadPoolExecutor(6) as pool:
        called = list(pool.map(call, range(6)))
    assert sorted(called) == [f"A00{number}" for number in range(1, 7)]


def test_numbers_given_at_once_are_all_different(app: Flask, desk: Desk) -> None:
    def give(_: int) -> str:
        return str(Desk(app.test_client(), desk.clerk, desk.queue).give()["label"])

    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(give, range(12)))
    assert sorted(given) == [f"A{number:03}" for number in range(1, 13)]


def test_who_missed_the_call_comes_back_behind_the_next_three(desk: Desk) -> None:
    for _ in range(6):
        desk.give()
    missed = desk.act("skip", desk.next()).get_json()
    assert (missed["state"], missed["room"]) == ("skipped", None)
    back = desk.act("return", missed).get_json()
    assert back["state"] == "waiting"
    assert [desk.next()["label"] for _ in range(4)] == ["A002", "A003", "A001", "A004"]


def test_a_ticket_goes_through_a_room(desk: Desk) -> None:
    desk.give()
    called = desk.next("101")
    again = desk.act("room", called, {"room": "102"}).get_json()
    assert (again["state"], again["room"], again["calls"]) == ("called", "102", 2)
    inside = desk.act("start", again).get_json()
    assert inside["state"] == "in-room"
    assert desk.act("done", inside).get_json()["state"] == "done"


def test_another_line_gives_its_own_number(
    client: FlaskClient, session: Session, desk: Desk
) -> None:
    other = Desk(client, desk.clerk, make_queue(session, prefix="X"))
    other.give()
    moved = desk.act("room", desk.give(), {"queueId": str(other.queue.id)}).get_json()
    assert moved["label"] == "X002"
    assert desk.labels() == []
    assert other.labels() == ["X001", "X002"]


def test_whoever_is_slower_is_told_what_the_ticket_is_now(desk: Desk) -> None:
    desk.give()
    called = desk.next()
    skipped = desk.act("skip", called).get_json()
    late = desk.act("start", called)
    assert late.status_code == 409
    assert late.get_json()["type"] == "/problems/appointments/ticket-changed"
    assert (late.get_json()["state"], late.get_json()["version"], late.get_json()["etag"]) == (
        "skipped",
        skipped["version"],
        skipped["etag"],
    )
    assert desk.act("start", skipped).status_code == 409  # not from this state


def test_an_action_needs_the_version_that_was_read(desk: Desk) -> None:
    ticket = desk.give()
    answer = desk.client.post(
        f"{desk.facility}/tickets/{ticket['id']}/leave", headers=desk.clerk.headers
    )
    assert answer.status_code == 428
    assert desk.act("leave", ticket).get_json()["state"] == "left"


def test_bodies_are_checked(desk: Desk) -> None:
    ticket = desk.give()
    for body in ({"queueId": str(uuid4())}, {"queueId": str(desk.queue.id), "priority": "rich"}):
        assert desk.post("/tickets", body).status_code == 422
    guest = {"fullName": "Người Thử", "birth": "hôm qua"}
    assert desk.post("/tickets", {"queueId": str(desk.queue.id), "guest": guest}).status_code == 422
    assert desk.post(f"/queues/{desk.queue.id}/next", {}).status_code == 422
    assert desk.post(f"/queues/{desk.queue.id}/next", {"room": "999"}).status_code == 422
    assert desk.act("room", ticket, {}).status_code == 422
    assert desk.act("room", ticket, {"queueId": str(uuid4())}).status_code == 422


def test_the_line_is_its_facilitys(client: FlaskClient, session: Session, desk: Desk) -> None:
    ticket, path = desk.give(), f"{desk.facility}/queues/{desk.queue.id}"
    paths = {"/tickets": None, "/next": {"room": "1"}, "/blocks": {"count": 1}}

    def asked(headers: dict[str, str]) -> set[int]:
        key = {"Idempotency-Key": uuid4().hex, "If-Match": ticket["etag"]}
        posted = [
            client.post(f"{path}{end}", json=body, headers=headers | key).status_code
            for end, body in paths.items()
            if body
        ]
        acted = client.post(f"{desk.facility}/tickets/{ticket['id']}/leave", headers=headers | key)
        return {*posted, acted.status_code}

    def read(headers: dict[str, str]) -> int:
        return client.get(f"{path}/tickets", headers=headers).status_code

    viewer, elsewhere = (
        make_staff(session, role="viewer"),
        make_staff(session, facility_code="99002"),
    )
    assert (read({}), asked({})) == (401, {401})
    for stranger in (make_citizen(session), elsewhere):
        assert (read(stranger.headers), asked(stranger.headers)) == (404, {404})
    assert (read(viewer.headers), asked(viewer.headers)) == (200, {403})
    doctor = make_staff(session, role="doctor")
    assert (
        client.post(f"{path}/blocks", json={"count": 1}, headers=doctor.headers).status_code == 403
    )


def test_another_facilitys_line_is_not_found(client: FlaskClient, session: Session) -> None:
    theirs = make_desk(client, session, facility_code="99002")
    ours = Desk(client, make_staff(session), theirs.queue)
    path = f"/v1/facilities/99001/queues/{theirs.queue.id}/tickets"
    assert client.get(path, headers=ours.clerk.headers).status_code == 404


def test_a_list_that_names_people_is_traced_once(session: Session, desk: Desk) -> None:
    citizen = make_citizen(session)
    desk.labels()
    events = text("SELECT count(*) FROM audit_event WHERE actor_id = :id AND action = 'queue.list'")
    assert session.scalar(events, {"id": desk.clerk.account.id}) == 0
    make_ticket(session, queue=desk.queue, profile_id=citizen.profile.id)
    for _ in range(2):
        desk.labels()
    assert session.scalar(events, {"id": desk.clerk.account.id}) == 1
    sql = text(
        "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
        " WHERE s.profile_id = :id"
    )
    assert session.scalars(sql, {"id": citizen.profile.id}).all() == ["queue.list"]


def test_queues_are_listed_with_how_many_wait(desk: Desk) -> None:
    desk.give()
    desk.give()
    desk.next()
    answer = desk.client.get(f"{desk.facility}/queues", headers=desk.clerk.headers)
    (own,) = [item for item in answer.get_json()["items"] if item["id"] == str(desk.queue.id)]
    assert (own["waiting"], own["prefix"], own["rooms"]) == (1, "A", ["101", "102"])


def test_a_screen_shows_numbers_and_rooms_alone(client: FlaskClient, desk: Desk) -> None:
    empty = client.get(f"/v1/screens/{desk.queue.screen_key}")
    assert empty.get_json() == {"calling": [], "next": []}
    for _ in range(8):
        desk.give(guest={"fullName": "Nguyễn Thị Thử Nghiệm", "phone": "0912345678"})
    desk.next("101")
    desk.next("102")
    answer = client.get(f"/v1/screens/{desk.queue.screen_key}")
    assert answer.get_json() == {
        "calling": [{"label": "A002", "room": "102"}, {"label": "A001", "room": "101"}],
        "next": ["A003", "A004", "A005", "A006", "A007"],
    }
    assert answer.headers["Cache-Control"] == "public, max-age=2"
    assert client.get("/v1/screens/none").status_code == 404


def test_yesterdays_numbers_are_not_called_today(session: Session, desk: Desk) -> None:
    ticket = desk.give()
    row = session.scalars(select(Ticket).where(Ticket.id == ticket["id"])).one()
    row.on_date -= timedelta(days=1)
    session.commit()
    assert desk.next() is None


def yesterdays(session: Session, desk: Desk, state: str) -> Any:
    """A number of yesterday that is still in this state, as it was read then."""
    ticket = desk.give()
    row = session.scalars(select(Ticket).where(Ticket.id == ticket["id"])).one()
    row.on_date, row.state = clock.today() - timedelta(days=1), state
    session.commit()
    return ticket


@pytest.mark.parametrize(
    ("action", "state", "body"),
    [
        ("skip", "called", None),
        ("return", "skipped", None),
        ("room", "waiting", {"room": "102"}),
        ("leave", "waiting", None),
    ],
)
def test_yesterdays_numbers_stay_as_they_are(
    session: Session, desk: Desk, action: str, state: str, body: Any
) -> None:
    ticket = yesterdays(session, desk, state)
    refused = desk.act(action, ticket, body)
    assert refused.status_code == 409, refused.get_json()
    told = refused.get_json()
    assert (told["type"], told["state"]) == ("/problems/appointments/day-over", state)
    session.rollback()
    row = session.scalars(select(Ticket).where(Ticket.id == ticket["id"])).one()
    assert (row.state, row.version) == (state, ticket["version"])


@pytest.mark.parametrize(
    ("action", "state"), [("start", "called"), ("leave", "called"), ("done", "in-room")]
)
def test_a_visit_that_goes_on_past_midnight_can_end(
    session: Session, desk: Desk, action: str, state: str
) -> None:
    late, long_ago = yesterdays(session, desk, state), yesterdays(session, desk, state)
    session.execute(
        update(Ticket).where(Ticket.id == long_ago["id"]).values(on_date=Ticket.on_date - 1)
    )
    session.commit()
    assert desk.act(action, late).status_code == 200
    assert desk.act(action, long_ago).status_code == 409


def test_a_past_days_line_is_not_listed(desk: Desk) -> None:
    path = f"{desk.facility}/queues/{desk.queue.id}/tickets"
    for days, status in ((-1, 422), (0, 200), (1, 200)):
        on = clock.today() + timedelta(days=days)
        answer = desk.client.get(f"{path}?on={on.isoformat()}", headers=desk.clerk.headers)
        assert answer.status_code == status


def test_a_past_days_number_is_given_to_nobody(session: Session, desk: Desk) -> None:
    """Neither a body nor a path names a day: numbers are of today, and yesterday's are not next."""
    yesterdays(session, desk, "waiting")
    on = (clock.today() - timedelta(days=1)).isoformat()
    assert desk.post("/tickets", {"queueId": str(desk.queue.id), "on": on}).status_code == 422
    assert desk.post(f"/queues/{desk.queue.id}/next", {"room": "1", "on": on}).status_code == 422
    assert desk.post("/check-ins", {"bookingId": str(uuid4()), "on": on}).status_code == 422
    assert desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 1, "on": on}).status_code == 422
    assert desk.next() is None
    today = desk.give()
    assert desk.next()["id"] == today["id"]
