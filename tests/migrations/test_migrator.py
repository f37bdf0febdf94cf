"""Migrations run as an ordinary migrator: no superuser, as on a managed PostgreSQL."""

from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phr_api import migrations
from phr_api.kit.embedded import EmbeddedServer
from phr_api.migrations.roles import UnfitDatabase

DATABASE = "managed"
A_SCHEDULE = (
    "INSERT INTO facility (code, name, kind, search_key) VALUES ('99001', 'x', 'x', 'x')",
    (
        "INSERT INTO clinic_service (id, facility_code, code, name, search_key, kind, minutes,"
        " created_at, version)"
        " VALUES (gen_random_uuid(), '99001', 'x', 'x', 'x', 'on-site', 15, now(), 1)"
    ),
    (
        "INSERT INTO schedule (id, facility_code, service_id, name, pattern, starts, ends,"
        " slot_minutes, capacity, valid_from, due_at, created_at, ended_at, version)"
        " SELECT gen_random_uuid(), '99001', s.id, n.name, 'weekly', '08:00', '09:00', 30, 1,"
        " current_date, now() + interval '1 day', now(), n.ended_at, 1"
        " FROM clinic_service s, (VALUES ('given', NULL), ('ended', now())) AS n(name, ended_at)"
    ),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedServer]:
    """A cluster of its own: roles belong to the whole cluster, and here there are none yet."""
    folder: Path = tmp_path_factory.mktemp("managed")
    with EmbeddedServer.start(folder, durable=False) as server:
        engine = create_engine(server.superuser_url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE ROLE migrator LOGIN CREATEROLE BYPASSRLS"))
            connection.execute(text("CREATE ROLE weak LOGIN CREATEROLE"))
            connection.execute(text(f"CREATE DATABASE {DATABASE} OWNER migrator"))
        engine.dispose()
        yield server


def upgrade(server: EmbeddedServer, role: str, *, web: str = "phr_web:secret") -> None:
    web_url = server.url(DATABASE, "phr_web").replace("phr_web", web, 1)
    worker_url = server.url(DATABASE, "phr_worker")
    migrations.upgrade(server.url(DATABASE, role), web_url=web_url, worker_url=worker_url)


def test_a_role_that_cannot_carry_it_is_told_what_is_missing(server: EmbeddedServer) -> None:
    with pytest.raises(UnfitDatabase, match="CREATEROLE and BYPASSRLS"):
        upgrade(server, "weak")


def test_a_process_url_of_another_role_is_refused(server: EmbeddedServer) -> None:
    with pytest.raises(UnfitDatabase, match="phr_web"):
        upgrade(server, "migrator", web="somebody")


def test_an_ordinary_migrator_makes_it_all_and_may_run_again(server: EmbeddedServer) -> None:
    upgrade(server, "migrator")
    upgrade(server, "migrator")
    engine = create_engine(server.url(DATABASE, "phr_web"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == migrations.HEAD
        assert connection.scalar(text("SELECT count(*) FROM profile")) == 0
        timeout = connection.scalar(text("SHOW statement_timeout"))
    engine.dispose()
    assert timeout == "5s"


def test_slots_are_made_anew_where_their_provinces_key_is_another(server: EmbeddedServer) -> None:
    """Revision 0016: they were found by the province's old name, which nobody asks for now."""
    database = "with-schedules"
    engine = create_engine(server.superuser_url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{database}" OWNER migrator'))
    engine.dispose()
    urls = {f"{role}_url": server.url(database, f"phr_{role}") for role in ("web", "worker")}
    migrations.upgrade(server.url(database, "migrator"), **urls, to="0015")
    engine = create_engine(server.superuser_url(database))
    with engine.begin() as connection:
        for statement in A_SCHEDULE:
            connection.execute(text(statement))
    migrations.upgrade(server.url(database, "migrator"), **urls)
    with engine.connect() as connection:
        due = connection.execute(text("SELECT name, due_at <= now() AS is_due FROM schedule")).all()
    engine.dispose()
    assert {row.name: row.is_due for row in due} == {"given": True, "ended": False}
