"""Who am I, and what is new: one small answer for all records."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.home.schemas import HomeSchema, MeSchema
from phr_api.vocab import SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_directory, make_facts, make_visit
from tests.factories.people import (
    FACILITY,
    Citizen,
    SignedIn,
    make_citizen,
    make_profile,
    make_staff,
    make_system,
)

HOME = "/v1/me/home"
SEEN = "/v1/me/home/seen"


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    return make_citizen(session)


def home(client: FlaskClient, who: SignedIn) -> Any:
    answer = client.get(HOME, headers=who.headers)
    assert answer.status_code == 200
    assert answer.json is not None
    assert HomeSchema().validate(answer.json) == {}
    return answer.json["profiles"]


def test_i_am_told_who_i_am_and_what_i_open(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    make_carer(session, account=citizen.account, child=child, powers=("see", "book"))
    me = client.get("/v1/me", headers=citizen.headers).json
    assert me is not None
    assert MeSchema().validate(me) == {}
    assert me["account"] == {"id": str(citizen.account.id)}
    assert (me["session"]["id"], me["session"]["assurance"]) == (str(citizen.session.id), "record")
    own, cared = me["profiles"]
    assert (own["id"], own["relation"]) == (str(citizen.profile.id), "self")
    assert own["powers"] == ["see", "book", "join", "share"]
    assert cared == {
        "id": str(child.id),
        "name": "Trần Văn Thử Con",
        "relation": "carer",
        "powers": ["see", "book"],
    }
    assert (me["memberships"], me["notices"]) == ([], [])


def test_staff_are_told_their_memberships_and_open_no_record(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    me = client.get("/v1/me", headers=make_staff(session).headers).json
    assert me is not None
    name = "Bệnh viện Đa khoa Thử Nghiệm"
    assert me["memberships"] == [
        {
            "facility": {"code": FACILITY, "name": name},
            "role": "desk",
            "displayName": "Nhân viên thử",
        }
    ]
    assert me["profiles"] == []


@pytest.mark.parametrize("path", ["/v1/me", HOME])
def test_nobody_a_system_and_an_ended_session_are_refused(
    client: FlaskClient, session: Session, citizen: Citizen, path: str
) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers=make_system(session).headers).status_code == 403
    session.execute(
        text("UPDATE session SET ended_at = now() WHERE id = :id"), {"id": citizen.session.id}
    )
    session.commit()
    assert client.get(path, headers=citizen.headers).status_code == 401


def test_a_phone_only_session_is_told_of_no_record(client: FlaskClient, session: Session) -> None:
    phone = make_citizen(session, assurance="account")
    assert home(client, phone) == []


def test_home_counts_what_came_until_it_was_seen(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile)
    (before,) = home(client, citizen)
    assert (before["unread"], before["new"]) == (4, {"encounters": 1, "results": 2, "papers": 1})

    seen = {"items": [{"profileId": before["id"], "cursor": before["cursor"]}]}
    assert client.put(SEEN, json=seen, headers=citizen.headers).status_code == 204
    (after,) = home(client, citizen)
    assert (after["unread"], after["new"]) == (0, {})

    make_visit(session, citizen.profile)
    (again,) = home(client, citizen)
    assert again["unread"] == 4
    assert client.put(SEEN, json=seen, headers=citizen.headers).status_code == 204
    assert home(client, citizen)[0]["unread"] == 4  # an older mark takes nothing back


def test_home_knows_the_version_of_ones_own_book_and_the_feeds_cursor(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile)
    (shown,) = home(client, citizen)
    book = client.get(f"/v1/profiles/{citizen.profile.id}/health-book", headers=citizen.headers)
    assert book.headers["ETag"] == f'W/"{shown["version"]}"'
    feed = client.get(f"/v1/profiles/{citizen.profile.id}/changes", headers=citizen.headers).json
    assert feed is not None
    assert feed["next"] == shown["cursor"]


def test_three_unchanged_records_are_one_small_answer_and_then_a_304(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    for number in range(2):
        child = make_profile(
            session, birth="2016-05-01", full_name=f"Nguyễn Trần Thử Nghiệm Con {number}"
        )
        make_visit(session, child)
        make_carer(session, account=citizen.account, child=child)
    marks = [{"profileId": p["id"], "cursor": p["cursor"]} for p in home(client, citizen)]
    client.put(SEEN, json={"items": marks}, headers=citizen.headers)
    answer = client.get(HOME, headers=citizen.headers)
    assert answer.json is not None
    assert len(answer.json["profiles"]) == 3
    assert len(answer.data) <= 1000
    known = citizen.headers | {"If-None-Match": answer.headers["ETag"]}
    again = client.get(HOME, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    for told in (answer, again):
        assert told.headers["Cache-Control"] == "private, no-store"


def test_a_change_hidden_from_a_carer_moves_nothing_at_home(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    youth = make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    make_carer(session, account=citizen.account, child=youth)
    before = client.get(HOME, headers=citizen.headers)
    make_visit(session, youth, make_facts(classes=[SensitivityClass.HIV]))
    after = client.get(HOME, headers=citizen.headers)
    assert after.data == before.data
    assert "version" not in home(client, citizen)[1]
    make_visit(session, youth)
    assert home(client, citizen)[1]["unread"] == 4


def test_a_suspended_carer_has_one_record_less(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    carer = make_carer(session, account=citizen.account, child=child)
    assert len(home(client, citizen)) == 2
    session.execute(text("UPDATE carer SET suspended_at = now() WHERE id = :id"), {"id": carer.id})
    session.commit()
    assert len(home(client, citizen)) == 1


def test_marks_are_made_with_ones_own_cursors_alone(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    other = make_citizen(session)
    (theirs,) = home(client, other)
    for cursor, status in ((theirs["cursor"], 400), ("AAAA", 400), ("", 422)):
        body = {"items": [{"profileId": theirs["id"], "cursor": cursor}]}
        assert client.put(SEEN, json=body, headers=citizen.headers).status_code == status
    body = {"items": [{"profileId": theirs["id"], "cursor": theirs["cursor"]}]}
    assert client.put(SEEN, json=body).status_code == 401
    assert client.put(SEEN, json=body, headers=make_system(session).headers).status_code == 403


def test_after_a_sign_out_nothing_is_marked(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    (shown,) = home(client, citizen)
    session.execute(
        text("UPDATE session SET ended_at = now() WHERE id = :id"), {"id": citizen.session.id}
    )
    session.commit()
    body = {"items": [{"profileId": shown["id"], "cursor": shown["cursor"]}]}
    assert client.put(SEEN, json=body, headers=citizen.headers).status_code == 401
