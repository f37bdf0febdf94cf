"""What tests of bookings ask over HTTP, in a line."""

from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.appointments.models import Booking, Slot
from tests.factories.appointments import seats_of
from tests.factories.people import Citizen, SignedIn, bearer

Who = TypeVar("Who", bound=SignedIn)


def later(who: Who) -> Who:
    """The same person with a token of now: a test has moved the clock."""
    return replace(who, headers=bearer(who.principal))


def key(name: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": name or uuid4().hex}


def hold(
    client: FlaskClient, who: SignedIn, slot: Slot, people: list[UUID], *, name: str | None = None
) -> TestResponse:
    body = {
        "serviceId": str(slot.service_id),
        "slotId": str(slot.id),
        "people": [str(each) for each in people],
    }
    return client.post("/v1/holds", json=body, headers=who.headers | key(name))


def hold_by_phone(client: FlaskClient, who: SignedIn, slot: Slot) -> TestResponse:
    body = {
        "serviceId": str(slot.service_id),
        "slotId": str(slot.id),
        "person": {"fullName": "Lê Thử Điện Thoại", "birth": "1980"},
    }
    return client.post("/v1/holds", json=body, headers=who.headers | key())


def book(
    client: FlaskClient,
    who: SignedIn,
    held: dict[str, Any],
    *,
    name: str | None = None,
    **more: Any,
) -> TestResponse:
    body = {"bookings": [{"id": each["id"]} | more for each in held["bookings"]]}
    path = f"/v1/holds/{held['id']}/booking"
    return client.post(path, json=body, headers=who.headers | key(name))


def booked(client: FlaskClient, who: Citizen, slot: Slot) -> dict[str, Any]:
    """A booking of the slot, made through the application."""
    held = hold(client, who, slot, [who.profile.id])
    assert held.status_code == 201, held.get_json()
    made = book(client, who, held.get_json())
    assert made.status_code == 201, made.get_json()
    one: dict[str, Any] = made.get_json()["items"][0]
    return one


def mine(who: Citizen, booking_id: str) -> str:
    return f"/v1/profiles/{who.profile.id}/bookings/{booking_id}"


def act(
    client: FlaskClient, path: str, action: str, who: SignedIn, body: Any = None
) -> TestResponse:
    """Read the booking, then do it with the ETag that was read."""
    read = client.get(path, headers=who.headers)
    assert read.status_code == 200, read.get_json()
    match = {"If-Match": read.headers["ETag"]}
    sent = {} if body is None else {"json": body}
    return client.post(f"{path}/{action}", headers=who.headers | match, **sent)


def slug(response: TestResponse) -> str:
    return str(response.get_json()["type"].removeprefix("/problems/"))


def seats_by(session: Session, booking: Booking) -> dict[int, UUID | None]:
    """The seats of the booking's slot, and who has them."""
    assert booking.slot_id is not None
    return seats_of(session, booking.slot_id)
