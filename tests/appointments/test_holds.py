"""Holding seats, and booking what is held."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, BookingDue, Hold
from phr_api.appointments.service.lapsing import lapse_holds
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import act, book, booked, hold, hold_by_phone, slug
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.consent import make_carer
from tests.factories.people import make_citizen, make_phone, make_profile, make_staff

Bound = Callable[[], AbstractContextManager[None]]


def test_a_citizen_holds_a_seat_and_books_it(client: FlaskClient, session: Session) -> None:
    asks = [{"id": "q", "text": "Có dị ứng không?", "kind": "text", "isRequired": False}]
    slot = make_slot(session, service=make_service(session, questions=asks))
    citizen = make_citizen(session)
    held = hold(client, citizen, slot, [citizen.profile.id])
    assert held.status_code == 201, held.get_json()
    body = held.get_json()
    assert [each["profileId"] for each in body["bookings"]] == [str(citizen.profile.id)]
    assert not body["isOver"]
    made = book(client, citizen, body, reason="Đau đầu", answers={"q": "không"})
    assert made.status_code == 201, made.get_json()
    (one,) = made.get_json()["items"]
    assert one["state"] == "requested"
    assert one["reason"] == "Đau đầu"
    assert one["person"]["name"] == citizen.profile.full_name
    assert one["qr"].startswith(f"PHRB1.{one['id']}.")
    assert one["respondBy"] < one["startsAt"]
    assert seats_of(session, slot.id) == {1: UUID(one["id"])}


def test_booking_tells_and_plans_reminders(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session, starts_in=timedelta(days=3))
    one = booked(client, citizen, slot)
    told = session.execute(
        text("SELECT kind, profile_id, params ->> 'service' FROM notification WHERE ref_id = :id"),
        {"id": one["id"]},
    ).all()
    assert told == [("booking.requested", citizen.profile.id, "Khám thử")]
    due = session.scalars(select(BookingDue.what).where(BookingDue.booking_id == UUID(one["id"])))
    assert set(due) == {"remind-day", "remind-2h", "still-coming"}


def test_a_service_may_confirm_by_itself(client: FlaskClient, session: Session) -> None:
    slot = make_slot(session, service=make_service(session, confirms_itself=True))
    one = booked(client, make_citizen(session), slot)
    assert one["state"] == "confirmed"
    assert one["respondBy"] is None


def test_nobody_holds_without_signing_in(client: FlaskClient, session: Session) -> None:
    slot = make_slot(session)
    assert client.post("/v1/holds", json={}, headers={}).status_code == 401
    citizen = make_citizen(session)
    session.execute(
        text("UPDATE session SET ended_at = now() WHERE id = :id"), {"id": citizen.session.id}
    )
    session.commit()
    assert hold(client, citizen, slot, [citizen.profile.id]).status_code == 401


def test_a_stranger_holds_for_nobody_and_leaves_a_trace(
    client: FlaskClient, session: Session
) -> None:
    victim, stranger, slot = make_citizen(session), make_citizen(session), make_slot(session)
    refused = hold(client, stranger, slot, [victim.profile.id])
    assert refused.status_code == 404
    assert seats_of(session, slot.id) == {1: None}
    count = text("SELECT count(*) FROM audit_refusal WHERE actor_id = :id AND profile_id = :who")
    values = {"id": stranger.account.id, "who": victim.profile.id}
    assert session.scalar(count, values) == 1


def test_a_session_below_record_level_holds_for_nobody(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session, assurance="account")
    refused = hold(client, citizen, make_slot(session), [citizen.profile.id])
    assert (refused.status_code, slug(refused)) == (403, "consent/record-sign-in-needed")


def test_a_carer_books_for_a_child_with_a_trace(client: FlaskClient, session: Session) -> None:
    mother, child = make_citizen(session), make_profile(session, birth="2021-01-01")
    make_carer(session, account=mother.account, child=child)
    slot = make_slot(session)
    held = hold(client, mother, slot, [child.id])
    assert held.status_code == 201
    assert book(client, mother, held.get_json()).status_code == 201
    traced = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id"
        ),
        {"id": child.id},
    ).all()
    assert {"booking.hold", "booking.create"} <= set(traced)


def test_a_carer_who_may_only_see_does_not_book(client: FlaskClient, session: Session) -> None:
    mother, child = make_citizen(session), make_profile(session, birth="2021-01-01")
    make_carer(session, account=mother.account, child=child, powers=("see",))
    assert hold(client, mother, make_slot(session), [child.id]).status_code == 404


def test_a_sensitive_service_for_a_teenager_is_the_teenagers(
    client: FlaskClient, session: Session
) -> None:
    mother, teen = make_citizen(session), make_profile(session, birth="2010-01-01")
    make_carer(session, account=mother.account, child=teen)
    slot = make_slot(session, service=make_service(session, classes=["mental"]))
    assert hold(client, mother, slot, [teen.id]).status_code == 404
    assert hold(client, mother, make_slot(session), [teen.id]).status_code == 201


def test_a_family_gets_adjoining_slots_or_nothing(client: FlaskClient, session: Session) -> None:
    mother = make_citizen(session)
    children = [make_profile(session, birth="2021-01-01") for _ in range(2)]
    for child in children:
        make_carer(session, account=mother.account, child=child)
    first = make_slot(session)
    schedule = session.get_one(type(first), first.id)
    from phr_api.appointments.models import Schedule  # noqa: PLC0415

    plan = session.get_one(Schedule, schedule.schedule_id)
    second = make_slot(session, schedule=plan, starts_at=first.ends_at)
    people = [child.id for child in children]
    held = hold(client, mother, first, people).get_json()
    assert [each["slot"]["id"] for each in held["bookings"]] == [str(first.id), str(second.id)]
    made = book(client, mother, held).get_json()["items"]
    assert {one["person"]["profileId"] for one in made} == {str(each) for each in people}
    other = make_citizen(session)
    alone = make_slot(session)
    make_carer(session, account=other.account, child=children[0])
    refused = hold(client, other, alone, [other.profile.id, children[0].id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/slot-full")
    assert seats_of(session, alone.id) == {1: None}


def test_a_full_slot_is_refused_with_alternatives(client: FlaskClient, session: Session) -> None:
    service = make_service(session)
    slot, later = (
        make_slot(session, service=service),
        make_slot(session, service=service, starts_in=timedelta(days=3)),
    )
    make_booking(session, slot=slot)
    citizen = make_citizen(session)
    refused = hold(client, citizen, slot, [citizen.profile.id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/slot-full")
    assert [each["slotId"] for each in refused.get_json()["alternatives"]] == [str(later.id)]


def test_alternatives_are_the_nearest_to_the_time_asked_for(
    client: FlaskClient, session: Session
) -> None:
    service, citizen = make_service(session), make_citizen(session)
    wished = make_slot(session, service=service, starts_in=timedelta(days=6))
    make_slot(session, starts_in=timedelta(days=6))  # of another service
    days = (1, 2, 3, 5, 8, 10)
    free = {day: make_slot(session, service=service, starts_in=timedelta(days=day)) for day in days}
    make_booking(session, slot=wished)
    refused = hold(client, citizen, wished, [citizen.profile.id])
    nearest = [str(free[day].id) for day in (5, 8, 3)]
    assert [each["slotId"] for each in refused.get_json()["alternatives"]] == nearest
    booking = make_booking(session, citizen=citizen, slot=free[1])
    path = f"/v1/profiles/{citizen.profile.id}/bookings/{booking.id}"
    refused = act(client, path, "reschedule", citizen, {"slotId": str(wished.id)})
    assert [each["slotId"] for each in refused.get_json()["alternatives"]] == nearest


def test_a_slot_that_is_closed_or_not_yet_open_is_refused(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    closed, later = make_slot(session), make_slot(session)
    closed.status, later.opens_at = "closed", clock.now() + timedelta(hours=1)
    session.commit()
    for slot in (closed, later, make_slot(session, starts_in=timedelta(minutes=30))):
        refused = hold(client, citizen, slot, [citizen.profile.id])
        assert (refused.status_code, slug(refused)) == (409, "appointments/slot-not-open")
        assert refused.get_json()["opensAt"].endswith("+07:00")
    unknown = make_slot(session)
    unknown.service_id = uuid4()
    assert hold(client, citizen, unknown, [citizen.profile.id]).status_code == 404


def test_one_person_is_in_one_place_at_a_time(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    booked(client, citizen, slot)
    same_time = make_slot(session, starts_at=slot.starts_at + timedelta(minutes=5))
    refused = hold(client, citizen, same_time, [citizen.profile.id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/overlapping")


def test_the_quota_of_a_service_is_kept(client: FlaskClient, session: Session) -> None:
    citizen, service = make_citizen(session), make_service(session, most_open=1)
    booked(client, citizen, make_slot(session, service=service))
    other = make_slot(session, service=service, starts_in=timedelta(days=4))
    refused = hold(client, citizen, other, [citizen.profile.id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/quota-reached")


def test_three_absences_leave_one_open_booking(client: FlaskClient, session: Session) -> None:
    citizen, service = make_citizen(session), make_service(session, most_open=5)
    for days in (1, 2, 3):
        past = make_slot(session, starts_in=timedelta(days=-days))
        make_booking(session, citizen=citizen, slot=past, state="no-show")
    booked(client, citizen, make_slot(session, service=service))
    other = make_slot(session, service=service, starts_in=timedelta(days=4))
    assert slug(hold(client, citizen, other, [citizen.profile.id])) == "appointments/quota-reached"


def test_a_new_hold_replaces_the_earlier_one(client: FlaskClient, session: Session) -> None:
    citizen, service = make_citizen(session), make_service(session)
    first = make_slot(session, service=service)
    second = make_slot(session, service=service, starts_in=timedelta(days=4))
    old = hold(client, citizen, first, [citizen.profile.id]).get_json()
    new = hold(client, citizen, second, [citizen.profile.id])
    assert new.status_code == 201
    assert seats_of(session, first.id) == {1: None}
    late = book(client, citizen, old)
    assert (late.status_code, slug(late)) == (409, "appointments/hold-expired")
    listed = client.get("/v1/holds", headers=citizen.headers).get_json()["items"]
    assert [each["id"] for each in listed] == [new.get_json()["id"]]


def test_the_same_time_can_be_held_anew(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    hold(client, citizen, slot, [citizen.profile.id])
    again = hold(client, citizen, slot, [citizen.profile.id])
    assert again.status_code == 201
    assert seats_of(session, slot.id) == {1: UUID(again.get_json()["bookings"][0]["id"])}


def test_two_carers_do_not_both_hold_for_one_child(client: FlaskClient, session: Session) -> None:
    child, service = make_profile(session, birth="2021-01-01"), make_service(session)
    parents = [make_citizen(session) for _ in range(2)]
    for parent in parents:
        make_carer(session, account=parent.account, child=child)
    slots = [make_slot(session, service=service, starts_in=timedelta(days=days)) for days in (2, 3)]
    assert hold(client, parents[0], slots[0], [child.id]).status_code == 201
    refused = hold(client, parents[1], slots[1], [child.id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/hold-exists")


def test_a_replay_answers_as_the_first_time_two_days_later(
    client: FlaskClient, session: Session
) -> None:
    citizen, slot = make_citizen(session), make_slot(session, starts_in=timedelta(days=5))
    first = hold(client, citizen, slot, [citizen.profile.id], name="hold-1")
    again = hold(client, citizen, slot, [citizen.profile.id], name="hold-1")
    assert again.get_json() == first.get_json()
    one = book(client, citizen, first.get_json(), name="book-1")
    with clock.moved(timedelta(days=2)):
        from tests.factories.people import bearer  # noqa: PLC0415

        fresh = type(citizen)(
            account=citizen.account,
            session=citizen.session,
            principal=citizen.principal,
            headers=bearer(citizen.principal),
            profile=citizen.profile,
        )
        retried = book(client, fresh, first.get_json(), name="book-1")
    assert retried.status_code == 201
    assert [each["id"] for each in retried.get_json()["items"]] == [
        each["id"] for each in one.get_json()["items"]
    ]
    other = hold(client, citizen, make_slot(session), [citizen.profile.id], name="hold-1")
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    assert (
        session.scalar(
            text("SELECT count(*) FROM booking WHERE profile_id = :id"), {"id": citizen.profile.id}
        )
        == 1
    )


def test_a_replay_needs_the_right_again(client: FlaskClient, session: Session) -> None:
    mother, child = make_citizen(session), make_profile(session, birth="2021-01-01")
    carer = make_carer(session, account=mother.account, child=child)
    slot = make_slot(session)
    assert hold(client, mother, slot, [child.id], name="k").status_code == 201
    carer.suspended_at = clock.now()
    session.commit()
    assert hold(client, mother, slot, [child.id], name="k").status_code == 404


def test_after_ten_minutes_a_hold_is_over(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    row = session.get_one(Hold, UUID(held["id"]))
    row.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    late = book(client, citizen, held)  # before the worker has swept
    assert (late.status_code, slug(late)) == (409, "appointments/hold-expired")
    with as_worker(), unit_of_work() as work:
        assert lapse_holds(work, clock.now())
    assert seats_of(session, slot.id) == {1: None}
    assert session.get(Booking, UUID(held["bookings"][0]["id"])) is None


def test_a_hold_is_given_back(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    path = f"/v1/holds/{held['id']}"
    assert client.delete(path, headers=make_citizen(session).headers).status_code == 404
    assert client.delete(path, headers={}).status_code == 401
    assert client.delete(path, headers=citizen.headers).status_code == 204
    assert seats_of(session, slot.id) == {1: None}
    assert client.delete(path, headers=citizen.headers).status_code == 404


def test_a_hold_is_its_holders(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    assert book(client, make_citizen(session), held).status_code == 404
    assert book(client, make_staff(session), held).status_code == 404


def test_what_is_booked_is_what_is_held(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    wrong = held | {"bookings": [{"id": str(uuid4())}]}
    assert book(client, citizen, wrong).status_code == 422
    more = held | {"bookings": [*held["bookings"], {"id": str(uuid4())}]}
    assert book(client, citizen, more).status_code == 422
    assert book(client, citizen, held).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"serviceId": "x", "slotId": "y"},
        {"serviceId": str(uuid4()), "slotId": str(uuid4()), "people": []},
        {"serviceId": str(uuid4()), "slotId": str(uuid4()), "people": [str(UUID(int=1))] * 2},
    ],
)
def test_a_body_that_is_not_as_documented(
    client: FlaskClient, session: Session, body: dict[str, object]
) -> None:
    headers = make_citizen(session).headers | {"Idempotency-Key": "k"}
    assert client.post("/v1/holds", json=body, headers=headers).status_code == 422


def test_a_phone_session_books_and_no_other_kind_does_so(
    client: FlaskClient, session: Session
) -> None:
    phone, slot = make_phone(session), make_slot(session)
    held = hold_by_phone(client, phone, slot)
    assert held.status_code == 201, held.get_json()
    made = book(client, phone, held.get_json(), cardNumber="DN4019999999999")
    assert made.status_code == 201, made.get_json()
    (one,) = made.get_json()["items"]
    assert one["person"] == {"profileId": None, "name": "Lê Thử Điện Thoại"}
    assert one["card"] is None
    assert hold_by_phone(client, make_citizen(session), make_slot(session)).status_code == 403
    victim = make_citizen(session)
    assert hold(client, phone, make_slot(session), [victim.profile.id]).status_code in {403, 404}


def test_in_a_rush_no_seat_is_sold_twice(app: Flask, session: Session) -> None:
    slot, people = make_slot(session, capacity=3), [make_citizen(session) for _ in range(8)]
    gate, statuses = Barrier(len(people)), []

    def rush(index: int) -> None:
        citizen = people[index]
        with app.test_client() as client:
            gate.wait()
            held = hold(client, citizen, slot, [citizen.profile.id])
            statuses.append(held.status_code)
            if held.status_code == 201:
                assert book(client, citizen, held.get_json()).status_code == 201

    threads = [Thread(target=rush, args=(index,)) for index in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 3 + [409] * 5
    taken = [each for each in seats_of(session, slot.id).values() if each]
    assert len(set(taken)) == 3
