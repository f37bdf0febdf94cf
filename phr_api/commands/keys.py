"""`phr-api keys`: the secrets of an installation, and the keys that sign access tokens."""

import json

import click

from phr_api.commands.environment import TAKES_A_KEYS_NAME, command_database


@click.group()
def keys() -> None:
    """Make secrets and keys; rotate the key that signs access tokens."""


@keys.command()
def generate() -> None:
    """Print fresh secrets for the environment of a new installation.

    PHR_SECRET goes to every process, RECORDS_PRIVATE_KEY to the worker alone. Losing PHR_SECRET
    ends every session; losing RECORDS_PRIVATE_KEY loses the kept originals.
    """
    import base64  # noqa: PLC0415 - `--help` stays fast
    import secrets  # noqa: PLC0415

    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415
        X25519PrivateKey,
    )

    private = X25519PrivateKey.generate()
    made = {
        "PHR_SECRET": secrets.token_bytes(48),
        "RECORDS_PUBLIC_KEY": private.public_key().public_bytes_raw(),
        "RECORDS_PRIVATE_KEY": private.private_bytes_raw(),
    }
    for name, raw in made.items():
        click.echo(f"{name}={base64.b64encode(raw).decode()}")


@keys.command("list")
def list_() -> None:
    """Print the signing keys, newest first, as one JSON object a line."""
    from phr_api.identity import keys as service  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        for key in service.list_keys(session):
            line = {
                "key": key.kid,
                "signsFrom": str(key.signs_from),
                "endsAt": None if key.ends_at is None else str(key.ends_at),
            }
            click.echo(json.dumps(line))


@keys.command()
@click.option("--at-once", is_flag=True, help="Sign with the new key now (the old one leaked).")
def rotate(*, at_once: bool) -> None:
    """Make a new signing key; the old one verifies until its last token has expired.

    The new key is published at once and signs after ten minutes, so that whoever keeps a copy of
    the published keys has fetched it by then.
    """
    from phr_api import identity  # noqa: PLC0415
    from phr_api.identity import keys as service  # noqa: PLC0415
    from phr_api.kit import clock  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database() as settings:
        identity.configure(settings)
        with unit_of_work() as session:
            key = service.rotate(session, clock.now(), is_at_once=at_once)
    click.echo(json.dumps({"key": key.kid, "signsFrom": str(key.signs_from)}))


@keys.command(context_settings=TAKES_A_KEYS_NAME)
@click.argument("key")
def end(key: str) -> None:
    """End a signing key now: every token that it signed is refused within 30 seconds."""
    from phr_api.identity import keys as service  # noqa: PLC0415
    from phr_api.kit import clock  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        try:
            ended = service.end(session, key, clock.now())
        except service.LastKeyError as error:
            raise click.UsageError(f"{error} (phr-api keys rotate --at-once)") from error
        if not ended:
            raise click.UsageError("there is no such live key")
    click.echo(json.dumps({"ended": key}))
