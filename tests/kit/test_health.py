"""An orchestrator is told the truth, and nothing else."""

from collections.abc import Generator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, text

from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer
from phr_api.settings import Settings


@pytest.fixture
def owner(cluster: EmbeddedServer) -> Generator[Connection]:
    """A connection as the one who migrates."""
    engine = create_engine(cluster.superuser_url())
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_live_process_says_so_to_anybody(client: FlaskClient) -> None:
    answer = client.get("/livez")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_ready_process_has_the_database_at_this_codes_revision(client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200


def test_another_revision_is_not_ready(client: FlaskClient, owner: Connection) -> None:
    owner.execute(text("UPDATE alembic_version SET version_num = version_num || 'x'"))
    owner.commit()
    try:
        answer = client.get("/readyz")
    finally:
        owner.execute(text("UPDATE alembic_version SET version_num = left(version_num, -1)"))
        owner.commit()
    assert answer.status_code == 503
    assert answer.json is not None
    assert (answer.json["type"], answer.json["reason"]) == ("/problems/not-ready", "migrations")
    assert answer.headers["Retry-After"] == "1"


def test_without_a_database_it_lives_and_is_not_ready(
    client: FlaskClient, settings: Settings
) -> None:
    db.configure("postgresql+psycopg://phr_web@/phr?host=/nowhere")
    try:
        assert client.get("/livez").status_code == 200
        answer = client.get("/readyz")
    finally:
        db.configure(settings.database.web_url)
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reason"] == "database"
