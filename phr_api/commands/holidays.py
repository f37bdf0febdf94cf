"""`phr-api holidays`: the days on which schedules rest."""

from pathlib import Path

import click

from phr_api.commands.environment import command_database

CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def holidays() -> None:
    """Load public holidays as the yearly decision dates them; slots are made anew at once."""


@holidays.command()
@click.argument("file", type=CSV_FILE, required=False)
def load(file: Path | None) -> None:
    """Replace the holidays of the years in a CSV FILE with the columns on, vi, en.

    Without a FILE those that come with this version, some of them still expected.
    """
    from phr_api.appointments.queries.plans import make_all_due  # noqa: PLC0415
    from phr_api.clinics.problems import CodeListInvalid  # noqa: PLC0415 - `--help` stays fast
    from phr_api.clinics.service import listing  # noqa: PLC0415
    from phr_api.kit import clock  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    try:
        rows = listing.read_known_holidays()
        if file is not None:
            with file.open(encoding="utf-8-sig", newline="") as stream:
                rows = listing.read_holidays(stream)
    except CodeListInvalid as problem:
        where, why = problem.extensions["line"], problem.extensions["reason"]
        raise click.UsageError(f"line {where}: {why}") from None
    with command_database(), unit_of_work() as session:
        count = listing.save_holidays(session, rows)
        make_all_due(session, clock.now())
    click.echo(f"{count} holidays")
