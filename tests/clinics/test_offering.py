"""What clinics offer: written by their desks, found by everybody."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.clinics import NewFacility, ServiceChanged, save_facilities
from phr_api.clinics.service.offering import service_key
from phr_api.kit import events
from phr_api.kit.ids import new_row_id
from tests.factories.appointments import make_practitioner, make_queue, make_service
from tests.factories.people import SignedIn, make_citizen, make_staff

pytestmark = pytest.mark.usefixtures("app")

SERVICES = "/v1/facilities/99001/services"
PRACTITIONERS = "/v1/facilities/99001/practitioners"
QUESTIONS = [
    {"id": "allergy", "text": "Có dị ứng thuốc không?", "kind": "yes-no", "isRequired": True},
    {
        "id": "since",
        "text": "Từ bao giờ?",
        "textEn": "Since when?",
        "kind": "choice",
        "options": ["hôm nay", "lâu hơn"],
        "isRequired": False,
    },
]


@pytest.fixture
def desk(session: Session) -> SignedIn:
    return make_staff(session)


def keyed(desk: SignedIn, key: str | None = None) -> dict[str, str]:
    return desk.headers | {"Idempotency-Key": key or uuid4().hex}


def a_service(**members: Any) -> dict[str, Any]:
    return {"code": f"K{uuid4().hex[:10]}", "name": "Khám Nội tổng quát"} | members


def test_a_desk_offers_a_service_and_everybody_reads_it(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    queue = make_queue(session)
    body = a_service(
        nameEn="General medicine",
        priceVnd=150_000,
        queueId=str(queue.id),
        questions=QUESTIONS,
        visitKind="follow-up",
        departments=["K01"],
    )
    made = client.post(SERVICES, json=body, headers=keyed(desk))
    assert made.status_code == 201
    shown = made.get_json()
    assert shown["questions"] == [
        {"textEn": None, "options": []} | QUESTIONS[0],
        QUESTIONS[1],
    ]
    assert (shown["priceVnd"], shown["respondMinutes"], shown["whenUnanswered"]) == (
        150_000,
        240,
        "decline",
    )
    assert (shown["visitKind"], shown["departments"]) == ("follow-up", ["K01"])
    read = client.get(made.headers["Location"])
    assert read.get_json() == shown
    assert read.headers["ETag"] == made.headers["ETag"]
    listed = client.get(SERVICES).get_json()["items"]
    assert shown in listed
    traced = "SELECT count(*) FROM audit_event WHERE action = 'service.add'"
    traced += " AND actor_id = :desk AND details->>'id' = :id"
    assert session.scalar(text(traced), {"desk": desk.account.id, "id": shown["id"]}) == 1


def test_a_repeated_offer_is_one_service(client: FlaskClient, desk: SignedIn) -> None:
    body, key = a_service(), uuid4().hex
    first = client.post(SERVICES, json=body, headers=keyed(desk, key))
    again = client.post(SERVICES, json=body, headers=keyed(desk, key))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    taken = client.post(SERVICES, json=body, headers=keyed(desk))
    assert (taken.status_code, taken.get_json()["type"]) == (
        409,
        "/problems/clinics/service-code-taken",
    )


def test_a_service_is_changed_by_who_read_it_and_its_change_is_told(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    heard: list[ServiceChanged] = []
    hear: Callable[[Session, ServiceChanged], None] = lambda _, event: heard.append(event)  # noqa: E731
    events.subscribe(ServiceChanged, hear)
    made = client.post(SERVICES, json=a_service(), headers=keyed(desk))
    url, tag = made.headers["Location"], made.headers["ETag"]
    body = {"name": "Khám Ngoại", "leadMinutes": 0}
    assert client.put(url, json=body, headers=desk.headers).status_code == 428
    changed = client.put(url, json=body, headers=desk.headers | {"If-Match": tag})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Khám Ngoại")
    assert changed.get_json()["code"] == made.get_json()["code"]
    stale = client.put(url, json=body, headers=desk.headers | {"If-Match": tag})
    assert stale.status_code == 412
    assert str(heard[0].service_id) == made.get_json()["id"]
    ended = client.delete(url, headers=desk.headers | {"If-Match": changed.headers["ETag"]})
    assert ended.status_code == 204
    assert client.get(url).status_code == 404
    assert len(heard) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"minutes": 0},
        {"priceVnd": -1},
        {"classes": ["secret"]},
        {"visitKind": "sometimes"},
        {"departments": [" "]},
        {"code": "có dấu"},
        {"questions": [QUESTIONS[0] | {"options": ["a"]}]},
        {"questions": [QUESTIONS[0], QUESTIONS[0]]},
        {"unknown": 1},
    ],
)
def test_a_service_that_cannot_be_is_refused(
    client: FlaskClient, desk: SignedIn, wrong: dict[str, Any]
) -> None:
    answer = client.post(SERVICES, json=a_service(**wrong), headers=keyed(desk))
    assert (answer.status_code, answer.get_json()["type"]) == (422, "/problems/invalid-request")


def test_a_service_waits_in_no_other_clinics_line(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    queue = make_queue(session, facility_code="99002")
    answer = client.post(SERVICES, json=a_service(queueId=str(queue.id)), headers=keyed(desk))
    assert answer.status_code == 404


def test_only_the_clinics_own_desk_writes(client: FlaskClient, session: Session) -> None:
    service, body = make_service(session), a_service()
    callers = {
        403: make_staff(session, role="viewer"),
        404: make_staff(session, facility_code="99002"),
    }
    for status, caller in callers.items():
        assert client.post(SERVICES, json=body, headers=keyed(caller)).status_code == status
        headers = caller.headers | {"If-Match": '"x"'}
        url = f"{SERVICES}/{service.id}"
        assert client.put(url, json={"name": "x"}, headers=headers).status_code == status
    citizen = make_citizen(session).headers | {"Idempotency-Key": "x"}
    assert client.post(SERVICES, json=body, headers=citizen).status_code == 404
    assert client.post(SERVICES, json=body).status_code == 401


def test_the_database_lets_a_desk_write_its_own_clinics_rows_alone(
    session: Session, web_connection: Connection
) -> None:
    service = make_service(session, facility_code="99002")
    with web_connection.begin():
        web_connection.execute(text("SELECT set_config('phr.facility_id', '99001', true)"))
        changed = web_connection.execute(
            text("UPDATE clinic_service SET name = 'x' WHERE id = :id"), {"id": service.id}
        )
        assert changed.rowcount == 0
    foreign = text(
        "INSERT INTO practitioner (id, facility_code, full_name, licence_number, created_at,"
        " version) VALUES (:id, '99002', 'x', 'x', :at, 1)"
    )
    values = {"id": new_row_id(), "at": service.created_at}
    with web_connection.begin() as transaction:
        web_connection.execute(text("SELECT set_config('phr.facility_id', '99001', true)"))
        with pytest.raises(DBAPIError, match="row-level security"):
            web_connection.execute(foreign, values)
        transaction.rollback()


def test_services_are_found_by_words_and_province(client: FlaskClient, session: Session) -> None:
    save_facilities(
        session,
        [
            NewFacility(code="99043", name="Phòng khám Mẫu Huế", province="Huế"),
            NewFacility(code="99044", name="Phòng khám Mẫu số 2", province="Đà Nẵng"),
        ],
    )
    session.commit()
    make_service(session, facility_code="99043", name="Siêu âm Tim mạch Đặc biệt")
    make_service(session, facility_code="99044", name="Siêu âm Tim mạch Đặc biệt", kind="remote")

    def found(query: str) -> list[str]:
        answer = client.get(f"/v1/services?{query}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        return sorted(item["facilityCode"] for item in answer.get_json()["items"])

    assert found("q=sieu am dac biet tim") == ["99043", "99044"]
    assert found("q=sieu am dac biet&province=hue") == ["99043"]
    assert found("q=sieu am dac biet&province=Huế") == ["99043"]
    assert found("q=sieu am dac biet&kind=remote") == ["99044"]
    assert found("q=sieu am dac biet&facility=99044") == ["99044"]
    assert found("q=sieu am dac biet&province=Cà Mau") == []
    page = client.get("/v1/services?q=dac biet tim&limit=1").get_json()
    rest = client.get(f"/v1/services?q=dac biet tim&limit=1&after={page['next']}").get_json()
    assert len({page["items"][0]["id"], rest["items"][0]["id"]}) == 2
    assert rest["next"] is None
    assert client.get("/v1/services?kind=nowhere").status_code == 422
    assert client.get("/v1/services?after=AAAA").status_code == 400


def test_a_service_is_found_by_its_names_and_its_code() -> None:
    assert service_key("NOI-01", "Khám Nội", "Medicine") == "kham noi medicine noi-01"


def test_practitioners_are_listed_with_their_licence(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    number = f"{uuid4().hex[:6]}/TEST-GPHN"
    body = {"fullName": "Phạm Thị Thử", "title": "ThS.BS", "licenceNumber": number}
    key = uuid4().hex
    made = client.post(PRACTITIONERS, json=body, headers=keyed(desk, key))
    again = client.post(PRACTITIONERS, json=body, headers=keyed(desk, key))
    assert (made.status_code, again.get_json()) == (201, made.get_json())
    assert made.get_json() in client.get(PRACTITIONERS).get_json()["items"]
    double = client.post(PRACTITIONERS, json=body, headers=keyed(desk))
    assert (double.status_code, double.get_json()["type"]) == (
        409,
        "/problems/clinics/practitioner-listed",
    )
    url, headers = made.headers["Location"], desk.headers | {"If-Match": made.headers["ETag"]}
    other = make_practitioner(session)
    taken = client.put(url, json=body | {"licenceNumber": other.licence_number}, headers=headers)
    assert taken.status_code == 409
    changed = client.put(url, json=body | {"specialty": "Nội"}, headers=headers)
    assert changed.get_json()["specialty"] == "Nội"
    assert client.delete(url, headers=headers).status_code == 412
    headers["If-Match"] = changed.headers["ETag"]
    assert client.delete(url, headers=headers).status_code == 204
    assert client.get(url).status_code == 404
    assert client.post(PRACTITIONERS, json={}, headers=keyed(desk)).status_code == 422


def test_a_line_is_opened_and_changed(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    url, key = "/v1/facilities/99001/queues", uuid4().hex
    made = client.post(url, json={"name": "Khám Nội", "prefix": "N"}, headers=keyed(desk, key))
    again = client.post(url, json={"name": "Khám Nội", "prefix": "N"}, headers=keyed(desk, key))
    assert (made.status_code, again.get_json()) == (201, made.get_json())
    assert len(made.get_json()["screenKey"]) >= 20
    one = f"{url}/{made.get_json()['id']}"
    changed = client.put(one, json={"name": "Nội", "rooms": ["101"]}, headers=desk.headers)
    assert (changed.get_json()["rooms"], changed.get_json()["prefix"]) == (["101"], "")
    viewer = make_staff(session, role="viewer")
    assert client.put(one, json={"name": "x"}, headers=viewer.headers).status_code == 403
    elsewhere = make_queue(session, facility_code="99002")
    theirs = client.put(f"{url}/{elsewhere.id}", json={"name": "x"}, headers=desk.headers)
    assert theirs.status_code == 404
    wrong = client.post(url, json={"name": "x", "prefix": "abc"}, headers=keyed(desk))
    assert wrong.status_code == 422


def test_a_desk_of_a_place_that_the_directory_does_not_know_writes_nothing(
    client: FlaskClient, session: Session
) -> None:
    desk = make_staff(session, facility_code="98765")
    for name, body in (
        ("services", a_service()),
        ("practitioners", {"fullName": "x", "licenceNumber": "y"}),
        ("queues", {"name": "x"}),
    ):
        answer = client.post(f"/v1/facilities/98765/{name}", json=body, headers=keyed(desk))
        assert answer.status_code == 404


def test_lists_of_no_such_place_are_not_found(client: FlaskClient) -> None:
    for name in ("services", "practitioners"):
        assert client.get(f"/v1/facilities/00000/{name}").status_code == 404
