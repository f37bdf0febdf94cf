"""Rules about the database, read from its catalogue."""

from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Connection, Table, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.kit.db import read_row
from phr_api.kit.embedded import EmbeddedServer
from phr_api.migrations import models
from phr_api.vocab import Section, SensitivityClass
from tests.architecture.definers import DEFINERS
from tests.architecture.tables import WITHOUT_POLICIES
from tests.factories.people import make_citizen
from tests.healthbook.test_policies import make_record

PERSON_TABLES: list[Table] = [
    table for table in models.metadata.sorted_tables if table.info.get("person")
]


def rows(session: Session, sql: str, **values: Any) -> list[Any]:
    return list(session.execute(text(sql), values))


def test_every_table_has_policies_that_hold_for_its_owner_too(session: Session) -> None:
    unprotected = {
        name
        for (name,) in rows(
            session,
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
            " AND NOT (relrowsecurity AND relforcerowsecurity)",
        )
    }
    assert unprotected == WITHOUT_POLICIES


@pytest.mark.parametrize("table", PERSON_TABLES, ids=lambda table: table.name)
def test_a_persons_table_compares_person_class_and_section(session: Session, table: Table) -> None:
    (condition,) = rows(
        session,
        "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy"
        " WHERE polrelid = CAST(:name AS regclass) AND polname = 'person'",
        name=table.name,
    )[0]
    for setting in ("phr.profile_id", "phr.classes", "phr.sections"):
        assert setting in condition
    assert f"'{table.info['section']}'" in condition


@pytest.mark.parametrize("table", PERSON_TABLES, ids=lambda table: table.name)
def test_a_persons_table_writes_the_feed(session: Session, table: Table) -> None:
    triggers = {
        name
        for (name,) in rows(
            session,
            "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass)"
            " AND NOT tgisinternal AND tgenabled = 'O'",
            name=table.name,
        )
    }
    assert triggers >= {"feed_insert", "feed_update", "feed_delete"}


@pytest.mark.parametrize("table", PERSON_TABLES, ids=lambda table: table.name)
def test_keys_of_a_persons_table_contain_the_person(session: Session, table: Table) -> None:
    """Primary, unique and foreign, so that it can be sharded by person without a rewrite.

    A foreign key to a reference or an account stays; one to another fact goes by the person.
    """
    person = "id" if table.name == "profile" else "profile_id"
    keys = rows(
        session,
        "SELECT array(SELECT attname::text FROM pg_attribute"
        " WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey))"
        " FROM pg_index i WHERE i.indrelid = CAST(:name AS regclass) AND i.indisunique",
        name=table.name,
    )
    assert all(person in columns for (columns,) in keys)
    facts = {each.name for each in PERSON_TABLES}
    for key in table.foreign_key_constraints:
        if key.referred_table.name in facts:
            assert person in key.column_keys


def test_only_the_feeds_functions_write_versions_and_changes(session: Session) -> None:
    granted = rows(
        session,
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_name IN ('record', 'record_change') AND grantee IN ('phr_web', 'phr_worker')"
        " AND privilege_type <> 'SELECT'",
    )
    assert granted == []


@pytest.mark.parametrize("table", PERSON_TABLES, ids=lambda table: table.name)
def test_a_persons_table_is_deleted_from_by_nobody(session: Session, table: Table) -> None:
    """Facts end, and are superseded or withdrawn: history is never overwritten."""
    granted = rows(
        session,
        "SELECT grantee FROM information_schema.role_table_grants WHERE table_name = :name"
        " AND grantee IN ('phr_web', 'phr_worker') AND privilege_type IN ('DELETE', 'TRUNCATE')",
        name=table.name,
    )
    assert granted == []


def test_every_table_of_the_book_tells_the_feed(session: Session) -> None:
    """What is written, and what is gone: one change a row, without a gap."""
    person = make_record(session)
    tables = [table for table in PERSON_TABLES if table.info["section"] in BOOK_SECTIONS]
    assert len(tables) == 11
    for table in reversed(models.metadata.sorted_tables):
        if table not in tables:
            continue
        column = table.c.profile_id
        count = session.scalar(select(func.count()).where(column == person)) or 0
        told = changes(session, person, table.name, "upsert")
        assert (count > 0, told) == (True, count), table.name
        session.execute(table.delete().where(column == person))
        assert changes(session, person, table.name, "tombstone") == count, table.name
    numbers = rows(
        session,
        "SELECT max(c.seq) = count(*) AND max(c.seq) = max(r.version) FROM record_change c"
        " JOIN record r USING (profile_id) WHERE profile_id = :person",
        person=person,
    )
    session.rollback()
    assert numbers == [(True,)]


BOOK_SECTIONS = set(Section) - {Section.PROFILE, Section.COVERAGE}


def changes(session: Session, person: UUID, kind: str, op: str) -> int:
    query = "SELECT count(*) FROM record_change WHERE profile_id = :p AND kind = :k AND op = :o"
    return int(session.execute(text(query), {"p": person, "k": kind, "o": op}).scalar_one())


def everything_is_empty(connection: Connection) -> bool:
    with connection.begin():
        return all(
            connection.execute(table.select().limit(1)).all() == [] for table in PERSON_TABLES
        )


def scoped(connection: Connection, person: UUID, sql: str = "SELECT 1") -> None:
    """Set a full scope, as a request does, and run something in it."""
    connection.execute(
        text(
            "SELECT set_config('phr.profile_id', :person, true),"
            " set_config('phr.classes', :classes, true), set_config('phr.sections', :all, true)"
        ),
        {
            "person": str(person),
            "classes": ",".join(SensitivityClass),
            "all": ",".join(Section),
        },
    )
    assert connection.scalar(text("SELECT count(*) FROM encounter"))
    connection.execute(text(sql))


@pytest.mark.parametrize("role", ["web_connection", "worker_connection"])
def test_without_a_scope_every_persons_table_is_empty(
    request: pytest.FixtureRequest, session: Session, role: str
) -> None:
    """On a new connection, and on a used one: after commit, rollback, an error and a cancel."""
    connection: Connection = request.getfixturevalue(role)
    person = make_record(session)
    assert everything_is_empty(connection)
    with connection.begin():
        scoped(connection, person)
    assert everything_is_empty(connection)
    transaction = connection.begin()
    scoped(connection, person)
    transaction.rollback()
    assert everything_is_empty(connection)
    for failing in ("SELECT 1/0", "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)"):
        with pytest.raises(DBAPIError), connection.begin():
            scoped(connection, person, failing)
        assert everything_is_empty(connection)


def test_a_hot_read_leaves_no_scope_behind(app: Flask, session: Session) -> None:
    """Autocommit: what one statement set is gone for the next user of the connection."""
    citizen = make_citizen(session)
    read = "SELECT relation FROM open_record(%s, %s, %s, 'see', now())"
    principal = citizen.principal
    for _ in range(3):
        ids = (principal.account_id, principal.session_id, citizen.profile.id)
        assert read_row(read, ids) == ("self",)
        assert read_row("SELECT count(*) FROM profile", ()) == (0,)


def test_roles_own_nothing_and_cannot_go_around(session: Session) -> None:
    for role in ("phr_web", "phr_worker"):
        ((is_super, may_bypass),) = rows(
            session,
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = :role",
            role=role,
        )
        assert (is_super, may_bypass) == (False, False)
        owned = rows(
            session,
            "SELECT relname FROM pg_class WHERE relowner = CAST(:role AS regrole)",
            role=role,
        )
        assert owned == []


def test_the_functions_that_look_across_people_are_the_listed_ones(session: Session) -> None:
    found: dict[str, set[str]] = {}
    for name, path, grantee in rows(
        session,
        "SELECT p.proname, p.proconfig, CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
        " ELSE pg_get_userbyid(a.grantee) END"
        " FROM pg_proc p LEFT JOIN LATERAL aclexplode(p.proacl) a ON a.grantee <> p.proowner"
        " WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace",
    ):
        assert any(str(setting).startswith("search_path=pg_catalog") for setting in path or [])
        found.setdefault(name, set())
        if grantee:
            found[name].add(grantee)
    assert found == DEFINERS


def test_migrations_give_what_the_models_say(cluster: EmbeddedServer) -> None:
    engine = create_engine(cluster.superuser_url("phr"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.metadata) == []
    engine.dispose()
