"""`phr-api send`: for a hospital whose software makes the files and cannot sign requests.

Runs at the hospital: it knows the service by its address alone and reads none of its settings.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phr_api.records import rules

if TYPE_CHECKING:
    from phr_api.commands.sending import Sender, Sent

SETTLED_SECONDS = 2.0
LOOK_SECONDS = 2.0
SUFFIXES = (".xml", ".gz")
HEADER = (
    "file",
    "MA_LK",
    "MA_BN",
    "table",
    "row",
    "element",
    "code",
    "expected",
    "received",
    "message",
)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--watch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Send every *.xml and *.gz that appears in this folder; sent files move to sent/ in it.",
)
@click.option("--once", is_flag=True, help="With --watch: send what is there now, then end.")
@click.option("--url", required=True, envvar="PHR_URL", help="Address of the service.")
@click.option("--facility", required=True, envvar="PHR_FACILITY", help="Your facility's code.")
@click.option("--client", required=True, envvar="PHR_CLIENT", help="Your client id.")
@click.option(
    "--key",
    required=True,
    envvar="PHR_CLIENT_KEY",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with your private key (PEM).",
)
@click.option("--key-id", envvar="PHR_CLIENT_KEY_ID", help="The key's id, as it was registered.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV of what was refused (default: refusals-<time>.csv here, or in the watched folder).",
)
def send(  # noqa: PLR0913, PLR0917 - each is one option
    files: tuple[Path, ...],
    watch: Path | None,
    once: bool,  # noqa: FBT001 - click's way
    url: str,
    facility: str,
    client: str,
    key: Path,
    key_id: str | None,
    report: Path | None,
) -> None:
    """Send a hospital's XML FILES, wait for the outcome, and write one CSV of refusals.

    Signs in with your registered key (private_key_jwt). Ends with status 1 if anything was
    refused, 2 if the service could not be reached or does not know you.
    """
    from phr_api.commands.sending import Sender, SendingFailedError  # noqa: PLC0415

    if not files and watch is None:
        raise click.UsageError("name files, or a folder with --watch")
    try:
        sender = Sender(url=url, facility=facility, client=client, key=key, key_id=key_id)
        with sender:
            if watch is None:
                sys.exit(_send_all(sender, files, report or _report_in(Path())))
            _watch(sender, watch, report or _report_in(watch), once=once)
    except SendingFailedError as error:
        click.echo(f"phr-api: {error}", err=True)
        sys.exit(2)


def _send_all(sender: "Sender", files: tuple[Path, ...], report: Path) -> int:
    sent = [_send_one(sender, file) for file in files]
    _write(report, sent)
    return 1 if any(one.is_refused for one in sent) else 0


def _send_one(sender: "Sender", file: Path) -> "Sent":
    sent = sender.send(file)
    counts = ", ".join(f"{count} {name}" for name, count in sent.counts.items() if count)
    click.echo(f"{file.name}: {sent.refusal or counts or 'no visits'}")
    if sent.waiting:
        click.echo(f"  {sent.waiting} of them wait until somebody of the facility says who it is")
    return sent


def _watch(sender: "Sender", folder: Path, report: Path, *, once: bool) -> None:
    """Send files oldest first; those that are still being written are left for the next look."""
    everything: list[Sent] = []
    while True:
        for file in _ready(folder):
            sent = _send_one(sender, file)
            _move(file, folder / ("refused" if sent.refusal else "sent"))
            everything.append(sent)
            _write(report, everything)
        if once:
            sys.exit(1 if any(one.is_refused for one in everything) else 0)
        time.sleep(LOOK_SECONDS)


def _ready(folder: Path) -> list[Path]:
    settled = time.time() - SETTLED_SECONDS
    found = [
        (path.stat().st_mtime, path)
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in SUFFIXES
    ]
    return [path for changed, path in sorted(found) if changed <= settled]


def _move(file: Path, folder: Path) -> None:
    """Move without overwriting what was sent under the same name before."""
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    number = 1
    while target.exists():
        target = folder / f"{number}-{file.name}"
        number += 1
    file.rename(target)


def _write(report: Path, sent: list["Sent"]) -> None:
    lines = [(one.file, *line) for one in sent for line in one.refusals]
    if lines:
        report.write_text(rules.to_csv(HEADER, lines), encoding="utf-8")
        click.echo(f"{len(lines)} refusals: {report}")


def _report_in(folder: Path) -> Path:
    return folder / f"refusals-{time.strftime('%Y%m%d-%H%M%S')}.csv"
