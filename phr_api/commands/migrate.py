"""`phr-api migrate`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from phr_api.commands import environment


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing: migrate an empty scratch database and compare it with the models.",
)
def migrate(*, check: bool) -> None:
    """Create the roles and bring the database up to this version.

    Runs as the owner of the tables: DATABASE_URL names a superuser, or a role with CREATEROLE and
    BYPASSRLS, of PostgreSQL 16 or newer. WEB_DATABASE_URL and WORKER_DATABASE_URL name the roles
    phr_web and phr_worker, which are created with the passwords that the two URLs carry.
    Safe to run again, and the right thing to run before new processes start.
    """
    if check:
        sys.exit(_compare())
    settings = environment.read_settings(*environment.NEEDED_TO_MIGRATE)
    with environment.database_up(settings):
        environment.migrate(settings)
    click.echo("The database is up to date.")


def _compare() -> int:
    """Exit status: 0 when models and migrations agree; differences are printed."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - slow to import
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from sqlalchemy import NullPool, create_engine  # noqa: PLC0415

    from phr_api import migrations  # noqa: PLC0415
    from phr_api.kit.embedded import EmbeddedServer  # noqa: PLC0415
    from phr_api.migrations import models  # noqa: PLC0415
    from phr_api.settings import WEB_ROLE, WORKER_ROLE  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer.start(Path(folder), durable=False) as server,
    ):
        migrations.upgrade(
            server.superuser_url(),
            web_url=server.url("phr", WEB_ROLE),
            worker_url=server.url("phr", WORKER_ROLE),
        )
        engine = create_engine(server.superuser_url(), poolclass=NullPool)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            told = [_told(difference) for difference in compare_metadata(context, models.metadata)]
            reached = context.get_current_revision()
    if reached != migrations.HEAD:
        told.append(f"the last revision is {reached}, phr_api/migrations/HEAD says otherwise")
    for line in told:
        click.echo(f"models and migrations: {line}", err=True)
    click.echo(f"{len(told)} differences between models and migrations")
    return 1 if told else 0


def _told(difference: Any) -> str:
    """One of Alembic's differences in a line: what it would do, and to what."""
    if isinstance(difference, list):  # changes of one column come together
        return "; ".join(map(_told, difference))
    what, *about = difference
    named = [getattr(part, "name", part) for part in about if part is not None]
    return " ".join(map(str, [what, *named]))
