"""`phr-api carers`: parents who open a child's book, as an operator records them."""

import json
from typing import IO
from uuid import UUID

import click
from marshmallow import ValidationError

from phr_api.commands.environment import command_database
from phr_api.kit.problems import Problem


@click.group()
def carers() -> None:
    """Record a parent as carer of a child's book; close it to a carer again."""


@carers.command()
@click.argument("document", type=click.File(encoding="utf-8"), default="-")
def add(document: IO[str]) -> None:
    """Record a carer until the child is 18, from a JSON document (a file, or standard input).

    Its members are those of POST /v1/facilities/{code}/carers: child and carer (number, fullName,
    birth), relation, powers, documentSeen. Numbers do not belong on a command line, where other
    users of the machine see them.
    """
    from phr_api import audit  # noqa: PLC0415 - `--help` stays fast
    from phr_api.consent import carers as service  # noqa: PLC0415
    from phr_api.consent.schemas import NewCarerSchema  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    try:
        new = NewCarerSchema().load(json.load(document))
    except (json.JSONDecodeError, ValidationError) as error:
        raise click.UsageError("not such a document: " + _places(error)) from error
    with command_database():
        try:
            with unit_of_work() as session:
                actor = audit.Actor(kind="operator", id=None)
                carer = service.record_carer(session, actor, new)
                line = {"id": str(carer.id), "profile": str(carer.profile_id)}
                line["endsAt"] = carer.ends_at.isoformat()
        except Problem as problem:
            raise click.ClickException(problem.titles["en"]) from problem
    click.echo(json.dumps(line))


@carers.command()
@click.argument("profile", type=click.UUID)
@click.argument("carer", type=click.UUID)
@click.option("--reason", required=True, help="Kept in the access log of the child.")
def suspend(profile: UUID, carer: UUID, reason: str) -> None:
    """Close a child's book to a carer at once (`carers add` printed both ids)."""
    from phr_api import audit  # noqa: PLC0415
    from phr_api.consent import carers as service  # noqa: PLC0415
    from phr_api.kit.db import set_scope, unit_of_work  # noqa: PLC0415

    with command_database():
        try:
            with unit_of_work() as session:
                set_scope(session, profile_id=profile)
                actor = audit.Actor(kind="operator", id=None)
                service.suspend_carer(session, actor, carer, reason)
        except Problem as problem:
            raise click.ClickException(problem.titles["en"]) from problem
    click.echo("suspended")


def _places(error: Exception) -> str:
    """Where the document is wrong; what stands there is somebody's data."""
    if isinstance(error, ValidationError):
        return ", ".join(sorted(map(str, error.messages_dict)))
    return "not JSON"
