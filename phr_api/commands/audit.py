"""`phr-api audit`: is the trace still what was signed?"""

import sys

import click

from phr_api.commands.environment import command_database


@click.group()
def audit() -> None:
    """Check the trace of who opened whose record."""


@audit.command()
def verify() -> None:
    """Recompute the hash of every chained day; ends with status 1 and the days that differ.

    The worker chains a day an hour after it ended (UTC) and writes its head to the log: keep those
    lines elsewhere, they show a day that was removed with its row of the chain.
    """
    from phr_api.audit.service import verify_chain  # noqa: PLC0415 - `--help` stays fast
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database() as settings, unit_of_work() as session:
        broken = verify_chain(session, settings.secret)
    for day in broken:
        click.echo(f"{day.isoformat()} is not what was signed", err=True)
    if broken:
        sys.exit(1)
    click.echo("every chained day is as it was signed")
