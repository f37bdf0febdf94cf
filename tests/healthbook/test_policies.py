"""Row-level security as the web's role meets it, for every class and every table (R8)."""

from collections.abc import Collection
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.healthbook.models import Allergy, Condition, Immunization, Measurement
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.vocab import Section, SensitivityClass
from tests.factories.healthbook import make_facts, make_visit
from tests.factories.people import make_account, make_profile

TABLES = {
    "encounter": "encounters",
    "medication": "medications",
    "procedure": "procedures",
    "result": "results",
    "note": "notes",
    "programme": "programmes",
    "paper": "papers",
    "immunization": "immunizations",
    "allergy": "allergies",
    "condition": "conditions",
    "measurement": "measurements",
}
ENTERED = {"allergy", "condition", "measurement"}
EVERY_CLASS = sorted(SensitivityClass)


def make_record(session: Session) -> UUID:
    """Save one fact of every class in every table."""
    profile, account = make_profile(session), make_account(session)
    for label in SensitivityClass:
        make_visit(session, profile, make_facts(classes=[label], results=1, medications=1))
        now = clock.now()
        entered = {
            "profile_id": profile.id,
            "classes": [label],
            "status": "current",
            "source": "self",
            "recorded_by": account.id,
            "created_at": now,
            "updated_at": now,
        }
        session.add_all(
            [
                Allergy(id=new_row_id(), substance="x", category="other", **entered),
                Condition(id=new_row_id(), name="x", **entered),
                Measurement(
                    id=new_row_id(),
                    client_id=label,
                    kind="weight",
                    value=50,
                    unit="kg",
                    taken_at=now,
                    **entered,
                ),
                Immunization(
                    id=new_row_id(),
                    profile_id=profile.id,
                    classes=[label],
                    status="current",
                    received={},
                    vaccine_name="x",
                    occurred_on=now.date(),
                    created_at=now,
                ),
            ]
        )
    session.commit()
    return profile.id


def count(
    connection: Connection,
    table: str,
    person: UUID,
    *,
    classes: Collection[str],
    sections: Collection[str],
) -> int:
    with connection.begin():
        connection.execute(
            text(
                "SELECT set_config('phr.profile_id', :person, true),"
                " set_config('phr.classes', :classes, true),"
                " set_config('phr.sections', :sections, true)"
            ),
            {
                "person": str(person),
                "classes": ",".join(classes),
                "sections": ",".join(sections),
            },
        )
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608


@pytest.fixture(scope="module")
def record(request: pytest.FixtureRequest) -> UUID:
    engines = request.getfixturevalue("engines")
    with Session(engines["phr_test"], expire_on_commit=False) as session:
        return make_record(session)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_of_a_class_shows_only_with_that_class(
    web_connection: Connection, record: UUID, table: str
) -> None:
    section = [TABLES[table]]
    assert count(web_connection, table, record, classes=[], sections=section) == 0
    for label in EVERY_CLASS:
        assert count(web_connection, table, record, classes=[label], sections=section) == 1
        others = [other for other in EVERY_CLASS if other != label]
        assert count(web_connection, table, record, classes=others, sections=section) == 3


@pytest.mark.parametrize("table", TABLES)
def test_a_row_shows_only_with_its_section_and_its_person(
    web_connection: Connection, record: UUID, table: str
) -> None:
    others = [section for section in Section if section != TABLES[table]]
    assert count(web_connection, table, record, classes=EVERY_CLASS, sections=others) == 0
    everything = list(Section)
    stranger = new_row_id()
    assert count(web_connection, table, stranger, classes=EVERY_CLASS, sections=everything) == 0
    assert count(web_connection, table, record, classes=EVERY_CLASS, sections=everything) == 4


@pytest.mark.parametrize("label", EVERY_CLASS)
def test_a_change_shows_only_with_its_class_and_section(
    web_connection: Connection, record: UUID, label: str
) -> None:
    for section in TABLES.values():
        seen = [
            count(web_connection, "record_change", record, classes=classes, sections=[section])
            for classes in ([], [label])
        ]
        assert seen == [0, 1]


def test_the_stored_book_shows_only_with_everything(
    session: Session, web_connection: Connection, record: UUID
) -> None:
    session.execute(
        text(
            "INSERT INTO record_snapshot VALUES (:id, 1, 'test', 'x')"
            " ON CONFLICT (profile_id) DO NOTHING"
        ),
        {"id": record},
    )
    session.commit()
    everything = list(Section)
    table = "record_snapshot"
    assert count(web_connection, table, record, classes=EVERY_CLASS, sections=everything) == 1
    for label in EVERY_CLASS:
        fewer = [other for other in EVERY_CLASS if other != label]
        assert count(web_connection, table, record, classes=fewer, sections=everything) == 0
    for section in Section:
        narrow = [other for other in Section if other != section]
        assert count(web_connection, table, record, classes=EVERY_CLASS, sections=narrow) == 0


@pytest.mark.parametrize("table", [table for table in TABLES if table not in ENTERED])
def test_the_web_role_writes_no_hospital_fact(
    web_connection: Connection, record: UUID, table: str
) -> None:
    for statement in (
        f"UPDATE {table} SET status = 'withdrawn'",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"INSERT INTO {table} (profile_id, id) VALUES (gen_random_uuid(), gen_random_uuid())",  # noqa: S608
    ):
        with pytest.raises(DBAPIError) as refused, web_connection.begin():
            web_connection.execute(text(statement))
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"
