"""`phr-api clients`: hospitals' systems, their facilities and keys."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from phr_api.commands.environment import TAKES_A_KEYS_NAME, command_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def clients() -> None:
    """Register, list and end the systems that may send, and their keys.

    A system signs short-lived assertions with its own private key (RFC 7523); only its public key
    is kept here. Ed25519, P-256 or RSA of at least 2048 bits, as PEM.
    """


@clients.command()
@click.argument("name")
@click.option("--facility", "facilities", multiple=True, help="May be repeated.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["records.write", "facilities.write"]),
    default=["records.write"],
    show_default=True,
    help="May be repeated: send for its facilities, or write the directory of all.",
)
@click.option("--public-key", type=KEY_FILE, help="PEM file of the system's public key.")
@click.option("--generate-key", type=KEY_FILE, help="Make a key pair; write the private key here.")
def register(
    name: str,
    facilities: tuple[str, ...],
    scopes: tuple[str, ...],
    public_key: Path | None,
    generate_key: Path | None,
) -> None:
    """Register the system NAME for the given facilities and print its client id.

    A hospital's software sends records (records.write, the default) and needs --facility; a system
    that keeps the directory of facilities has --scope facilities.write and needs none.

    With --public-key the hospital keeps its private key to itself, which is better; with
    --generate-key a new one is written to a file that only you can read.
    """
    from phr_api.commands.demo import require_facility  # noqa: PLC0415 - `--help` stays fast
    from phr_api.identity.service import clients as service  # noqa: PLC0415
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    if "records.write" in scopes and not facilities:
        raise click.UsageError("a system that sends records needs --facility")
    _check_facilities(facilities)
    with command_database() as settings:
        for code in facilities:
            require_facility(code, is_development=settings.is_development)
        public = _public_pem(public_key, generate_key)
        with unit_of_work() as session:
            client = service.register(
                session,
                name=name,
                facility_codes=sorted(set(facilities)),
                scopes=sorted(set(scopes)),
            )
            key = _add_key(session, client.id, public) if public is not None else None
    click.echo(_line(client=str(client.id), key=key, facilities=sorted(set(facilities))))


@clients.command("list")
def list_() -> None:
    """Print every system as one JSON object a line."""
    from phr_api.identity import queries  # noqa: PLC0415

    with _work() as session:
        for row in queries.find_clients(session):
            click.echo(
                _line(
                    client=str(row.client.id),
                    name=row.client.name,
                    facilities=list(row.facility_codes),
                    scopes=row.client.scopes,
                    endedAt=_text(row.client.ended_at),
                    keys=[
                        {
                            "key": key.kid,
                            "algorithm": key.algorithm,
                            "createdAt": _text(key.created_at),
                            "endedAt": _text(key.ended_at),
                        }
                        for key in row.keys
                    ],
                )
            )


@clients.command("add-key")
@click.argument("client", type=click.UUID)
@click.option("--public-key", type=KEY_FILE, help="PEM file of the system's public key.")
@click.option("--generate-key", type=KEY_FILE, help="Make a key pair; write the private key here.")
def add_key(client: UUID, public_key: Path | None, generate_key: Path | None) -> None:
    """Register a further key; the others stay good until they are ended."""
    public = _public_pem(public_key, generate_key)
    if public is None:
        raise click.UsageError("give --public-key or --generate-key")
    with _work() as session:
        _require_client(session, client)
        key = _add_key(session, client, public)
    click.echo(_line(client=str(client), key=key))


@clients.command("end-key", context_settings=TAKES_A_KEYS_NAME)
@click.argument("client", type=click.UUID)
@click.argument("key")
def end_key(client: UUID, key: str) -> None:
    """End one key now: assertions signed with it are refused."""
    from phr_api.identity.service import clients as service  # noqa: PLC0415

    with _work() as session:
        if not service.end_key(session, client, key):
            raise click.UsageError("this system has no such live key")
    click.echo(_line(client=str(client), ended=key))


@clients.command()
@click.argument("client", type=click.UUID)
def end(client: UUID) -> None:
    """End a system now: its tokens open nothing from the next request on."""
    from phr_api.identity.service import clients as service  # noqa: PLC0415

    with _work() as session:
        if not service.end(session, client):
            raise click.UsageError("there is no such live system")
    click.echo(_line(ended=str(client)))


@contextmanager
def _work() -> "Generator[Session]":
    from phr_api.kit.db import unit_of_work  # noqa: PLC0415

    with command_database(), unit_of_work() as session:
        yield session


def _require_client(session: "Session", client_id: UUID) -> None:
    from phr_api.identity.models import Client  # noqa: PLC0415

    client = session.get(Client, client_id)
    if client is None or client.ended_at is not None:
        raise click.UsageError("there is no such live system")


def _add_key(session: "Session", client_id: UUID, public: bytes) -> str:
    from phr_api.identity.service import clients as service  # noqa: PLC0415

    try:
        return service.add_key(session, client_id, public).kid
    except service.KeyNotAcceptedError as error:
        raise click.UsageError(str(error)) from error


def _check_facilities(facilities: tuple[str, ...]) -> None:
    from phr_api.vocab import InvalidIdentifier, check_facility_code  # noqa: PLC0415

    for code in facilities:
        try:
            check_facility_code(code)
        except InvalidIdentifier as error:
            raise click.UsageError(f"a facility code has 5 characters: {code}") from error


def _public_pem(public_key: Path | None, generate_key: Path | None) -> bytes | None:
    if public_key is not None and generate_key is not None:
        raise click.UsageError("give --public-key or --generate-key, not both")
    if public_key is not None:
        return public_key.read_bytes()
    if generate_key is None:
        return None
    return write_key_pair(generate_key)


def write_key_pair(path: Path) -> bytes:
    """Make an Ed25519 key, write its private half (0600, never over a file), return the public."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise click.UsageError(f"{path} exists; a key is never overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _line(**values: object) -> str:
    return json.dumps(values, ensure_ascii=False)


def _text(moment: object) -> str | None:
    return None if moment is None else str(moment)
