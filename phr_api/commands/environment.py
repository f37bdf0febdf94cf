"""What every command needs first: the settings, and the database up and at the right revision."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phr_api.settings import Settings

if TYPE_CHECKING:
    from phr_api.kit.embedded import EmbeddedServer


def read_settings() -> Settings:
    """Settings of this process's environment. Raises SettingError."""
    return Settings.from_env(os.environ)  # noqa: TID251 - the command line's entry point


@contextmanager
def database_up(settings: Settings) -> Generator["EmbeddedServer | None"]:
    """While inside, the database answers: the embedded one is joined, or started and stopped.

    Nothing to do for a database of one's own.
    """
    if not settings.database.is_embedded:
        yield None
        return
    from phr_api.kit.embedded import EmbeddedServer  # noqa: PLC0415 - only where one is needed

    with EmbeddedServer.start(settings.data_dir) as server:
        yield server


@contextmanager
def command_database() -> Generator[Settings]:
    """For a command that works on the database: all is bound as in the worker, never as the web.

    With the embedded database it works beside `make run` and without it: the server is started
    and migrated when it is not up. Raises SettingError, EmbeddedServerError, UnfitDatabase.
    """
    from phr_api import worker  # noqa: PLC0415 - every room; `--help` stays fast
    from phr_api.kit import db, log  # noqa: PLC0415

    settings = read_settings()
    log.configure("WARNING")
    with database_up(settings) as server:
        if server is not None and server.is_owner:
            migrate(settings)
        worker.configure(settings)
        try:
            yield settings
        finally:
            db.dispose()


def migrate(settings: Settings) -> None:
    """Bring the roles and the schema up to this code. Raises SettingError, UnfitDatabase."""
    from phr_api import migrations  # noqa: PLC0415 - Alembic is slow to import

    migrations.upgrade(
        settings.database.migrator_url,
        web_url=settings.database.web_url,
        worker_url=settings.database.worker_url,
    )
