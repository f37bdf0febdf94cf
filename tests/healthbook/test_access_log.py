"""Who has touched my record."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from phr_api import audit
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_directory, make_visit
from tests.factories.people import (
    FACILITY,
    Citizen,
    make_citizen,
    make_profile,
    make_staff,
    make_system,
)


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    citizen = make_citizen(session)
    make_visit(session, citizen.profile)
    return citizen


def read_log(client: FlaskClient, citizen: Citizen, query: str = "") -> Any:
    url = f"/v1/profiles/{citizen.profile.id}/access-log{query}"
    answer = client.get(url, headers=citizen.headers)
    assert answer.status_code == 200
    return answer.json


def test_the_log_names_who_did_what_for_which_facility_and_why(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    desk, system = make_staff(session), make_system(session)
    for kind, id_, action in (
        ("staff", desk.account.id, "activation-code.create"),
        ("system", system.client.id, "visit.sent"),
    ):
        audit.record(
            session,
            audit.Actor(kind=kind, id=id_, facility_code=FACILITY),  # type: ignore[arg-type]
            action=action,
            subjects=[citizen.profile.id],
            reason="giấy tờ đã xem",
        )
    session.commit()
    carer = make_citizen(session, profile=make_profile(session, full_name="Lê Văn Thử"))
    make_carer(session, account=carer.account, child=citizen.profile)
    client.get(f"/v1/profiles/{citizen.profile.id}/papers", headers=carer.headers)

    by_carer, by_system, by_desk = read_log(client, citizen)["items"]

    assert (by_carer["actor"], by_carer["name"]) == ("citizen", "Lê Văn Thử")
    assert (by_carer["action"], by_carer["facility"]) == ("paper.list", None)
    assert (by_system["actor"], by_system["name"]) == ("system", "Phần mềm thử")
    assert by_desk["name"] == "Nhân viên thử"
    assert by_desk["facility"] == {"code": FACILITY, "name": "Bệnh viện Đa khoa Thử Nghiệm"}
    assert by_desk["reason"] == "giấy tờ đã xem"


def test_the_log_goes_page_by_page(client: FlaskClient, session: Session, citizen: Citizen) -> None:
    for number in range(3):
        audit.record(
            session,
            audit.Actor(kind="operator", id=None),
            action=f"act.{number}",
            subjects=[citizen.profile.id],
        )
    session.commit()
    first = read_log(client, citizen, "?limit=2")
    second = read_log(client, citizen, f"?limit=2&before={first['next']}")
    actions = [item["action"] for page in (first, second) for item in page["items"]]
    assert actions == ["act.2", "act.1", "act.0"]
    assert second["next"] is None


@pytest.mark.parametrize(("birth", "seen"), [("2016-05-01", 2), ("2009-05-01", 1)])
def test_a_youths_carer_reads_of_their_own_acts_alone(
    client: FlaskClient, session: Session, birth: str, seen: int
) -> None:
    child = make_profile(session, birth=birth, full_name="Trần Văn Thử Con")
    audit.record(
        session,
        audit.Actor(kind="system", id=make_system(session).client.id, facility_code=FACILITY),
        action="visit.sent",
        subjects=[child.id],
    )
    session.commit()
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    url = f"/v1/profiles/{child.id}/access-log"
    answer = client.get(url, headers=carer.headers).json
    assert answer is not None
    assert len(answer["items"]) == seen  # their own reading of the log is in it
    assert ("visit.sent" in {item["action"] for item in answer["items"]}) is (seen == 2)


def test_a_carer_reads_neither_why_others_acted_nor_who_the_other_citizens_are(
    client: FlaskClient, session: Session
) -> None:
    child = make_citizen(
        session, profile=make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    )
    make_directory(session)
    carers = []
    for name in ("Lê Thị Thử Mẹ", "Trần Văn Thử Bố"):
        carers.append(make_citizen(session, profile=make_profile(session, full_name=name)))
        make_carer(session, account=carers[-1].account, child=child.profile)
    mother, father = carers
    desk = make_staff(session)
    for kind, id_, facility in (
        ("staff", desk.account.id, FACILITY),
        ("citizen", father.account.id, None),
        ("citizen", child.account.id, None),
        ("citizen", mother.account.id, None),
    ):
        audit.record(
            session,
            audit.Actor(kind=kind, id=id_, facility_code=facility),  # type: ignore[arg-type]
            action="act",
            subjects=[child.profile.id],
            reason=f"lý do của {kind}",
        )
    session.commit()

    def told(who: Citizen) -> list[tuple[str, str | None, str | None]]:
        url = f"/v1/profiles/{child.profile.id}/access-log"
        answer = client.get(url, headers=who.headers).json
        assert answer is not None
        return [
            (item["actor"], item["name"], item["reason"])
            for item in answer["items"]
            if item["action"] == "act"
        ]

    assert told(mother) == [
        ("citizen", "Lê Thị Thử Mẹ", "lý do của citizen"),
        ("citizen", None, None),
        ("citizen", None, None),
        ("staff", "Nhân viên thử", None),
    ]
    assert told(child) == [
        ("citizen", "Lê Thị Thử Mẹ", "lý do của citizen"),
        ("citizen", "Trần Văn Thử Con", "lý do của citizen"),
        ("citizen", "Trần Văn Thử Bố", "lý do của citizen"),
        ("staff", "Nhân viên thử", "lý do của staff"),
    ]


def test_strangers_and_nobody_read_no_log(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/access-log"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=make_citizen(session).headers).status_code == 404
    assert client.get(url, headers=make_system(session).headers).status_code == 404


def test_names_are_told_for_events_of_the_person_in_scope_alone(
    session: Session, citizen: Citizen, web_connection: Connection
) -> None:
    system, stranger = make_system(session), make_citizen(session)
    event_id = audit.record(
        session,
        audit.Actor(kind="system", id=system.client.id),
        action="visit.sent",
        subjects=[citizen.profile.id],
    )
    session.commit()

    def names(scope: Citizen) -> list[Any]:
        with web_connection.begin():
            web_connection.execute(
                text("SELECT set_config('phr.profile_id', :id, true)"),
                {"id": str(scope.profile.id)},
            )
            return list(
                web_connection.execute(
                    text("SELECT name FROM access_names(:ids)"), {"ids": [event_id]}
                )
            )

    assert names(citizen) == [("Phần mềm thử",)]
    assert names(stranger) == []
