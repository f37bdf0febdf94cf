"""`phr-api reattach`."""

import json
from typing import IO

import click
from marshmallow import ValidationError

from phr_api.commands.environment import NEEDED_TO_OPEN_FILES, command_database
from phr_api.kit.problems import Problem


@click.command()
@click.option("--facility", required=True, help="Code of the facility that sent the visit.")
@click.option("--visit", required=True, help="Its MA_LK.")
@click.argument("document", type=click.File(encoding="utf-8"), default="-")
def reattach(facility: str, visit: str, document: IO[str]) -> None:
    """Move a visit that went to the wrong person to the one it belongs to (RIGHTS R13).

    The JSON document (a file, or standard input) is that of POST
    /v1/facilities/{code}/visits/{visit}/reattachment: a reason, and the person as known to the
    facility. Both people see it in their access log. Exits 1 when it cannot be done.
    """
    from phr_api.records import reattach_as_operator  # noqa: PLC0415 - `--help` stays fast
    from phr_api.records.schemas import ReattachmentSchema  # noqa: PLC0415

    try:
        command = ReattachmentSchema().load(json.load(document))
    except json.JSONDecodeError as error:
        raise click.UsageError("not a JSON document") from error
    except ValidationError as error:
        places = ", ".join(sorted(map(str, error.messages_dict)))
        raise click.UsageError(f"not such a document: {places}") from error
    with command_database(*NEEDED_TO_OPEN_FILES):
        try:
            refusal = reattach_as_operator(facility, visit, command)
        except Problem as problem:
            raise click.ClickException(problem.titles["en"]) from problem
    if refusal is not None:
        raise click.ClickException(f"refused: {refusal}")
    click.echo("moved")
