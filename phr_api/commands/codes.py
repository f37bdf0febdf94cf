"""`phr-api codes`: lists of codes with their words, in versions."""

import json
from pathlib import Path

import click

from phr_api.commands.environment import command_database

CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def codes() -> None:
    """Load a list of codes with its names and version.

    Records keep codes; the words are joined when a book is read, from the current version of the
    list. Loading a new version changes the words of every book at once.
    """


@codes.command()
@click.argument("file", type=CSV_FILE)
@click.option("--system", required=True, help="Which list: icd10, care-type, outcome …")
@click.option("--version", required=True, help="Name of this version, such as tt-06-2026.")
def load(file: Path, system: str, version: str) -> None:
    """Load a CSV FILE as one version of a list, and make it the current one.

    It has a header and is UTF-8; columns: code, vi, and if you like en; with a column system only
    that system's rows count. A version with other words than before is refused: give it a new name.
    """
    from phr_api.clinics import load_codes  # noqa: PLC0415 - `--help` stays fast
    from phr_api.clinics.problems import CodeListExists, CodeListInvalid  # noqa: PLC0415
    from phr_api.clinics.service import read_codes  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = read_codes(stream, system)
        with command_database(), unit_of_work() as session:
            count = load_codes(session, system, version, rows)
    except CodeListInvalid as problem:
        line = problem.extensions.get("line")
        place = f"line {line}: " if line else ""
        raise click.UsageError(f"{place}{problem.extensions['reason']}") from None
    except CodeListExists:
        message = f"version {version} of {system} is loaded already, with other words"
        raise click.UsageError(message) from None
    click.echo(f"{count} codes of {system}, version {version}")


@codes.command("list")
@click.option("--system", help="Only this list.")
def list_(system: str | None) -> None:
    """Print every loaded version as one JSON object a line, the current one of a list first."""
    from phr_api.clinics import queries  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        for row in queries.find_code_lists(session, system):
            shown = {
                "system": row.system,
                "version": row.version,
                "isCurrent": row.is_current,
                "codes": row.codes,
                "loadedAt": row.loaded_at.isoformat(),
            }
            click.echo(json.dumps(shown, ensure_ascii=False))
