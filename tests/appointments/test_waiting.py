"""The waitlist: one offer at a time, timed, in order, never at night."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Hold, Slot, WaitlistEntry
from phr_api.appointments.rules.states import By
from phr_api.appointments.service.desk import cancel
from phr_api.appointments.service.lapsing import lapse_holds
from phr_api.appointments.service.waiting import end_entries, offer_freed
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import book, hold, key, mine, slug
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.people import Citizen, make_citizen
from tests.factories.waiting import make_entry

Bound = Callable[[], AbstractContextManager[None]]
DAY_HOUR = 10


def by_day() -> timedelta:
    """How far the clock is to be moved so that it is ten in the morning."""
    now = clock.now().astimezone(clock.VIETNAM)
    return datetime.combine(now.date() + timedelta(days=1), time(DAY_HOUR), clock.VIETNAM) - now


@pytest.fixture(autouse=True)
def daytime() -> object:
    with clock.moved(by_day()):
        yield


def work(as_worker: Bound) -> None:
    for step in (lapse_holds, offer_freed):
        with as_worker(), unit_of_work() as session:
            step(session, clock.now())


def a_full_slot(session: Session, starts_in: timedelta = timedelta(days=2)) -> tuple[Slot, Booking]:
    slot = make_slot(session, service=make_service(session, has_waitlist=True), starts_in=starts_in)
    return slot, make_booking(session, slot=slot)


def free(session: Session, booking: Booking) -> None:
    actor = By(kind="staff", id=uuid4())
    cancel(session, booking.id, reason="x", expected=None, actor=actor)
    session.commit()


def state_of(session: Session, entry: WaitlistEntry) -> str:
    session.expire_all()
    return session.get_one(WaitlistEntry, entry.id).state


def offer_to(client: FlaskClient, who: Citizen) -> dict[str, object] | None:
    items = client.get("/v1/holds", headers=who.headers).get_json()["items"]
    return items[0] if items else None


def test_a_freed_seat_is_offered_to_the_first_and_booked(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    people = [make_citizen(session) for _ in range(2)]
    entries = [make_entry(session, slot=slot, citizen=each) for each in people]
    free(session, booking)
    stranger = make_citizen(session)
    assert slug(hold(client, stranger, slot, [stranger.profile.id])) == "appointments/slot-full"
    work(as_worker)
    assert [state_of(session, each) for each in entries] == ["offered", "waiting"]
    assert offer_to(client, people[1]) is None
    offer = offer_to(client, people[0])
    assert offer is not None
    assert offer["kind"] == "offer"
    told = session.execute(
        text("SELECT kind, wants_sms FROM notification WHERE profile_id = :id"),
        {"id": people[0].profile.id},
    ).all()
    assert told == [("offer.made", True)]
    made = book(client, people[0], offer)
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["items"][0]["source"] == "waitlist"
    assert state_of(session, entries[0]) == "booked"


def test_an_offer_counts_in_the_quota(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    """Who has as many bookings as they may cannot join, is offered nothing and books no offer."""
    service = make_service(session, has_waitlist=True, most_open=1)
    early, late = (make_slot(session, service=service, starts_in=timedelta(days=n)) for n in (2, 3))
    taken = make_booking(session, slot=early)
    busy, booked_since, free_still = (make_citizen(session) for _ in range(3))
    waiting = [make_entry(session, slot=early, citizen=each) for each in (busy, booked_since)]
    make_booking(session, citizen=busy, slot=late)
    free(session, taken)
    work(as_worker)
    assert [state_of(session, each) for each in waiting] == ["waiting", "offered"]
    offer = offer_to(client, booked_since)
    assert offer is not None
    other = make_slot(session, service=service, starts_in=timedelta(days=4))
    make_booking(session, citizen=booked_since, slot=other)
    assert slug(book(client, booked_since, offer)) == "appointments/quota-reached"

    on = early.starts_at.astimezone(clock.VIETNAM).date().isoformat()
    body = {"serviceId": str(service.id), "fromOn": on, "untilOn": on}
    for citizen, status in ((make_citizen(session), 201), (free_still, 409)):
        if status == 409:
            third = make_slot(session, service=service, starts_in=timedelta(days=5))
            make_booking(session, citizen=citizen, slot=third)
        path = f"/v1/profiles/{citizen.profile.id}/waitlist"
        joined = client.post(path, json=body, headers=citizen.headers | key())
        assert joined.status_code == status, joined.get_json()
    assert slug(joined) == "appointments/quota-reached"


def test_an_offer_that_lapses_goes_to_the_next_and_then_to_everybody(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session, starts_in=timedelta(days=3))
    people = [make_citizen(session) for _ in range(2)]
    entries = [make_entry(session, slot=slot, citizen=each) for each in people]
    free(session, booking)
    seen = []
    for _ in range(5):
        work(as_worker)
        seen.append([state_of(session, each) for each in entries])
        offers = session.query(Hold).where(
            Hold.service_id == slot.service_id, Hold.released_at.is_(None)
        )
        for each in offers:
            each.expires_at = clock.now() - timedelta(seconds=1)
        session.commit()
    assert seen == [
        ["offered", "waiting"],
        ["waiting", "offered"],
        ["offered", "waiting"],
        ["passed", "offered"],
        ["passed", "passed"],
    ]
    stranger = make_citizen(session)
    assert hold(client, stranger, slot, [stranger.profile.id]).status_code == 201


def test_who_is_not_coming_gives_the_seat_to_the_next_in_line(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    citizen = make_citizen(session)
    slot = make_slot(session, service=make_service(session, has_waitlist=True))
    booking = make_booking(session, citizen=citizen, slot=slot)
    entry = make_entry(session, slot=slot)
    path = f"{mine(citizen, str(booking.id))}/still-coming"
    gone = client.post(path, json={"coming": False}, headers=citizen.headers | key())
    assert gone.get_json()["state"] == "cancelled"
    stranger = make_citizen(session)
    assert slug(hold(client, stranger, slot, [stranger.profile.id])) == "appointments/slot-full"
    work(as_worker)
    assert state_of(session, entry) == "offered"


def test_of_two_freed_seats_one_is_offered_and_one_is_everybodys(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    service = make_service(session, has_waitlist=True)
    slot = make_slot(session, service=service, capacity=2)
    bookings = [make_booking(session, slot=slot) for _ in range(2)]
    waiting = make_citizen(session)
    make_entry(session, slot=slot, citizen=waiting)
    for booking in bookings:
        free(session, booking)
    work(as_worker)
    offers = client.get("/v1/holds", headers=waiting.headers).get_json()["items"]
    assert [each["kind"] for each in offers] == ["offer"]
    strangers = [make_citizen(session) for _ in range(2)]
    told = [hold(client, each, slot, [each.profile.id]).status_code for each in strangers]
    assert told == [201, 409]


def test_a_declined_offer_goes_to_the_next(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    people = [make_citizen(session) for _ in range(2)]
    for each in people:
        make_entry(session, slot=slot, citizen=each)
    free(session, booking)
    work(as_worker)
    offer = offer_to(client, people[0])
    assert offer is not None
    assert client.delete(f"/v1/holds/{offer['id']}", headers=people[0].headers).status_code == 204
    work(as_worker)
    assert offer_to(client, people[1]) is not None


def test_whom_the_time_does_not_fit_is_passed_by(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    part = "morning" if slot.starts_at.astimezone(clock.VIETNAM).hour >= 12 else "afternoon"
    wrong = make_entry(session, slot=slot, part_of_day=part)
    busy = make_citizen(session)
    make_booking(session, citizen=busy, slot=make_slot(session, starts_at=slot.starts_at))
    has_another = make_entry(session, slot=slot, citizen=busy)
    right = make_entry(session, slot=slot)
    free(session, booking)
    work(as_worker)
    states = [state_of(session, each) for each in (wrong, has_another, right)]
    assert states == ["waiting", "waiting", "offered"]


def test_at_night_nobody_is_asked(session: Session, as_worker: Bound) -> None:
    slot, booking = a_full_slot(session, starts_in=timedelta(days=3))
    soon, other = a_full_slot(session, starts_in=timedelta(hours=21))  # at seven next morning
    entries = [make_entry(session, slot=each) for each in (slot, soon)]
    free(session, booking)
    free(session, other)
    with clock.moved(timedelta(hours=12)):  # ten in the evening
        work(as_worker)
        assert [state_of(session, each) for each in entries] == ["waiting", "waiting"]
        kept = text("SELECT for_waitlist FROM seat WHERE slot_id = :id")
        assert session.scalar(kept, {"id": slot.id})
        assert not session.scalar(kept, {"id": soon.id})  # too late in the morning: everybody's
    with clock.moved(timedelta(hours=22)):  # eight in the morning
        work(as_worker)
        assert state_of(session, entries[0]) == "offered"


def test_at_night_a_seat_that_nobody_waits_for_is_everybodys(
    session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session, starts_in=timedelta(days=3))
    entry = make_entry(session, slot=slot)
    with clock.moved(by_day() + timedelta(hours=12)):  # ten in the evening
        free(session, booking)
        work(as_worker)
        assert kept_for_the_line(session, slot) == [True]
        entry.state = "left"
        session.commit()
        work(as_worker)
        assert kept_for_the_line(session, slot) == [False]


def kept_for_the_line(session: Session, slot: Slot) -> list[bool]:
    query = text("SELECT for_waitlist FROM seat WHERE slot_id = :id ORDER BY seat_no")
    return list(session.scalars(query, {"id": slot.id}))


def test_where_there_is_room_nobody_waits(client: FlaskClient, session: Session) -> None:
    """A line is asked when a seat is freed; one that is free already would never be offered."""
    service = make_service(session, has_waitlist=True)
    slot = make_slot(session, service=service, starts_in=timedelta(days=2))
    citizen = make_citizen(session)
    on = slot.starts_at.astimezone(clock.VIETNAM)
    part, other = ("morning", "afternoon") if on.hour < 12 else ("afternoon", "morning")
    body = {"serviceId": str(service.id), "fromOn": f"{on:%Y-%m-%d}", "untilOn": f"{on:%Y-%m-%d}"}
    path = f"/v1/profiles/{citizen.profile.id}/waitlist"
    for wanted, status in (("any", 409), (part, 409), (other, 201)):
        wish = body | {"partOfDay": wanted}
        answer = client.post(path, json=wish, headers=citizen.headers | key())
        assert answer.status_code == status, answer.get_json()
        if status == 409:
            assert slug(answer) == "appointments/room-left"
            assert [one["slotId"] for one in answer.get_json()["alternatives"]] == [str(slot.id)]


def test_a_person_joins_sees_the_place_and_leaves(client: FlaskClient, session: Session) -> None:
    slot, _ = a_full_slot(session)
    make_entry(session, slot=slot)
    citizen = make_citizen(session)
    path = f"/v1/profiles/{citizen.profile.id}/waitlist"
    on = slot.starts_at.astimezone(clock.VIETNAM).date().isoformat()
    body = {"serviceId": str(slot.service_id), "fromOn": on, "untilOn": on}
    headers = citizen.headers | key()
    joined = client.post(path, json=body, headers=headers)
    assert joined.status_code == 201, joined.get_json()
    assert (joined.get_json()["state"], joined.get_json()["place"]) == ("waiting", 2)
    assert client.post(path, json=body, headers=headers).get_json() == joined.get_json()
    twice = client.post(path, json=body, headers=citizen.headers | key())
    assert (twice.status_code, slug(twice)) == (409, "appointments/on-waitlist")
    listed = client.get(path, headers=citizen.headers).get_json()["items"]
    assert [each["id"] for each in listed] == [joined.get_json()["id"]]
    one = f"{path}/{joined.get_json()['id']}"
    assert client.delete(one, headers={}).status_code == 401
    assert client.delete(one, headers=make_citizen(session).headers).status_code == 404
    assert client.delete(one, headers=citizen.headers).status_code == 204
    assert client.get(path, headers=citizen.headers).get_json()["items"] == []
    assert client.delete(one, headers=citizen.headers).status_code == 404


def test_leaving_with_an_open_offer_frees_the_seat(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    citizen = make_citizen(session)
    entry = make_entry(session, slot=slot, citizen=citizen)
    free(session, booking)
    work(as_worker)
    assert state_of(session, entry) == "offered"
    path = f"/v1/profiles/{citizen.profile.id}/waitlist/{entry.id}"
    assert client.delete(path, headers=citizen.headers).status_code == 204
    assert state_of(session, entry) == "left"
    assert seats_of(session, slot.id) == {1: None}


def test_what_cannot_be_waited_for(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    path = f"/v1/profiles/{citizen.profile.id}/waitlist"
    today = clock.today()
    has_none = make_service(session, has_waitlist=False)
    service = make_service(session, has_waitlist=True)
    bodies = [
        ({"serviceId": str(has_none.id)}, 409),
        ({"serviceId": str(uuid4())}, 404),
        ({"serviceId": str(service.id), "untilOn": str(today - timedelta(days=1))}, 422),
        ({"serviceId": str(service.id), "untilOn": str(today + timedelta(days=999))}, 422),
        ({"serviceId": "x"}, 422),
    ]
    for more, status in bodies:
        body = {"fromOn": str(today), "untilOn": str(today)} | more
        answered = client.post(path, json=body, headers=citizen.headers | key())
        assert answered.status_code == status, more
        assert status != 409 or slug(answered) == "appointments/no-waitlist"
    stranger = make_citizen(session)
    body = {"serviceId": str(service.id), "fromOn": str(today), "untilOn": str(today)}
    assert client.post(path, json=body, headers=stranger.headers | key()).status_code == 404


def test_waiting_for_days_that_are_over_ends(session: Session, as_worker: Bound) -> None:
    slot, _ = a_full_slot(session)
    entry = make_entry(session, slot=slot)
    with clock.moved(timedelta(days=5)), as_worker(), unit_of_work() as worker:
        assert end_entries(worker, clock.now())
    assert state_of(session, entry) == "ended"


def test_the_name_of_nobody_else_is_in_an_offer(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    citizen = make_citizen(session)
    make_entry(session, slot=slot, citizen=citizen)
    free(session, booking)
    work(as_worker)
    held = session.query(Booking).where(Booking.slot_id == slot.id, Booking.state == "held").one()
    assert (held.profile_id, held.person_name) == (citizen.profile.id, citizen.profile.full_name)
    assert isinstance(held.hold_id, UUID)
