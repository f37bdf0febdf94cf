"""What every command needs first: the settings, and the database up and at the right revision."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phr_api.settings import SettingError, Settings

if TYPE_CHECKING:
    from phr_api.kit.embedded import EmbeddedServer

# Outside development these have no default; which others there are depends on the process.
NEEDED_BY_ALL = ("PUBLIC_URL", "PHR_SECRET", "RECORDS_PUBLIC_KEY", "OIDC_PROVIDERS")
NEEDED_BY_WEB = ("WEB_DATABASE_URL",)
NEEDED_BY_COMMANDS = ("WORKER_DATABASE_URL",)
NEEDED_TO_OPEN_FILES = ("WORKER_DATABASE_URL", "RECORDS_PRIVATE_KEY")
NEEDED_TO_MIGRATE = ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL")
NEEDED_TO_RUN = (*NEEDED_TO_MIGRATE, "RECORDS_PRIVATE_KEY")
KEYS = {"PHR_SECRET", "RECORDS_PUBLIC_KEY", "RECORDS_PRIVATE_KEY"}

# Of commands whose argument is a key's name (RFC 7638): one in 64 begins with "-".
TAKES_A_KEYS_NAME = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


def read_settings(*needed: str) -> Settings:
    """Settings of this process's environment; outside development those it needs must be set.

    The private PostgreSQL is for development: nobody is to find out from an empty book that a URL
    was missing. Raises SettingError, which names all that are missing at once.
    """
    env = os.environ  # noqa: TID251 - the command line's entry point
    missing = [name for name in (*NEEDED_BY_ALL, *needed) if not env.get(name)]
    try:
        settings = Settings.from_env(env)
    except SettingError as error:
        if error.variable in missing:
            raise _not_set(missing) from None
        raise
    if missing and not settings.is_development:
        raise _not_set(missing)
    return settings


def _not_set(missing: list[str]) -> SettingError:
    hints = ["PHR_ENV=development needs no settings"]
    if not KEYS.isdisjoint(missing):
        hints.insert(0, "`phr-api keys generate` prints new keys")
    are = "is not set" if len(missing) == 1 else "are not set"
    return SettingError(", ".join(missing), f"{are} ({'; '.join(hints)})")


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
def command_database(*needed: str) -> Generator[Settings]:
    """For a command that works on the database: all is bound as in the worker, never as the web.

    With the embedded database it works beside `make run` and without it: the server is started
    and migrated when it is not up. Raises SettingError, EmbeddedServerError, UnfitDatabase.
    """
    settings = read_settings(*(needed or NEEDED_BY_COMMANDS))  # before every room is imported

    from phr_api import worker  # noqa: PLC0415 - every room; `--help` stays fast
    from phr_api.kit import db, log  # noqa: PLC0415

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
