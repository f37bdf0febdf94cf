"""Bookings of somebody who proved a phone number and nothing else (R2)."""

from datetime import timedelta
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.appointments import By
from phr_api.appointments.service import moving
from phr_api.clinics.models import ClinicService
from phr_api.identity.models import PhoneProof
from phr_api.kit import clock
from tests.appointments.asking import act, book, hold_by_phone, key, slug
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.people import SignedIn, make_citizen, make_phone

ALL = "/v1/me/phone-bookings"


def booked_by_phone(
    client: FlaskClient,
    who: SignedIn,
    *,
    session: Session,
    service: ClinicService | None = None,
) -> dict[str, str]:
    slot = make_slot(session, service=service)
    held = hold_by_phone(client, who, slot).get_json()
    made = book(client, who, held)
    assert made.status_code == 201, made.get_json()
    one: dict[str, str] = made.get_json()["items"][0]
    return one


def test_a_phone_sees_its_own_bookings_and_no_others(client: FlaskClient, session: Session) -> None:
    phone, other = make_phone(session), make_phone(session)
    one = booked_by_phone(client, phone, session=session)
    listed = client.get(ALL, headers=phone.headers).get_json()["items"]
    assert [each["id"] for each in listed] == [one["id"]]
    assert client.get(ALL, headers=other.headers).get_json()["items"] == []
    path = f"{ALL}/{one['id']}"
    assert client.get(path, headers=phone.headers).get_json()["answers"] == {}
    assert client.get(path, headers=other.headers).status_code == 404
    assert client.get(path, headers={}).status_code == 401
    assert client.get(path, headers=make_citizen(session).headers).status_code == 403
    theirs = make_booking(session)
    assert client.get(f"{ALL}/{theirs.id}", headers=phone.headers).status_code == 404


def test_a_number_verified_anew_shows_nothing_older(client: FlaskClient, session: Session) -> None:
    phone = make_phone(session)
    one = booked_by_phone(client, phone, session=session)
    proof = session.get_one(PhoneProof, phone.account.id)
    proof.verified_at = clock.now() + timedelta(seconds=1)
    session.commit()
    assert client.get(ALL, headers=phone.headers).get_json()["items"] == []
    assert client.get(f"{ALL}/{one['id']}", headers=phone.headers).status_code == 404


def test_a_phone_cancels_and_moves(client: FlaskClient, session: Session) -> None:
    phone, service = make_phone(session), make_service(session)
    one = booked_by_phone(client, phone, session=session, service=service)
    new = make_slot(session, service=service, starts_in=timedelta(days=4))
    path = f"{ALL}/{one['id']}"
    moved = act(client, path, "reschedule", phone, {"slotId": str(new.id)})
    assert moved.status_code == 200, moved.get_json()
    assert moved.get_json()["slotId"] == str(new.id)
    late = client.post(f"{path}/cancellation", json={}, headers=phone.headers | {"If-Match": '"x"'})
    assert (late.status_code, slug(late)) == (409, "appointments/state-changed")
    assert act(client, path, "cancellation", phone, {}).get_json()["state"] == "cancelled"
    assert seats_of(session, new.id) == {1: None}


def test_a_phone_answers_proposals_and_questions(client: FlaskClient, session: Session) -> None:
    phone, service = make_phone(session), make_service(session, confirms_itself=True)
    one = booked_by_phone(client, phone, session=session, service=service)
    path = f"{ALL}/{one['id']}"
    coming = {"coming": True}
    yes = client.post(f"{path}/still-coming", json=coming, headers=phone.headers | key("k"))
    assert yes.get_json()["stillComing"] == "yes"
    again = client.post(f"{path}/still-coming", json=coming, headers=phone.headers | key("k"))
    assert (again.status_code, again.get_json()) == (200, yes.get_json())
    keyless = client.post(f"{path}/still-coming", json=coming, headers=phone.headers)
    assert (keyless.status_code, slug(keyless)) == (400, "idempotency-key-missing")
    new = make_slot(session, service=service, starts_in=timedelta(days=4))
    moving.propose(
        session, UUID(one["id"]), new.id, until=None, expected=None, actor=By(kind="worker")
    )
    session.commit()
    taken = act(client, path, "proposal-answer", phone, {"accept": True})
    assert taken.get_json()["slotId"] == str(new.id)


def test_a_phone_has_a_quota_too(client: FlaskClient, session: Session) -> None:
    phone, service = make_phone(session), make_service(session, most_open=1)
    booked_by_phone(client, phone, session=session, service=service)
    other = make_slot(session, service=service, starts_in=timedelta(days=4))
    assert slug(hold_by_phone(client, phone, other)) == "appointments/quota-reached"


def test_the_lists_cursor_is_this_lists(client: FlaskClient, session: Session) -> None:
    phone = make_phone(session)
    assert client.get(f"{ALL}?after=x", headers=phone.headers).status_code == 400
    assert client.get(f"{ALL}?limit=0", headers=phone.headers).status_code == 422
