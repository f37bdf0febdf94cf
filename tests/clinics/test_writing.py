"""The directory of facilities written over the API, by a system that an operator lets do so."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.appointments.models import Schedule
from phr_api.clinics import NewFacility, save_facilities
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.clinics.test_directory import versions
from tests.factories.appointments import make_facility, make_schedule, make_service
from tests.factories.people import System, make_citizen, make_staff, make_system

URL = "/v1/facilities"
AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def directory(session: Session) -> System:
    return make_system(session, facility_codes=[], scopes=["facilities.write"])


def keyed(headers: dict[str, str], key: str | None = None) -> dict[str, str]:
    return headers | {"Idempotency-Key": key or uuid4().hex}


def traces_of(session: Session, directory: System, code: str) -> list[str]:
    traced = "SELECT action FROM audit_event WHERE actor_id = :system AND facility_code = :code"
    values = {"system": directory.client.id, "code": code}
    return list(session.scalars(text(traced), values))


def a_facility(**members: Any) -> dict[str, Any]:
    return {"code": uuid4().hex[:5].upper(), "name": "Phòng khám Ghi Thử"} | members


def test_a_facility_is_added_read_and_found_and_the_trace_says_who(
    client: FlaskClient, session: Session, directory: System
) -> None:
    body = a_facility(
        kind="clinic",
        province="Huế",
        address="Số 9 Đường Thử",
        phone="+842340000001",
        latitude=16.463713,
        longitude=107.590866,
        remoteLicence="12/GP-THU",
    )
    made = client.post(URL, json=body, headers=keyed(directory.headers))
    assert (made.status_code, made.get_json()) == (201, body)
    assert made.headers["Location"] == f"{URL}/{body['code']}"
    read = client.get(made.headers["Location"])
    assert (read.get_json(), read.headers["ETag"]) == (body, made.headers["ETag"])
    unchanged = client.get(
        made.headers["Location"], headers={"If-None-Match": read.headers["ETag"]}
    )
    assert unchanged.status_code == 304
    found = client.get(f"{URL}?q=ghi thu {body['code']}&province=46").get_json()["items"]
    assert found == [body]
    assert traces_of(session, directory, body["code"]) == ["facility.add"]


def test_a_repeated_addition_is_one_facility_and_another_is_refused(
    client: FlaskClient, directory: System
) -> None:
    body, key = a_facility(), uuid4().hex
    first = client.post(URL, json=body, headers=keyed(directory.headers, key))
    again = client.post(URL, json=body, headers=keyed(directory.headers, key))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    listed = client.post(URL, json=body | {"name": "Tên khác"}, headers=keyed(directory.headers))
    assert (listed.status_code, listed.get_json()["type"]) == (
        409,
        "/problems/clinics/facility-listed",
    )
    assert client.get(f"{URL}/{body['code']}").get_json()["name"] == body["name"]


def test_a_facility_is_described_anew_by_who_read_it(
    client: FlaskClient, session: Session, directory: System
) -> None:
    code = make_facility(session, code=uuid4().hex[:5].upper())
    url, before = f"{URL}/{code}", versions(session)["directory"]
    session.rollback()
    body = {"name": "Phòng khám Đổi Tên Thử", "kind": "clinic"}
    assert client.put(url, json=body, headers=directory.headers).status_code == 428
    headers = directory.headers | {"If-Match": client.get(url).headers["ETag"]}
    unsaid = client.put(url, json={"name": body["name"]}, headers=headers)
    assert (unsaid.status_code, unsaid.get_json()["errors"]["json"].keys()) == (422, {"kind"})
    changed = client.put(url, json=body, headers=headers)
    assert (changed.status_code, changed.get_json()["name"]) == (200, body["name"])
    assert changed.get_json()["province"] is None
    assert client.get(url).headers["ETag"] == changed.headers["ETag"]
    assert client.put(url, json=body, headers=headers).status_code == 412
    assert versions(session)["directory"] == before + 1  # every book shows the name
    assert traces_of(session, directory, code) == ["facility.change"]  # the refused left none
    assert client.put(f"{URL}/ZZZZZ", json=body, headers=headers).status_code == 404


def test_a_facility_that_moved_has_its_slots_made_anew(
    client: FlaskClient, session: Session, directory: System, as_worker: AsWorker
) -> None:
    code = make_facility(session, code=uuid4().hex[:5].upper())
    later = clock.now() + timedelta(days=1)
    schedule = make_schedule(session, service=make_service(session, facility_code=code))
    other = make_schedule(session, service=make_service(session))
    url = f"{URL}/{code}"

    def due_after(write: Callable[[], None]) -> list[bool]:
        ids = [schedule.id, other.id]
        moved = update(Schedule).where(Schedule.id.in_(ids)).values(due_at=later)
        session.execute(moved)
        session.commit()
        write()
        session.expire_all()
        return [session.get_one(Schedule, key).due_at <= clock.now() for key in ids]

    def put() -> None:
        headers = directory.headers | {"If-Match": client.get(url).headers["ETag"]}
        body = {"name": "Cơ sở thử", "kind": "clinic", "province": "Đà Nẵng"}
        assert client.put(url, json=body, headers=headers).status_code == 200

    def load() -> None:
        with as_worker(), unit_of_work() as own:
            save_facilities(own, [NewFacility(code=code, name="Cơ sở thử", province="Huế")])

    assert due_after(put) == [True, False]
    assert due_after(load) == [True, False]
    assert due_after(load) == [False, False]  # the same list again says nothing new


def test_a_loaded_list_makes_a_new_version_of_what_it_changes_alone(
    client: FlaskClient, session: Session
) -> None:
    same, other = (uuid4().hex[:5].upper() for _ in range(2))
    first = [NewFacility(code=code, name="Trạm Thử") for code in (same, other)]
    save_facilities(session, first)
    session.commit()
    tags = [client.get(f"{URL}/{code}").headers["ETag"] for code in (same, other)]
    save_facilities(session, [first[0], NewFacility(code=other, name="Trạm Thử", phone="+8499")])
    session.commit()
    assert client.get(f"{URL}/{same}").headers["ETag"] == tags[0]
    assert client.get(f"{URL}/{other}").headers["ETag"] != tags[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "9901"},
        {"code": "99 01"},
        {"code": "9901a"},
        {"name": " "},
        {"name": "x" * 301},
        {"phone": "0901"},
        {"latitude": 91},
        {"latitude": 21},
        {"longitude": "NaN"},
        {"unknown": 1},
    ],
)
def test_a_facility_that_cannot_be_is_refused(
    client: FlaskClient, directory: System, wrong: dict[str, Any]
) -> None:
    answer = client.post(URL, json=a_facility(**wrong), headers=keyed(directory.headers))
    assert (answer.status_code, answer.get_json()["type"]) == (422, "/problems/invalid-request")


def test_nobody_else_writes_the_directory(client: FlaskClient, session: Session) -> None:
    code = make_facility(session)
    ended = make_system(session, scopes=["facilities.write"])
    deprived = make_system(session, scopes=["records.write", "facilities.write"])
    for statement in (
        "UPDATE client SET ended_at = created_at WHERE id = :ended",
        "UPDATE client SET scopes = '{records.write}' WHERE id = :deprived",
    ):
        ids = {"ended": ended.client.id, "deprived": deprived.client.id}
        session.execute(text(statement), ids)
    session.commit()
    callers = {
        "a citizen": (403, make_citizen(session).headers),
        "a desk": (403, make_staff(session).headers),
        "a hospital": (403, make_system(session).headers),
        "a system that ended": (401, ended.headers),
        "a system that may no more": (403, deprived.headers),
        "nobody": (401, {}),
    }
    a_change = {"name": "x", "kind": "clinic"}
    for who, (status, headers) in callers.items():
        answers = (
            client.post(URL, json=a_facility(), headers=keyed(headers)),
            client.put(f"{URL}/{code}", json=a_change, headers=headers | {"If-Match": '"x"'}),
        )
        assert [answer.status_code for answer in answers] == [status, status], who


def test_the_directorys_system_sends_no_records(client: FlaskClient, session: Session) -> None:
    """Not even for a facility that it is bound to."""
    code = make_facility(session)
    directory = make_system(session, facility_codes=[code], scopes=["facilities.write"])
    url = f"{URL}/{code}/submissions"
    sent = client.post(url, data=b"<x/>", headers=keyed(directory.headers))
    answers = (client.get(url, headers=directory.headers), sent)
    assert [answer.status_code for answer in answers] == [403, 403]


def test_the_database_lets_the_web_write_for_such_a_system_alone(
    session: Session, web_connection: Connection, directory: System
) -> None:
    code = make_facility(session)
    hospital = make_system(session)
    add = text("INSERT INTO facility (code, name, kind, search_key) VALUES (:code, 'x', 'x', 'x')")
    rename = text("UPDATE facility SET name = name WHERE code = :code")
    scope = text("SELECT set_config('phr.principal_id', :id, true)")
    for who in ("", str(hospital.client.id)):
        with web_connection.begin():
            web_connection.execute(scope, {"id": who})
            assert web_connection.execute(rename, {"code": code}).rowcount == 0
        with web_connection.begin() as transaction:
            web_connection.execute(scope, {"id": who})
            with pytest.raises(DBAPIError) as refused:
                web_connection.execute(add, {"code": uuid4().hex[:5].upper()})
            transaction.rollback()
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"
    with web_connection.begin():
        web_connection.execute(scope, {"id": str(directory.client.id)})
        assert web_connection.execute(rename, {"code": code}).rowcount == 1
