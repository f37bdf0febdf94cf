"""One's own sessions and devices, and nobody else's."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from phr_api.devprovider.server import Providers
from phr_api.identity.models import AccountSession
from phr_api.kit import clock
from tests.factories.people import (
    SignedIn,
    make_citizen,
    make_session,
    make_staff,
    make_system,
)
from tests.identity.walking import attempt_body, new_person, sign_in

# the same in every process: pytest-xdist compares the names of tests
NOBODYS = "00000000-0000-4000-8000-000000000000"


def test_sessions_are_listed_with_the_current_one_marked(
    client: FlaskClient, session: Session
) -> None:
    me = make_citizen(session)
    other = make_session(session, me.account)
    make_citizen(session)

    answer = client.get("/v1/sessions", headers=me.headers)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json is not None
    listed = {item["id"]: item["isCurrent"] for item in answer.json["items"]}
    assert listed == {str(me.session.id): True, str(other.id): False}
    assert answer.json["items"][0]["deviceName"] == "Điện thoại thử"
    assert answer.json["items"][0]["signedInAt"].endswith("+07:00")


def test_an_ended_session_opens_nothing_from_the_next_request_on(
    client: FlaskClient, session: Session
) -> None:
    me = make_citizen(session)
    assert client.get("/v1/devices", headers=me.headers).status_code == 200
    answer = client.delete(f"/v1/sessions/{me.session.id}", headers=me.headers)
    assert answer.status_code == 204
    assert client.get("/v1/devices", headers=me.headers).status_code == 401


def test_somebody_elses_session_is_not_there(client: FlaskClient, session: Session) -> None:
    me, other = make_citizen(session), make_citizen(session)
    answer = client.delete(f"/v1/sessions/{other.session.id}", headers=me.headers)
    assert answer.status_code == 404
    session.expire_all()
    assert session.get_one(AccountSession, other.session.id).ended_at is None


def test_ending_a_device_ends_every_session_on_it(client: FlaskClient, session: Session) -> None:
    me = make_citizen(session)
    other = make_session(session, me.account)

    answer = client.delete(f"/v1/devices/{other.device_id}", headers=me.headers)

    assert answer.status_code == 204
    session.expire_all()
    assert session.get_one(AccountSession, other.id).end_reason == "device-ended"
    devices = client.get("/v1/devices", headers=me.headers).json or {}
    assert [item["id"] for item in devices["items"]] == [str(me.session.device_id)]


def test_somebody_elses_device_is_not_there(client: FlaskClient, session: Session) -> None:
    me, other = make_citizen(session), make_citizen(session)
    path = f"/v1/devices/{other.session.device_id}"
    assert client.delete(path, headers=me.headers).status_code == 404
    assert client.delete(f"/v1/devices/{uuid4()}", headers=me.headers).status_code == 404


def test_staff_have_sessions_too(client: FlaskClient, session: Session) -> None:
    answer = client.get("/v1/sessions", headers=make_staff(session).headers)
    assert answer.json is not None
    assert [item["kind"] for item in answer.json["items"]] == ["staff"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sessions"),
        ("GET", "/v1/devices"),
        ("DELETE", f"/v1/sessions/{NOBODYS}"),
        ("DELETE", f"/v1/devices/{NOBODYS}"),
    ],
)
def test_systems_have_none_and_nobody_is_asked_without_a_token(
    client: FlaskClient, session: Session, method: str, path: str
) -> None:
    assert client.open(path, method=method).status_code == 401
    system = make_system(session)
    assert client.open(path, method=method, headers=system.headers).status_code == 403


def test_the_same_phone_stays_one_device(client: FlaskClient, providers: Providers) -> None:
    person, device = new_person(providers), attempt_body()["device"]
    first = sign_in(client, person.subject, device=device).json or {}
    second = sign_in(client, person.subject, device=device | {"name": "Tên mới"}).json or {}
    headers = {"Authorization": f"Bearer {second['accessToken']}"}

    devices = (client.get("/v1/devices", headers=headers).json or {})["items"]
    sessions = (client.get("/v1/sessions", headers=headers).json or {})["items"]

    assert first["accessToken"] != second["accessToken"]
    assert [one["name"] for one in devices] == ["Tên mới"]
    assert len(sessions) == 2


def test_the_rows_of_an_account_are_seen_in_its_scope_only(
    session: Session, engines: dict[str, Engine]
) -> None:
    me, other = make_citizen(session), make_citizen(session)
    seen = "SELECT count(*) FROM session WHERE id = ANY (:ids)"
    both = {"ids": [me.session.id, other.session.id]}
    with Session(engines["phr_web"]) as web:
        assert web.scalar(text(seen), both) == 0
        web.execute(
            text("SELECT set_config('phr.account_id', :me, true)"), {"me": str(me.account.id)}
        )
        assert web.scalar(text(seen), both) == 1
        web.commit()
        assert web.scalar(text(seen), both) == 0


@pytest.mark.parametrize("ended", ["session", "account"])
def test_the_sql_that_checks_a_session_sees_its_end_at_once(
    session: Session, engines: dict[str, Engine], ended: str
) -> None:
    me = make_citizen(session)
    assert live_session(engines["phr_web"], me) == "record"
    if ended == "session":
        me.session.ended_at = clock.now()
    else:
        me.account.closed_at = clock.now()
    session.commit()
    assert live_session(engines["phr_web"], me) is None


def test_a_session_is_over_at_its_expiry(session: Session, engines: dict[str, Engine]) -> None:
    me = make_citizen(session)
    with clock.moved(timedelta(days=30)):
        assert live_session(engines["phr_web"], me) is None


def live_session(web: Engine, who: SignedIn) -> str | None:
    """Ask as the web's role, in the scope of the account."""
    asked = {"account": who.account.id, "session": who.session.id, "at": clock.now()}
    with web.begin() as connection:
        connection.execute(
            text("SELECT set_config('phr.account_id', :account, true)"),
            {"account": str(who.account.id)},
        )
        live = text("SELECT live_session(:account, :session, :at)")
        assurance: str | None = connection.scalar(live, asked)
        return assurance
