"""Rules about the database, read from its catalogue."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, create_engine, text
from sqlalchemy.orm import Session

from phr_api.kit.embedded import EmbeddedServer
from phr_api.migrations import models

PERSON_TABLES: list[Table] = [
    table for table in models.metadata.sorted_tables if table.info.get("person")
]

# without a person or a facility in it: readable by both roles, or of the worker alone
WITHOUT_POLICIES = {
    "age_rule",
    "alembic_version",
    "code",
    "code_list",
    "facility",
    "reference_version",
}

# R10: the whole list of functions that look across people, and who may call them
WEB, WORKER = {"phr_web"}, {"phr_worker"}
DEFINERS: dict[str, set[str]] = {
    "access_names": WEB,
    "append_audit_chain": WORKER,
    "audit_day_head": WORKER,
    "audit_first_day": WORKER,
    "feed_fact": set(),
    "feed_profile": set(),
    "feed_row": set(),
    "find_carer_pair": WEB,
    "find_carer_pair_seen": WORKER,
    "find_refresh": WEB,
    "first_signing_key": WEB,
    "issue_activation": WEB,
    "link_by_claims": WEB,
    "lock_records": WORKER,
    "match_person": WORKER,
    "sign_in_account": WEB,
    "staff_account": WORKER,
    "trim_changes": WORKER,
    "trim_sessions": WORKER,
    "use_activation": WEB,
}


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
        if not name.startswith("procrastinate_")
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
def test_keys_of_a_persons_table_contain_the_person(table: Table) -> None:
    """So that it can be partitioned or sharded by person without a rewrite."""
    person = "id" if table.name == "profile" else "profile_id"
    assert next(iter(table.primary_key.columns.keys())) == person


@pytest.mark.parametrize("role", ["web_connection", "worker_connection"])
def test_without_a_scope_every_persons_table_is_empty(
    request: pytest.FixtureRequest, role: str
) -> None:
    """On a used connection: before, after a scope was set and committed, and after an error."""
    connection: Connection = request.getfixturevalue(role)
    for _ in range(2):
        for table in PERSON_TABLES:
            with connection.begin():
                assert connection.execute(table.select().limit(1)).all() == []
        with connection.begin():
            connection.execute(
                text("SELECT set_config('phr.profile_id', gen_random_uuid()::text, true)")
            )


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
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _o, name, kind, *_: (
                    not (kind == "table" and str(name).startswith(("procrastinate_", "alembic_")))
                ),
            },
        )
        assert compare_metadata(context, models.metadata) == []
    engine.dispose()
