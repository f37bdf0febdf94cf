"""What a clinic's desk does with bookings."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.appointments.models import Booking, Slot
from phr_api.kit import clock
from tests.appointments.asking import act, key, mine, seats_by, slug
from tests.factories.appointments import (
    make_booking,
    make_facility,
    make_service,
    make_slot,
    seats_of,
)
from tests.factories.people import SignedIn, make_citizen, make_staff

CODE = "99031"
BOOKINGS = f"/v1/facilities/{CODE}/bookings"


def a_slot(session: Session, **more: Any) -> Slot:
    make_facility(session, code=CODE)
    service = more.pop("service", None) or make_service(session, facility_code=CODE)
    return make_slot(session, service=service, **more)


def requested(session: Session, **more: Any) -> Booking:
    return make_booking(session, slot=a_slot(session), state="requested", **more)


def a_clerk(session: Session, role: str = "desk") -> SignedIn:
    return make_staff(session, facility_code=CODE, role=role)


def at(booking: Booking) -> str:
    return f"{BOOKINGS}/{booking.id}"


def confirm_many(
    client: FlaskClient, clerk: SignedIn, *bookings: Booking, name: str | None = None
) -> TestResponse:
    """Confirm them at once, as they were when they were made."""
    items = [{"id": str(booking.id), "version": 1} for booking in bookings]
    sent = clerk.headers | key(name)
    return client.post(f"{BOOKINGS}/confirmations", json={"items": items}, headers=sent)


def kinds_told(session: Session, booking: Booking) -> list[str]:
    query = text("SELECT kind FROM notification WHERE ref_id = :id ORDER BY id")
    return list(session.scalars(query, {"id": booking.id}))


def test_the_desk_confirms_and_the_citizen_is_told(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    booking, clerk = requested(session, citizen=citizen), a_clerk(session)
    answered = act(client, at(booking), "confirmation", clerk)
    assert answered.status_code == 200, answered.get_json()
    assert (answered.get_json()["state"], answered.get_json()["version"]) == ("confirmed", 2)
    assert kinds_told(session, booking) == ["booking.confirmed"]
    seen = client.get(mine(citizen, str(booking.id)), headers=citizen.headers).get_json()
    assert seen["state"] == "confirmed"
    assert [(one["what"], one["by"]) for one in seen["history"]] == [("confirmed", "Nhân viên thử")]


def test_of_two_desks_one_confirms_and_the_other_sees_the_state(
    client: FlaskClient, session: Session
) -> None:
    booking, clerks = requested(session), [a_clerk(session), a_clerk(session)]
    tag = client.get(at(booking), headers=clerks[0].headers).headers["ETag"]
    match = {"If-Match": tag}
    path = f"{at(booking)}/confirmation"
    assert client.post(path, headers=clerks[0].headers | match).status_code == 200
    lost = client.post(path, headers=clerks[1].headers | match)
    assert (lost.status_code, slug(lost)) == (409, "appointments/state-changed")
    now = lost.get_json()
    assert (now["state"], now["version"]) == ("confirmed", 2)
    assert now["etag"] == client.get(at(booking), headers=clerks[0].headers).headers["ETag"]
    assert kinds_told(session, booking) == ["booking.confirmed"]


def test_two_desks_at_the_same_moment_have_one_winner(app: Flask, session: Session) -> None:
    booking, clerks = requested(session), [a_clerk(session) for _ in range(4)]
    tag = app.test_client().get(at(booking), headers=clerks[0].headers).headers["ETag"]
    gate, statuses = Barrier(4), []

    def press(clerk: SignedIn, action: str, body: Any) -> None:
        with app.test_client() as client:
            gate.wait()
            headers = clerk.headers | {"If-Match": tag}
            done = client.post(f"{at(booking)}/{action}", headers=headers, json=body)
            statuses.append(done.status_code)

    actions = [("decline", {"reason": "x"}), ("confirmation", {})] * 2
    threads = [
        Thread(target=press, args=(clerk, *action))
        for clerk, action in zip(clerks, actions, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert len(kinds_told(session, booking)) == 1


def test_a_change_needs_the_version_that_was_read(client: FlaskClient, session: Session) -> None:
    booking, clerk = requested(session), a_clerk(session)
    without = client.post(f"{at(booking)}/confirmation", headers=clerk.headers)
    assert without.status_code == 428


def test_a_request_is_declined_with_a_reason(client: FlaskClient, session: Session) -> None:
    booking, clerk = requested(session), a_clerk(session)
    assert act(client, at(booking), "decline", clerk, {}).status_code == 422
    answered = act(client, at(booking), "decline", clerk, {"reason": "Bác sĩ nghỉ"})
    assert answered.get_json()["declinedReason"] == "Bác sĩ nghỉ"
    assert seats_by(session, booking) == {1: None}
    assert kinds_told(session, booking) == ["booking.declined"]
    again = act(client, at(booking), "confirmation", clerk)
    assert (again.status_code, slug(again)) == (409, "appointments/wrong-state")
    assert again.get_json()["state"] == "declined"


def test_the_desk_cancels(client: FlaskClient, session: Session) -> None:
    booking, clerk = make_booking(session, slot=a_slot(session)), a_clerk(session)
    answered = act(client, at(booking), "cancellation", clerk, {"reason": "Hỏng máy"})
    body = answered.get_json()
    assert (body["state"], body["cancelledBy"], body["isLate"]) == ("cancelled", "staff", False)
    assert seats_by(session, booking) == {1: None}
    told = text("SELECT kind, params ->> 'reason', wants_sms FROM notification WHERE ref_id = :id")
    assert session.execute(told, {"id": booking.id}).all() == [
        ("booking.cancelled-by-clinic", "Hỏng máy", True)
    ]


def test_who_does_not_come_keeps_the_seat(client: FlaskClient, session: Session) -> None:
    clerk = a_clerk(session)
    early = make_booking(session, slot=a_slot(session))
    refused = act(client, at(early), "no-show", clerk)
    assert (refused.status_code, slug(refused)) == (409, "appointments/too-early")
    booking = make_booking(session, slot=a_slot(session, starts_at=clock.now()))
    answered = act(client, at(booking), "no-show", clerk)
    assert answered.get_json()["state"] == "no-show"
    assert seats_by(session, booking) == {1: booking.id}


def test_many_are_confirmed_at_once_with_an_outcome_each(
    client: FlaskClient, session: Session
) -> None:
    first, second, gone = requested(session), requested(session), requested(session)
    gone.state = "cancelled"
    session.commit()
    unknown = uuid4()
    items = [
        {"id": str(gone.id), "version": 1},
        {"id": str(first.id), "version": 1},
        {"id": str(unknown), "version": 1},
        {"id": str(second.id), "version": 7},
    ]
    clerk = a_clerk(session)
    answered = client.post(
        f"{BOOKINGS}/confirmations", json={"items": items}, headers=clerk.headers | key()
    )
    assert answered.status_code == 200, answered.get_json()
    outcomes = [(one["outcome"], one["state"]) for one in answered.get_json()["items"]]
    assert outcomes == [
        ("state-changed", "cancelled"),
        ("confirmed", "confirmed"),
        ("not-found", None),
        ("state-changed", "requested"),
    ]
    assert kinds_told(session, first) == ["booking.confirmed"]
    assert kinds_told(session, second) == []


def test_who_confirms_many_again_is_told_the_same(client: FlaskClient, session: Session) -> None:
    clerk, name = a_clerk(session), uuid4().hex
    gone, first, later = requested(session), requested(session), requested(session)
    gone.state = "cancelled"
    session.commit()
    told = confirm_many(client, clerk, gone, first, later, name=name)
    again = confirm_many(client, clerk, gone, first, later, name=name)
    assert [one["outcome"] for one in told.get_json()["items"]] == [
        "state-changed",
        "confirmed",
        "confirmed",
    ]
    assert (again.status_code, again.get_json()) == (200, told.get_json())
    act(client, at(later), "cancellation", clerk, {"reason": "Bác sĩ nghỉ"})
    again = confirm_many(client, clerk, gone, first, later, name=name)
    assert [tuple(one.values()) for one in again.get_json()["items"]] == [
        (str(gone.id), "state-changed", "cancelled", 1),
        (str(first.id), "confirmed", "confirmed", 2),
        (str(later.id), "confirmed", "cancelled", 3),
    ]
    other = confirm_many(client, clerk, first, name=name)
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    bulk = {"items": [{"id": str(first.id), "version": 1}]}
    keyless = client.post(f"{BOOKINGS}/confirmations", json=bulk, headers=clerk.headers)
    assert (keyless.status_code, slug(keyless)) == (400, "idempotency-key-missing")


def test_a_request_of_a_day_that_is_over_is_not_confirmed_among_others(
    client: FlaskClient, session: Session
) -> None:
    past, open_one = requested(session), requested(session)
    past.starts_at -= timedelta(days=4)
    session.commit()
    clerk = a_clerk(session)
    assert client.get(at(past), headers=clerk.headers).status_code == 404
    answered = confirm_many(client, clerk, past, open_one)
    outcomes = [(one["outcome"], one["state"]) for one in answered.get_json()["items"]]
    assert outcomes == [("not-found", None), ("confirmed", "confirmed")]
    assert kinds_told(session, past) == []


def test_the_days_list_is_traced_and_marks_cards(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    slot = a_slot(session, starts_at=clock.now() + timedelta(days=40))
    on = slot.starts_at.astimezone(clock.VIETNAM).date()
    booking = make_booking(
        session,
        citizen=citizen,
        slot=slot,
        card_number="DN4010000000001",
        card_valid_until=clock.today(),
    )
    clerk = a_clerk(session, "viewer")
    listed = client.get(f"{BOOKINGS}?on={on}", headers=clerk.headers).get_json()["items"]
    (line,) = [each for each in listed if each["id"] == str(booking.id)]
    assert line["card"]["isExpired"]
    assert "qr" not in line
    assert "profileId" not in line["person"]
    count = text(
        "SELECT count(*) FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
        " WHERE s.profile_id = :id AND e.action = 'bookings.list'"
    )
    assert session.scalar(count, {"id": citizen.profile.id}) == 1
    yesterday = clock.today() - timedelta(days=1)
    assert client.get(f"{BOOKINGS}?on={yesterday}", headers=clerk.headers).status_code == 422


def test_requests_come_longest_waiting_first_in_pages(
    client: FlaskClient, session: Session
) -> None:
    code = "99032"
    make_facility(session, code=code)
    service = make_service(session, facility_code=code)
    waiting = [
        make_booking(
            session,
            slot=make_slot(session, service=service),
            state="requested",
            created_at=clock.now() - timedelta(minutes=minutes),
        )
        for minutes in (5, 90, 30)
    ]
    headers = make_staff(session, facility_code=code).headers
    path = f"/v1/facilities/{code}/bookings?state=requested&limit=2"
    first = client.get(path, headers=headers).get_json()
    second = client.get(f"{path}&after={first['next']}", headers=headers).get_json()
    ids = [each["id"] for each in first["items"] + second["items"]]
    assert ids == [str(waiting[index].id) for index in (1, 2, 0)]
    assert first["items"][0]["waitingMinutes"] == 90
    assert second["next"] is None


def test_a_hold_is_not_on_the_desks_list(client: FlaskClient, session: Session) -> None:
    slot = a_slot(session, starts_at=clock.now() + timedelta(days=41))
    held = make_booking(session, slot=slot, state="held")
    on = slot.starts_at.astimezone(clock.VIETNAM).date()
    clerk = a_clerk(session)
    listed = client.get(f"{BOOKINGS}?on={on}", headers=clerk.headers).get_json()["items"]
    assert str(held.id) not in [each["id"] for each in listed]
    assert client.get(at(held), headers=clerk.headers).status_code == 404


def test_a_guest_is_booked_once_by_phone(client: FlaskClient, session: Session) -> None:
    clerk, slot = a_clerk(session), a_slot(session)
    body = {
        "serviceId": str(slot.service_id),
        "slotId": str(slot.id),
        "fullName": "Phạm Khách Thử",
        "phone": "+84900000001",
    }
    headers = clerk.headers | key()
    made = client.post(BOOKINGS, json=body, headers=headers)
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["person"]["name"] == "Phạm Khách Thử"
    assert made.get_json()["state"] == "confirmed"
    again = client.post(BOOKINGS, json=body, headers=headers)
    assert (again.status_code, again.get_json()["id"]) == (201, made.get_json()["id"])
    full = client.post(BOOKINGS, json=body, headers=clerk.headers | key())
    assert (full.status_code, slug(full)) == (409, "appointments/slot-full")
    booking = session.get_one(Booking, UUID(made.get_json()["id"]))
    cancelled = act(client, at(booking), "cancellation", clerk, {"reason": "Khách báo bận"})
    assert cancelled.status_code == 200
    assert seats_of(session, slot.id) == {1: None}


def test_who_a_guest_is_is_their_facilitys_alone(
    client: FlaskClient, session: Session, web_connection: Connection
) -> None:
    clerk, slot = a_clerk(session), a_slot(session)
    name = f"Khách Thử {uuid4().hex}"
    body = {"serviceId": str(slot.service_id), "slotId": str(slot.id), "fullName": name}
    assert client.post(BOOKINGS, json=body, headers=clerk.headers | key()).status_code == 201
    for facility, seen in ((CODE, 1), ("99002", 0), ("", 0)):
        set_to = text("SELECT set_config('phr.facility_id', :code, true)")
        web_connection.execute(set_to, {"code": facility})
        count = text("SELECT count(*) FROM guest WHERE full_name = :name")
        assert web_connection.scalar(count, {"name": name}) == seen


def test_a_guest_is_not_booked_at_another_clinics_service(
    client: FlaskClient, session: Session
) -> None:
    slot = make_slot(session)
    body = {"serviceId": str(slot.service_id), "slotId": str(slot.id), "fullName": "Khách"}
    headers = a_clerk(session).headers | key()
    assert client.post(BOOKINGS, json=body, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda _: {}, 401),
        (lambda session: make_citizen(session).headers, 404),
        (lambda session: make_staff(session, facility_code="99033").headers, 404),
        (lambda session: a_clerk(session, "viewer").headers, 403),
        (lambda session: a_clerk(session, "doctor").headers, 403),
    ],
)
def test_only_the_desk_changes_bookings(
    client: FlaskClient,
    session: Session,
    make: Callable[[Session], dict[str, str]],
    status: int,
) -> None:
    booking, headers = requested(session), make(session)
    match = {"If-Match": '"any"'}
    bodies: dict[str, Any] = {
        "confirmation": None,
        "decline": {"reason": "x"},
        "cancellation": {"reason": "x"},
        "proposal": {"slotId": str(uuid4())},
        "no-show": None,
    }
    for action, body in bodies.items():
        answered = client.post(f"{at(booking)}/{action}", headers=headers | match, json=body)
        assert answered.status_code == status, action
    bulk = {"items": [{"id": str(booking.id), "version": 1}]}
    answered = client.post(f"{BOOKINGS}/confirmations", headers=headers | key(), json=bulk)
    assert answered.status_code == status
