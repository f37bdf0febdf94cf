"""Migrations after a release run over its data, as a migrator that is no superuser."""

import gzip
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phr_api import migrations
from phr_api.kit.embedded import EmbeddedServer
from tests.migrations.dumping import DATABASE, HERE, make_roles, upgrade

RELEASES = sorted(HERE.glob("*.sql.gz"))


@pytest.fixture
def server(tmp_path: Path) -> Generator[EmbeddedServer]:
    with EmbeddedServer.start(tmp_path, durable=False) as server:
        make_roles(server)
        upgrade(server)  # for the roles; the database itself is made anew from the dump
        engine = create_engine(server.superuser_url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {DATABASE}"))
            connection.execute(text(f"CREATE DATABASE {DATABASE} OWNER migrator"))
        engine.dispose()
        yield server


def test_there_is_a_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("dump", RELEASES, ids=lambda path: path.name)
def test_its_data_come_through_every_later_migration(server: EmbeddedServer, dump: Path) -> None:
    psql = [str(server.bin_dir / "psql"), "-h", str(server.socket_dir), "-U", "postgres"]
    subprocess.run(
        [*psql, "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", DATABASE],
        input=gzip.decompress(dump.read_bytes()),
        env=dict(server.environment),
        check=True,
    )
    counts = "SELECT (SELECT count(*) FROM encounter), (SELECT count(*) FROM record_change)"
    engine = create_engine(server.superuser_url(DATABASE))
    with engine.connect() as connection:
        before = connection.execute(text(counts)).one()
        connection.rollback()
        upgrade(server)
        after = connection.execute(text(counts)).one()
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    assert before[0] > 10
    assert after[0] == before[0]
    assert after[1] >= before[1]
    assert version == migrations.HEAD
