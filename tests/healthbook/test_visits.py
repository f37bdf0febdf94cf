"""Visits, results, medicines and papers, one by one and page by page."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import healthbook
from phr_api.healthbook.schemas import BookVisitSchema, PaperSchema, ResultPageSchema
from phr_api.vocab import SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import (
    STARTED,
    intake_scope,
    make_directory,
    make_facts,
    make_visit,
)
from tests.factories.people import Citizen, make_citizen, make_profile, make_staff

# the same in every process: pytest-xdist compares the names of tests
NOBODYS = UUID("00000000-0000-4000-8000-000000000000")
LISTS = ("encounters", "results", "medications", "papers")


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    return make_citizen(session)


def read(client: FlaskClient, citizen: Citizen, path: str) -> Any:
    answer = client.get(f"/v1/profiles/{citizen.profile.id}/{path}", headers=citizen.headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.json


def test_visits_come_newest_first_page_by_page(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    for day in range(5):
        make_visit(session, citizen.profile, make_facts(started_at=STARTED + timedelta(days=day)))
    seen, path = [], "encounters?limit=2"
    while path:
        page = read(client, citizen, path)
        seen += [item["startedAt"][:10] for item in page["items"]]
        path = page["next"] and f"encounters?limit=2&before={page['next']}"
    assert seen == ["2026-03-06", "2026-03-05", "2026-03-04", "2026-03-03", "2026-03-02"]


@pytest.mark.parametrize("name", ["results", "medications", "papers"])
def test_every_list_goes_on_where_its_page_ended(
    client: FlaskClient, session: Session, citizen: Citizen, name: str
) -> None:
    for _ in range(3):
        make_visit(session, citizen.profile)
    whole = read(client, citizen, f"{name}?limit=100")
    assert whole["next"] is None
    found, path = [], f"{name}?limit=1"
    while path:
        page = read(client, citizen, path)
        found += page["items"]
        path = page["next"] and f"{name}?limit=1&before={page['next']}"
    assert found == whole["items"]


def test_a_forged_or_foreign_cursor_is_refused(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    other = make_citizen(session)
    for _ in range(2):
        make_visit(session, other.profile)
    theirs = read(client, other, "encounters?limit=1")["next"]
    for cursor in (theirs, "AAAA", "x" * 40):
        answer = client.get(
            f"/v1/profiles/{citizen.profile.id}/encounters?before={cursor}",
            headers=citizen.headers,
        )
        assert answer.status_code == 400
        assert answer.json is not None
        assert answer.json["type"] == "/problems/invalid-cursor"


@pytest.mark.parametrize(
    "path",
    [
        "encounters?after=zzz",
        "results?limits=5",
        "medications?from=2026-01-01",
        "papers?kind=referral",
        f"encounters/{NOBODYS}?recieved=true",
        f"papers/{NOBODYS}?recieved=true",
        "measurements?type=weight",
        "changes?before=zzz",
        "access-log?after=zzz",
        "health-book?section=papers",
        "health-book?sections=papers&limit=5",
    ],
)
def test_an_unknown_member_of_the_query_is_refused(
    client: FlaskClient, citizen: Citizen, path: str
) -> None:
    answer = client.get(f"/v1/profiles/{citizen.profile.id}/{path}", headers=citizen.headers)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == "/problems/invalid-request"
    assert list(answer.json["errors"]) == ["query"]


def test_a_visit_in_full_has_everything_that_came_with_it(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    visit_id = make_visit(session, citizen.profile)
    visit = read(client, citizen, f"encounters/{visit_id}")
    assert BookVisitSchema().validate(visit) == {}
    counts = {name: len(visit[name]) for name in ("medications", "results", "notes", "papers")}
    assert counts == {"medications": 2, "results": 2, "notes": 1, "papers": 1}
    assert visit["cost"] == {"total": 150000, "insurancePaid": 120000}
    assert visit["notes"][0]["vitals"] == {"pulse": 75, "temperature": 37.0, "nursingLevel": 2}
    assert [line["name"] for line in visit["medications"]] == ["Thuốc thử 1", "Thuốc thử 2"]
    assert "received" not in visit
    assert "received" not in visit["medications"][0]


def test_received_values_come_on_request_money_and_unknown_fields_too(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    visit_id = make_visit(session, citizen.profile)
    visit = read(client, citizen, f"encounters/{visit_id}?received=true")
    assert visit["received"] == {
        "T_TONGCHI_BV": "150000.00",
        "T_BHTT": "120000",
        "LA_LUNG": "x",
    }
    assert visit["medications"][0]["received"] == {"DON_GIA": "1200"}


def test_a_corrected_visit_supersedes_and_both_are_readable(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    old = make_visit(session, citizen.profile)
    new = make_visit(session, citizen.profile, make_facts(code="I11"), supersedes=old)
    scope = intake_scope(session, citizen.profile)
    healthbook.supersede_visit(session, scope, old, by=new)
    session.commit()

    before, after = (read(client, citizen, f"encounters/{id_}") for id_ in (old, new))
    assert (before["status"], before["supersededBy"]) == ("superseded", str(new))
    assert (after["status"], after["supersedes"]) == ("current", str(old))
    assert len(before["medications"]) == 2
    assert [v["id"] for v in read(client, citizen, "encounters")["items"]] == [str(new)]
    assert len(read(client, citizen, "results")["items"]) == 2


def test_a_withdrawn_visit_leaves_the_lists_and_stays_readable(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    visit_id = make_visit(session, citizen.profile)
    paper_id = read(client, citizen, "papers")["items"][0]["id"]
    healthbook.withdraw_visit(session, intake_scope(session, citizen.profile), visit_id)
    session.commit()
    assert read(client, citizen, f"encounters/{visit_id}")["status"] == "withdrawn"
    assert read(client, citizen, f"papers/{paper_id}")["status"] == "withdrawn"
    for name in LISTS:
        assert read(client, citizen, name)["items"] == []
    book = read_book(client, citizen)
    assert book["encounters"] == book["medications"] == []


def read_book(client: FlaskClient, citizen: Citizen) -> Any:
    url = f"/v1/profiles/{citizen.profile.id}/health-book"
    return client.get(url, headers=citizen.headers).json


def test_a_result_is_a_series_for_a_chart_oldest_first(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    for day, value in ((2, "6.10"), (0, "5.40"), (1, "> 30")):
        visit = make_facts(started_at=STARTED + timedelta(days=day), result_value=value)
        make_visit(session, citizen.profile, visit)
    series = read(client, citizen, "results?code=XN01")
    assert ResultPageSchema().validate(series) == {}
    assert (series["code"], series["name"]) == ("XN01", "Chỉ số 1")
    assert [(p["at"][:10], p["value"], p.get("number")) for p in series["items"]] == [
        ("2026-03-02", "5.40", 5.4),
        ("2026-03-03", "> 30", None),
        ("2026-03-04", "6.10", 6.1),
    ]
    assert series["items"][0]["facility"]["code"] == "99001"
    missing = client.get(
        f"/v1/profiles/{citizen.profile.id}/results?code=NONE", headers=citizen.headers
    )
    assert missing.status_code == 404


def test_a_result_without_a_code_is_a_series_by_its_name(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    visit = make_facts(results=1)
    nameless = replace(visit.results[0], code=None, name="WBC")
    make_visit(session, citizen.profile, replace(visit, results=(nameless,)))
    series = read(client, citizen, "results?code=WBC")
    assert [point["value"] for point in series["items"]] == ["5.40"]


def test_medicines_can_be_asked_for_by_their_last_day(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile)
    names = [
        item["name"] for item in read(client, citizen, "medications?until=2026-04-02")["items"]
    ]
    assert names == ["Thuốc thử 2"]


def test_a_paper_is_read_with_its_words_and_parts(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile)
    (listed,) = read(client, citizen, "papers")["items"]
    paper = read(client, citizen, f"papers/{listed['id']}?received=true")
    assert PaperSchema().validate(paper) == {}
    assert paper["kind"]["code"] == "follow-up"
    assert paper["appointmentOn"] == "2026-04-02"
    assert paper["received"] == {"SO_GIAYHEN_KL": "HK-01"}
    assert paper["facility"]["name"] == "Bệnh viện Đa khoa Thử Nghiệm"


@pytest.mark.parametrize("path", [*LISTS, f"encounters/{NOBODYS}", f"papers/{NOBODYS}"])
def test_strangers_staff_and_nobody_find_nothing(
    client: FlaskClient, session: Session, citizen: Citizen, path: str
) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/{path}"
    assert client.get(url).status_code == 401
    for other in (make_citizen(session), make_staff(session)):
        assert client.get(url, headers=other.headers).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["encounters?limit=0", "encounters?limit=x", "medications?until=soon", "results?code=%00"],
)
def test_a_query_that_is_not_as_documented_is_refused(
    client: FlaskClient, citizen: Citizen, path: str
) -> None:
    answer = client.get(f"/v1/profiles/{citizen.profile.id}/{path}", headers=citizen.headers)
    assert answer.status_code == 422
    assert answer.json is not None
    assert "query" in answer.json["errors"]


def test_a_visit_of_another_person_is_not_found_below_ones_own_profile(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    theirs = make_visit(session, make_profile(session))
    url = f"/v1/profiles/{citizen.profile.id}/encounters/{theirs}"
    assert client.get(url, headers=citizen.headers).status_code == 404


def test_a_carers_reading_is_traced_with_what_was_read(
    client: FlaskClient, session: Session
) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    visit_id = make_visit(session, child)
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    for path in (f"encounters/{visit_id}", "results?code=XN01", "papers"):
        answer = client.get(f"/v1/profiles/{child.id}/{path}", headers=carer.headers)
        assert answer.status_code == 200
    assert traced(session, child.id) == ["encounter.read", "paper.list", "result.series"]


def traced(session: Session, profile_id: UUID) -> list[str]:
    rows = session.execute(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id ORDER BY e.action"
        ),
        {"id": profile_id},
    )
    return [action for (action,) in rows]


def test_from_fifteen_on_a_carer_finds_no_sensitive_visit_by_its_id(
    client: FlaskClient, session: Session
) -> None:
    child = make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    hidden = make_visit(session, child, make_facts(classes=[SensitivityClass.MENTAL]))
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    base = f"/v1/profiles/{child.id}"
    assert client.get(f"{base}/encounters/{hidden}", headers=carer.headers).status_code == 404
    assert client.get(f"{base}/results?code=XN01", headers=carer.headers).status_code == 404
    answer = client.get(f"{base}/medications", headers=carer.headers)
    assert answer.json == {"items": [], "next": None}
