"""What changed since: the feed of one person, as far as the caller sees it."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from phr_api import healthbook
from phr_api.healthbook.feed import position_cursor, read_position
from phr_api.kit.problems import InvalidCursor
from phr_api.vocab import SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import intake_scope, make_facts, make_visit
from tests.factories.people import Citizen, SignedIn, make_citizen, make_profile, make_staff


@pytest.fixture
def citizen(session: Session) -> Citizen:
    return make_citizen(session)


def changes(client: FlaskClient, who: SignedIn, person: UUID, query: str = "") -> Any:
    answer = client.get(f"/v1/profiles/{person}/changes{query}", headers=who.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_the_feed_tells_what_came_after_the_cursor(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    person = citizen.profile.id
    start = changes(client, citizen, person)
    assert start["items"] == []
    assert changes(client, citizen, person, f"?after={start['next']}") == start

    visit_id = make_visit(session, citizen.profile)
    told = changes(client, citizen, person, f"?after={start['next']}")
    assert {"kind": "encounter", "id": str(visit_id), "op": "upsert", "section": "encounters"} in (
        told["items"]
    )
    assert len(told["items"]) == 9
    assert (told["hasMore"], told["accessLost"]) == (False, False)
    assert changes(client, citizen, person, f"?after={told['next']}")["items"] == []

    healthbook.withdraw_visit(session, intake_scope(session, citizen.profile), visit_id)
    session.commit()
    gone = changes(client, citizen, person, f"?after={told['next']}")
    assert {item["op"] for item in gone["items"]} == {"tombstone"}
    both = changes(client, citizen, person, f"?after={start['next']}")
    assert {item["op"] for item in both["items"]} == {"tombstone"}  # told once, as it is now


def test_the_feed_goes_page_by_page(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    person = citizen.profile.id
    cursor = changes(client, citizen, person)["next"]
    make_visit(session, citizen.profile)
    kinds: list[str] = []
    more = True
    while more:
        page = changes(client, citizen, person, f"?after={cursor}&limit=4")
        kinds += [item["kind"] for item in page["items"]]
        cursor, more = page["next"], page["hasMore"]
    assert len(kinds) == 9


def test_an_entry_taken_back_is_a_tombstone(client: FlaskClient, citizen: Citizen) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/allergies"
    made = client.post(
        url,
        json={"substance": "Tôm", "category": "food"},
        headers=citizen.headers | {"Idempotency-Key": "k"},
    )
    cursor = changes(client, citizen, citizen.profile.id)["next"]
    match = citizen.headers | {"If-Match": made.headers["ETag"]}
    client.delete(made.headers["Location"], headers=match)
    (item,) = changes(client, citizen, citizen.profile.id, f"?after={cursor}")["items"]
    assert (item["kind"], item["op"]) == ("allergy", "tombstone")


def test_a_cursor_older_than_the_feed_is_gone(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    person = citizen.profile.id
    old = changes(client, citizen, person)["next"]
    make_visit(session, citizen.profile)
    current = changes(client, citizen, person)["next"]
    session.execute(text("DELETE FROM record_change WHERE profile_id = :id"), {"id": person})
    session.execute(
        text("UPDATE record SET oldest_seq = version + 1 WHERE profile_id = :id"), {"id": person}
    )
    session.commit()
    answer = client.get(f"/v1/profiles/{person}/changes?after={old}", headers=citizen.headers)
    assert answer.status_code == 410
    assert answer.json is not None
    assert answer.json["type"] == "/problems/healthbook/changes-gone"
    assert answer.json["readInstead"] == f"/v1/profiles/{person}/health-book"
    assert changes(client, citizen, person, f"?after={current}")["items"] == []


@pytest.mark.parametrize("forged", ["AAAA", "%25", "a" * 34])
def test_a_forged_or_borrowed_cursor_is_refused(
    client: FlaskClient, session: Session, citizen: Citizen, forged: str
) -> None:
    other = make_citizen(session)
    borrowed = changes(client, other, other.profile.id)["next"]
    for cursor in (forged, borrowed):
        answer = client.get(
            f"/v1/profiles/{citizen.profile.id}/changes?after={cursor}", headers=citizen.headers
        )
        assert answer.status_code == 400
        assert answer.json is not None
        assert answer.json["type"] == "/problems/invalid-cursor"


def test_a_carers_feed_holds_only_what_the_carer_may_see(
    client: FlaskClient, session: Session
) -> None:
    youth = make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=youth)
    cursor = changes(client, carer, youth.id)["next"]
    make_visit(session, youth, make_facts(classes=[SensitivityClass.HIV]))
    hidden = changes(client, carer, youth.id, f"?after={cursor}")
    assert (hidden["items"], hidden["next"]) == ([], cursor)
    make_visit(session, youth)
    assert len(changes(client, carer, youth.id, f"?after={cursor}")["items"]) == 9


def test_a_carer_who_sees_less_than_before_is_told_to_forget(
    client: FlaskClient, session: Session
) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    cursor = changes(client, carer, child.id)["next"]
    session.execute(
        text("UPDATE profile SET birth_earliest = '2009-05-01' WHERE id = :id"), {"id": child.id}
    )
    session.commit()
    told = changes(client, carer, child.id, f"?after={cursor}")
    assert told["accessLost"] is True
    assert changes(client, carer, child.id, f"?after={told['next']}")["accessLost"] is False


def test_a_view_that_has_grown_starts_again(client: FlaskClient, session: Session) -> None:
    child = make_profile(session, birth="2016-05-01", full_name="Trần Văn Thử Con")
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    narrow = position_cursor(carer.account.id, child.id, 1, [])
    answer = client.get(f"/v1/profiles/{child.id}/changes?after={narrow}", headers=carer.headers)
    assert answer.status_code == 410


def test_strangers_staff_and_nobody_have_no_feed(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/changes"
    assert client.get(url).status_code == 401
    for other in (make_citizen(session), make_staff(session)):
        assert client.get(url, headers=other.headers).status_code == 404


def test_a_position_survives_the_cursor_and_belongs_to_one_account(citizen: Citizen) -> None:
    account, person = citizen.account.id, citizen.profile.id
    cursor = position_cursor(account, person, 7, ["hiv", "reproductive"])
    position = read_position(account, person, cursor)
    assert position.seq == 7
    assert position.classes == {SensitivityClass.HIV, SensitivityClass.REPRODUCTIVE}
    with pytest.raises(InvalidCursor):
        read_position(person, account, cursor)


def tell(connection: Connection, whose: UUID, count: int) -> None:
    """Tell the feed of one row of this person, as write_visit does of many."""
    connection.execute(
        text(
            "SELECT tell_together(:person, :count, '{encounter}', '{encounters}',"
            " CAST(ARRAY[:id] AS uuid[]), ARRAY['{}'])"
        ),
        {"person": whose, "count": count, "id": str(whose)},
    )


def test_only_the_person_in_scope_is_told_of(
    session: Session, worker_connection: Connection, citizen: Citizen
) -> None:
    other = make_profile(session).id
    scope = text("SELECT set_config('phr.profile_id', :person, true)")
    worker_connection.execute(scope, {"person": str(citizen.profile.id)})
    with pytest.raises(ProgrammingError, match="not the person in scope"):
        tell(worker_connection, other, 1)


def test_a_feed_that_is_told_of_fewer_rows_than_were_written_stops_the_write(
    worker_connection: Connection, citizen: Citizen
) -> None:
    scope = text("SELECT set_config('phr.profile_id', :person, true)")
    worker_connection.execute(scope, {"person": str(citizen.profile.id)})
    with pytest.raises(DBAPIError, match="told of 1 of 2 rows"):
        tell(worker_connection, citizen.profile.id, 2)
