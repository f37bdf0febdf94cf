"""`phr-api services`: what clinics offer, by list."""

from pathlib import Path

import click

from phr_api.commands.environment import command_database

CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def services() -> None:
    """Load what facilities offer; their desks may change it afterwards."""


@services.command()
@click.argument("file", type=CSV_FILE)
def load(file: Path) -> None:
    """Add or bring up to date the services of a CSV FILE.

    It has a header and is UTF-8; columns: facility, code, name, and if you like kind (on-site or
    remote), visit_kind (consultation, follow-up or other), departments (codes with spaces between),
    minutes, price_vnd, preparation, name_en, respond_minutes, lead_minutes, cancel_minutes,
    most_open, and as yes or no confirms_itself, has_waitlist, asks_still_coming. All or nothing.
    """
    from phr_api.clinics.problems import CodeListInvalid  # noqa: PLC0415 - `--help` stays fast
    from phr_api.clinics.service.listing import read_services, save_services  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = read_services(stream)
        with command_database(), unit_of_work() as session:
            click.echo(f"{save_services(session, rows)} services")
    except CodeListInvalid as problem:
        where, why = problem.extensions["line"], problem.extensions["reason"]
        raise click.UsageError(f"line {where}: {why}") from None
