"""`phr-api originals`."""

import os
import tempfile
from pathlib import Path
from uuid import UUID

import click

from phr_api.commands.environment import NEEDED_TO_OPEN_FILES, command_database


@click.command()
@click.argument("submission", type=click.UUID)
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it; a file that exists is not replaced.",
)
def originals(submission: UUID, target: Path) -> None:
    """Write a SUBMISSION's file as it was received (unpacked), byte for byte.

    For a dispute over what a hospital sent. Everybody whose visits are in it can see in their
    access log that an operator read it. What is written is readable by you alone.
    """
    from phr_api.kit.sealed import BrokenSeal  # noqa: PLC0415 - `--help` stays fast
    from phr_api.records import NothingKept, give_back  # noqa: PLC0415

    if target.exists():
        raise click.ClickException(f"{target} exists already")
    with command_database(*NEEDED_TO_OPEN_FILES):
        handle, name = tempfile.mkstemp(dir=target.absolute().parent)  # 0600
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                for piece in give_back(submission):
                    out.write(piece)
            part.rename(target)
        except (BrokenSeal, NothingKept) as error:
            raise click.ClickException(str(error)) from None
        finally:
            part.unlink(missing_ok=True)
    click.echo(f"{target}: {target.stat().st_size} bytes, as received")
