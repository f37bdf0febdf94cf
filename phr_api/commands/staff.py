"""`phr-api staff`: who works at a facility."""

import json
from uuid import UUID

import click

from phr_api.commands.environment import command_database

FACILITY = click.option("--facility", required=True, help="The facility's code.")


@click.group()
def staff() -> None:
    """Give and end a person's work for a facility.

    Staff are known by their sign-in provider (issuer and subject) and sign in with a second factor.
    """


@staff.command()
@FACILITY
@click.option("--role", type=click.Choice(["desk", "doctor", "viewer"]), required=True)
@click.option("--issuer", required=True, help="The issuer of a configured staff provider.")
@click.option("--subject", required=True, help="The person's `sub` there.")
@click.option("--name", required=True, help="Shown to colleagues and in access logs.")
def add(facility: str, role: str, issuer: str, subject: str, name: str) -> None:
    """Give somebody a role at a facility; they need not have signed in yet."""
    from phr_api.identity.service import staff as service  # noqa: PLC0415 - `--help` stays fast
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database() as settings:
        known = {one.issuer for one in settings.providers if one.audience == "staff"}
        if issuer not in known:
            raise click.UsageError("no staff provider of OIDC_PROVIDERS has this issuer")
        with unit_of_work() as session:
            try:
                added = service.add(
                    session,
                    facility_code=facility,
                    role=role,
                    issuer=issuer,
                    subject=subject,
                    name=name,
                )
            except service.ClosedAccountError as error:
                raise click.UsageError("this account was closed") from error
    click.echo("added" if added else "has this role already")


@staff.command("list")
@FACILITY
def list_(facility: str) -> None:
    """Print a facility's staff as one JSON object a line."""
    from phr_api.identity import queries  # noqa: PLC0415
    from phr_api.kit.db import set_scope, unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        set_scope(session, facility_id=facility)
        for row in queries.find_staff(session, facility):
            line = {"id": str(row.id), "role": row.role, "name": row.display_name}
            click.echo(json.dumps(line, ensure_ascii=False))


@staff.command()
@FACILITY
@click.argument("membership", type=click.UUID)
def end(facility: str, membership: UUID) -> None:
    """End a person's role (its id is in `staff list`): it opens nothing from now on."""
    from phr_api.identity.service import staff as service  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        if not service.end(session, facility_code=facility, membership_id=membership):
            raise click.UsageError("this facility has no such live membership")
    click.echo("ended")
