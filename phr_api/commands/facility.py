"""`phr-api facility`: the directory of places of care."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phr_api.commands.environment import command_database

if TYPE_CHECKING:
    from phr_api.clinics import NewFacility

CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def facility() -> None:
    """Add and list facilities.

    A facility is known by the 5-character code of the social-insurance list (mã CSKCB). Files are
    taken in only for facilities that are in the directory.
    """


@facility.command()
@click.argument("code")
@click.option("--name", required=True, help="Its name, as citizens read it.")
@click.option("--kind", default="hospital", show_default=True, help="hospital, health-station …")
@click.option("--province", help="Name of the province or city.")
@click.option("--address", help="Street and ward.")
@click.option("--phone", help="With country code, such as +842400000001.")
def add(
    code: str, name: str, kind: str, province: str | None, address: str | None, phone: str | None
) -> None:
    """Add the facility CODE, or bring it up to date."""
    from phr_api.clinics import NewFacility  # noqa: PLC0415 - `--help` stays fast

    new = NewFacility(
        code=code, name=name, kind=kind, province=province, address=address, phone=phone
    )
    _save([new])
    click.echo(f"{code} {name}")


@facility.command("import")
@click.argument("file", type=CSV_FILE)
def import_(file: Path) -> None:
    """Add or bring up to date the facilities of a CSV FILE.

    It has a header and is UTF-8; columns: code, name, and if you like kind, province, address,
    phone, latitude, longitude, remote_licence (the number that permits care from afar). All or
    nothing.
    """
    from phr_api.clinics.problems import CodeListInvalid  # noqa: PLC0415
    from phr_api.clinics.service import read_facilities  # noqa: PLC0415

    with file.open(encoding="utf-8-sig", newline="") as stream:
        try:
            new = read_facilities(stream)
        except CodeListInvalid as problem:
            raise click.UsageError(str(problem.extensions["reason"])) from None
    click.echo(f"{_save(new)} facilities")


@facility.command("list")
@click.option("--search", default="", help="Words of name, address or code, without diacritics.")
def list_(search: str) -> None:
    """Print facilities as one JSON object a line, by name."""
    from phr_api.clinics import queries  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415
    from phr_api.vocab import search_key  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        wanted = queries.FacilitySearch(words=search_key(search).split())
        found = queries.find_facilities(session, wanted, limit=100_000)
        for row in found:
            shown = {"code": row.code, "name": row.name, "kind": row.kind}
            place = {"province": row.province, "address": row.address, "phone": row.phone}
            degrees = {"latitude": row.latitude, "longitude": row.longitude}
            licence = {"remoteLicence": row.remote_licence}
            line = shown | place | degrees | licence
            click.echo(json.dumps(line, ensure_ascii=False, default=float))


def _save(new: list["NewFacility"]) -> int:
    from phr_api.clinics import save_facilities  # noqa: PLC0415
    from phr_api.clinics.problems import CodeListInvalid  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        try:
            return save_facilities(session, new)
        except CodeListInvalid as problem:
            raise click.UsageError(str(problem.extensions["reason"])) from None
