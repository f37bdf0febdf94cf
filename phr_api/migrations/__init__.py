"""One line of history: numbered revisions, run by `phr-api migrate` as the migrator's role."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine, text

from phr_api.migrations import roles

HERE = Path(__file__).parent
HEAD = (HERE / "HEAD").read_text().strip()


def upgrade(migrator_url: str, *, web_url: str, worker_url: str, to: str = "head") -> None:
    """Bring the database at `migrator_url` to revision `to`, roles first, in one transaction.

    Raises roles.UnfitDatabase when the server or the role cannot carry the application.
    """
    engine = create_engine(migrator_url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        roles.ensure_roles(connection, web_url=web_url, worker_url=worker_url)
        # a waiting migration blocks every reader behind it: give up early instead
        connection.execute(text("SET LOCAL lock_timeout = '4s'"))
        connection.execute(text("SET LOCAL statement_timeout = '60s'"))
        config = Config()
        config.set_main_option("script_location", str(HERE))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
