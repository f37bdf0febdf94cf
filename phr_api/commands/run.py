"""`phr-api run`, which `make run` calls."""

import os
import sys

import click

from phr_api.commands.environment import NEEDED_TO_RUN, read_settings


@click.command()
def run() -> None:
    """Start everything on this computer and show one screen about it; Ctrl-C stops everything.

    With PHR_ENV=development missing keys are made, fictional people are taken in once, a local
    OpenID provider lets you sign in as any of them, and without DATABASE_URL a private PostgreSQL
    is started in PHR_DATA_DIR (default: var). In production the settings of all processes must
    be there. PORT is the API's port; the next three are the slow process's, the metrics' and the
    provider's.
    """
    from phr_api.commands import supervisor  # noqa: PLC0415 - `--help` stays fast

    settings = read_settings(*NEEDED_TO_RUN)
    try:
        sys.exit(supervisor.run(settings, dict(os.environ)))  # noqa: TID251 - handed to the children
    except supervisor.StartFailedError as error:
        click.echo(f"phr-api: {error}", err=True)
        sys.exit(1)
