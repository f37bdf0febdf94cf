"""The real database for every test: one embedded server a process, migrated once.

Nothing is rolled back: a savepoint cannot prove row-level security, since settings made by
set_config live until the outer transaction ends. Each test makes its own people.
"""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.orm import Session

from phr_api import migrations
from phr_api.app import create_app
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer
from phr_api.settings import Settings
from tests.listening import Listener, find_named

DATABASE = "phr"
ROLES = ("phr_web", "phr_worker", "phr_test")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hunt",
        type=int,
        default=0,
        metavar="EXAMPLES",
        help="let tests/appointments/test_model.py look for new trouble in so many random examples",
    )


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def cluster(data_dir: Path) -> Generator[EmbeddedServer]:
    """A PostgreSQL of this process's own; not durable, so that tests are quick."""
    with EmbeddedServer.start(data_dir, durable=False) as server:
        migrations.upgrade(
            server.superuser_url(DATABASE),
            web_url=server.url(DATABASE, "phr_web"),
            worker_url=server.url(DATABASE, "phr_worker"),
        )
        engine = create_engine(server.superuser_url(DATABASE), poolclass=NullPool)
        with engine.begin() as connection:
            # factories write around the policies; the application never signs in as this role
            connection.execute(text("CREATE ROLE phr_test LOGIN BYPASSRLS"))
            connection.execute(
                text(
                    "GRANT SELECT, INSERT, UPDATE, DELETE"
                    " ON ALL TABLES IN SCHEMA public TO phr_test"
                )
            )
            connection.execute(text("GRANT phr_worker TO phr_test"))  # and its functions
        listener = Listener(data_dir / "suite.log")
        listener.start()
        yield server
        db.dispose()
        logged = listener.stop() + server.log_path.read_text(encoding="utf-8")
    assert find_named(logged) == [], "a log of the suite names one of its people"


@pytest.fixture(scope="session")
def environment(cluster: EmbeddedServer, data_dir: Path) -> dict[str, str]:
    """The environment of a process of this installation, for processes that tests start."""
    outside = os.environ  # noqa: TID251 - what processes started here need
    keep = {name: outside[name] for name in ("PATH", "HOME", "CI") if name in outside}
    return keep | {
        "PHR_ENV": "development",
        "PHR_DATA_DIR": str(data_dir),
        "DATABASE_URL": cluster.superuser_url(DATABASE),
        "WEB_DATABASE_URL": cluster.url(DATABASE, "phr_web"),
        "WORKER_DATABASE_URL": cluster.url(DATABASE, "phr_worker"),
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    return Settings.from_env(environment)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def engines(cluster: EmbeddedServer) -> Generator[dict[str, Engine]]:
    """One engine a role, each with connections of its own."""
    made = {role: create_engine(cluster.url(DATABASE, role)) for role in ROLES}
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def session(engines: dict[str, Engine]) -> Generator[Session]:
    """For factories and for looking: past the policies. Commit what the application should see."""
    with Session(engines["phr_test"], expire_on_commit=False) as session:
        yield session


@pytest.fixture
def web_connection(engines: dict[str, Engine]) -> Generator[Connection]:
    """A connection as the web's role, under the policies."""
    with engines["phr_web"].connect() as connection:
        yield connection


@pytest.fixture
def worker_connection(engines: dict[str, Engine]) -> Generator[Connection]:
    """A connection as the worker's role, under the policies."""
    with engines["phr_worker"].connect() as connection:
        yield connection


@pytest.fixture
def as_worker(settings: Settings) -> Callable[[], AbstractContextManager[None]]:
    """Inside `with as_worker():` this process is the worker: kit.db is bound to its role."""

    @contextmanager
    def bound() -> Generator[None]:
        db.configure(settings.database.worker_url, is_worker=True)
        try:
            yield
        finally:
            db.configure(settings.database.web_url)

    return bound
