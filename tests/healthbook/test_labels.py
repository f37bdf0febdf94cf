"""What becomes sensitive later: a carer of a youth keeps no earlier, unlabelled copy of it (R8)."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import healthbook
from phr_api.vocab import SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import intake_scope, make_facts, make_visit
from tests.factories.people import Citizen, make_citizen, make_profile

HIV = [SensitivityClass.HIV]
ENTRIES = [
    (
        "conditions",
        "condition",
        {"name": "Cảm cúm"},
        {"name": "Nhiễm HIV", "code": "B20"},
    ),
    (
        "allergies",
        "allergy",
        {"substance": "Tôm", "category": "food"},
        {"substance": "Thuốc ARV", "category": "medication"},
    ),
]


@pytest.fixture
def youth(session: Session) -> Citizen:
    profile = make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    return make_citizen(session, profile=profile)


@pytest.fixture
def carer(session: Session, youth: Citizen) -> Citizen:
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=youth.profile)
    return carer


def get(client: FlaskClient, who: Citizen, youth: Citizen, path: str) -> Any:
    return client.get(f"/v1/profiles/{youth.profile.id}/{path}", headers=who.headers)


def correct(session: Session, youth: Citizen, old: UUID, labels: Any = ()) -> UUID:
    new = make_visit(session, youth.profile, make_facts(classes=labels), supersedes=old)
    healthbook.supersede_visit(session, intake_scope(session, youth.profile), old, by=new)
    session.commit()
    return new


def told(client: FlaskClient, who: Citizen, youth: Citizen, cursor: str) -> dict[str, str]:
    """Return what the feed tells since the cursor: op by id."""
    answer = get(client, who, youth, f"changes?after={cursor}").json
    assert answer is not None
    return {item["id"]: item["op"] for item in answer["items"]}


def cursor_of(client: FlaskClient, who: Citizen, youth: Citizen) -> str:
    return str(get(client, who, youth, "changes").json["next"])


def test_a_visit_corrected_to_a_sensitive_one_takes_its_earlier_versions_along(
    client: FlaskClient, session: Session, youth: Citizen, carer: Citizen
) -> None:
    first = make_visit(session, youth.profile)
    (paper,) = get(client, carer, youth, "papers").json["items"]
    second = correct(session, youth, first)
    assert get(client, carer, youth, f"encounters/{first}").status_code == 200
    third = correct(session, youth, second, HIV)

    for visit in (first, second, third):
        assert get(client, carer, youth, f"encounters/{visit}").status_code == 404
        assert get(client, youth, youth, f"encounters/{visit}").status_code == 200
    assert get(client, carer, youth, f"papers/{paper['id']}").status_code == 404
    assert get(client, youth, youth, f"papers/{paper['id']}").json["status"] == "superseded"


def test_one_sensitive_line_of_a_correction_labels_what_it_corrects(
    client: FlaskClient, session: Session, youth: Citizen, carer: Citizen
) -> None:
    old = make_visit(session, youth.profile)
    corrected = replace(make_facts(), results=make_facts(classes=HIV).results)
    new = make_visit(session, youth.profile, corrected, supersedes=old)
    healthbook.supersede_visit(session, intake_scope(session, youth.profile), old, by=new)
    session.commit()
    assert get(client, carer, youth, f"encounters/{old}").status_code == 404
    shown = get(client, carer, youth, f"encounters/{new}").json
    assert (shown["results"], "supersedes" in shown) == ([], False)


def test_whoever_saw_the_earlier_version_is_told_to_forget_it(
    client: FlaskClient, session: Session, youth: Citizen, carer: Citizen
) -> None:
    old = make_visit(session, youth.profile)
    cursor, own = cursor_of(client, carer, youth), cursor_of(client, youth, youth)
    new = correct(session, youth, old, HIV)
    seen = told(client, carer, youth, cursor)
    assert (len(seen), set(seen.values())) == (9, {"tombstone"})
    assert seen[str(old)] == "tombstone"
    everything = told(client, youth, youth, own)
    assert (everything[str(old)], everything[str(new)]) == ("tombstone", "upsert")


def test_a_version_that_is_hidden_is_not_named_by_the_one_that_shows(
    client: FlaskClient, session: Session, youth: Citizen, carer: Citizen
) -> None:
    old = make_visit(session, youth.profile, make_facts(classes=HIV))
    new = correct(session, youth, old)
    assert "supersedes" not in get(client, carer, youth, f"encounters/{new}").json
    assert "supersedes" not in get(client, carer, youth, "encounters").json["items"][0]
    assert get(client, youth, youth, f"encounters/{new}").json["supersedes"] == str(old)
    assert get(client, youth, youth, f"encounters/{old}").json["supersededBy"] == str(new)

    # a row from before versions were labelled together
    plain = make_visit(session, youth.profile)
    labelled = correct(session, youth, plain, HIV)
    session.execute(text("UPDATE encounter SET classes = '{}' WHERE id = :id"), {"id": plain})
    session.commit()
    shown = get(client, carer, youth, f"encounters/{plain}").json
    assert "supersededBy" not in shown
    assert str(labelled) not in str(shown)


@pytest.mark.parametrize(("path", "kind", "plain", "sensitive"), ENTRIES)
def test_an_entry_changed_to_a_sensitive_one_is_a_tombstone_for_who_saw_it(
    client: FlaskClient,
    youth: Citizen,
    carer: Citizen,
    path: str,
    kind: str,
    plain: dict[str, str],
    sensitive: dict[str, str],
) -> None:
    url = f"/v1/profiles/{youth.profile.id}/{path}"
    made = client.post(url, json=plain, headers=youth.headers | {"Idempotency-Key": uuid4().hex})
    cursor, own = cursor_of(client, carer, youth), cursor_of(client, youth, youth)
    place, id_ = made.headers["Location"], made.json["id"] if made.json else ""

    def change(body: dict[str, str]) -> None:
        tag = client.get(place, headers=youth.headers).headers["ETag"]
        answer = client.put(place, json=body, headers=youth.headers | {"If-Match": tag})
        assert answer.status_code == 200

    change(sensitive)
    assert told(client, carer, youth, cursor) == {id_: "tombstone"}
    assert told(client, youth, youth, own) == {id_: "upsert"}
    later = cursor_of(client, carer, youth)
    change(sensitive | {"note": "đã khám lại"})
    assert told(client, carer, youth, later) == {}  # what stays hidden moves nothing
    change(plain)
    assert told(client, carer, youth, later) == {id_: "upsert"}


def test_changes_of_many_rows_are_numbered_without_gaps(session: Session, youth: Citizen) -> None:
    make_visit(session, youth.profile, make_facts(results=30))
    other = make_profile(session)
    make_visit(session, other, make_facts(results=20))
    people = {"people": [youth.profile.id, other.id]}
    session.execute(
        text("UPDATE result SET classes = '{hiv}' WHERE profile_id = ANY (:people)"), people
    )
    session.commit()
    rows = session.execute(
        text(
            "SELECT r.profile_id, r.version, count(*), count(DISTINCT c.seq), max(c.seq),"
            " count(*) FILTER (WHERE c.kind = 'result' AND c.op = 'tombstone')"
            " FROM record r JOIN record_change c USING (profile_id)"
            " WHERE r.profile_id = ANY (:people) GROUP BY 1, 2"
        ),
        people,
    ).all()
    hidden = {}
    for person, version, count, distinct, last, tombstones in rows:
        assert version == count == distinct == last
        hidden[person] = tombstones
    assert hidden == {youth.profile.id: 30, other.id: 20}
