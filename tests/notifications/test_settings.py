"""Settings with their version; push tokens that follow the session."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.models import PushToken
from tests.contract.rows.notifications import SETTINGS
from tests.factories.notifications import make_notification
from tests.factories.people import SignedIn, make_citizen
from tests.notifications.conftest import FakeSender

URL = "/v1/me/notification-settings"


def put(client: FlaskClient, who: SignedIn, body: dict[str, Any], tag: str | None) -> Any:
    headers = who.headers | ({} if tag is None else {"If-Match": tag})
    return client.put(URL, json=body, headers=headers)


def test_settings_are_replaced_by_who_saw_them(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    seen = client.get(URL, headers=citizen.headers)
    nowhere = {"smsPhone": None, "smsPhoneProven": False}
    assert seen.get_json() == SETTINGS | nowhere
    tag = seen.headers["ETag"]
    off = [{"category": "record", "channel": "push", "isOn": False}]
    new = SETTINGS | {"quietFrom": "22:30", "smsPhone": "+84900000001", "channels": off}
    assert put(client, citizen, new, None).status_code == 428
    changed = put(client, citizen, new, tag)
    shown = new | {"smsPhoneProven": False}
    assert (changed.status_code, changed.get_json()) == (200, shown)
    assert put(client, citizen, new, tag).status_code == 412
    assert client.get(URL, headers=citizen.headers).get_json() == shown
    again = put(client, citizen, SETTINGS, changed.headers["ETag"])
    assert again.get_json() == SETTINGS | nowhere
    as_it_was_read = put(client, citizen, again.get_json(), again.headers["ETag"])
    assert as_it_was_read.get_json() == again.get_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"quietFrom": "25:00"},
        {"opened": "sometimes"},
        {"smsPhone": "0900000001"},
        {"channels": [{"category": "record", "channel": "fax", "isOn": True}]},
        {"channels": [{"category": "record", "channel": "sms", "isOn": True}] * 2},
        {"more": 1},
    ],
)
def test_wrong_settings_are_refused(
    client: FlaskClient, session: Session, wrong: dict[str, Any]
) -> None:
    citizen = make_citizen(session)
    tag = client.get(URL, headers=citizen.headers).headers["ETag"]
    assert put(client, citizen, SETTINGS | wrong, tag).status_code == 422
    assert client.get(URL).status_code == 401


def bind(client: FlaskClient, who: SignedIn, token: str, device: object = None) -> int:
    url = f"/v1/devices/{device or who.session.device_id}/push-token"
    body = {"token": token, "platform": "ios", "language": "en"}
    return client.put(url, json=body, headers=who.headers).status_code


def holders(session: Session, token: str) -> list[Any]:
    rows = session.scalars(select(PushToken.account_id).where(PushToken.token == token)).all()
    session.rollback()
    return list(rows)


def test_a_token_follows_who_signs_in_on_the_phone(client: FlaskClient, session: Session) -> None:
    first, second = make_citizen(session), make_citizen(session)
    token = uuid4().hex
    assert bind(client, first, token) == 204
    assert bind(client, first, token) == 204
    assert holders(session, token) == [first.account.id]
    assert bind(client, second, token) == 204
    assert holders(session, token) == [second.account.id]
    newer = uuid4().hex
    assert bind(client, second, newer) == 204
    assert holders(session, token) == []


def test_only_the_device_that_is_signed_in_registers(client: FlaskClient, session: Session) -> None:
    citizen, other = make_citizen(session), make_citizen(session)
    answer = client.put(
        f"/v1/devices/{other.session.device_id}/push-token",
        json={"token": "x", "platform": "ios"},
        headers=citizen.headers,
    )
    assert answer.status_code == 403
    assert answer.get_json()["type"].endswith("notifications/not-this-device")
    assert bind(client, citizen, "") == 422
    url = f"/v1/devices/{citizen.session.device_id}/push-token"
    assert client.put(url, json={"token": "x", "platform": "ios"}).status_code == 401


def test_a_device_can_be_silenced(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    bind(client, citizen, uuid4().hex)
    url = f"/v1/devices/{citizen.session.device_id}/push-token"
    assert client.delete(url, headers=make_citizen(session).headers).status_code == 404
    assert client.delete(url, headers=citizen.headers).status_code == 204
    assert client.delete(url, headers=citizen.headers).status_code == 404


def test_signing_out_ends_the_pushes(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: Callable[[], AbstractContextManager[None]],
) -> None:
    citizen = make_citizen(session)
    bind(client, citizen, uuid4().hex)
    url = f"/v1/sessions/{citizen.session.id}"
    assert client.delete(url, headers=citizen.headers).status_code == 204
    make_notification(session, profile_id=citizen.profile.id, created_at=clock.now())
    with as_worker():
        drain_once()
        deliver_once()
    assert push.sent == []
