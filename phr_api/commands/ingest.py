"""`phr-api ingest`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phr_api.commands.environment import NEEDED_TO_OPEN_FILES, command_database

if TYPE_CHECKING:
    from phr_api.records import Taken

MOST_SHOWN = 20


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--facility", required=True, help="Code of the facility whose files these are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a visit, one a line.")
@click.option(
    "--validate-only", is_flag=True, help="Only report: write no visit, person or number."
)
@click.option(
    "--language",
    type=click.Choice(["vi", "en"]),
    default="vi",
    show_default=True,
    help="Language of the messages.",
)
def ingest(
    files: tuple[Path, ...],
    facility: str,
    as_json: bool,  # noqa: FBT001 - click's way
    validate_only: bool,  # noqa: FBT001
    language: str,
) -> None:
    """Take in hospitals' XML FILES now and say what became of each visit.

    A file is one envelope of visits (130, 4750 or 3176), plain or gzip, as POST
    /v1/facilities/CODE/submissions takes it. Sending a file again changes nothing. Each visit is
    accepted, unchanged, superseded, needs-review or refused; the status is 1 if any was refused.
    """
    from phr_api.commands import demo  # noqa: PLC0415 - `--help` stays fast
    from phr_api.kit.problems import Problem  # noqa: PLC0415
    from phr_api.records import take_in  # noqa: PLC0415

    is_refused = False
    with command_database(*NEEDED_TO_OPEN_FILES) as settings:
        demo.require_facility(facility, is_development=settings.is_development)
        for file in files:
            try:
                with file.open("rb") as stream:
                    taken = take_in(stream, facility, validate_only=validate_only)
            except Problem as problem:
                is_refused = True
                title = problem.to_dict("vi" if language == "vi" else "en")["title"]
                _print_refused_file(file, problem.slug, title, as_json=as_json)
                continue
            is_refused |= taken.is_refused
            (_print_json if as_json else _print_words)(file, taken, language)
    sys.exit(1 if is_refused else 0)


def _print_json(file: Path, taken: "Taken", language: str) -> None:
    if taken.refusal is not None:
        message = taken.refusal["message"][language]
        _print_refused_file(file, taken.refusal["code"], message, as_json=True)
    for entry in taken.entries:
        reasons = [
            {
                "table": reason["table"],
                "row": reason["row"],
                "element": reason["element"],
                "code": reason["code"],
                "expected": reason["expected"],
                "received": reason["received"],
                "message": reason["message"][language],
            }
            for reason in entry.reasons
        ]
        _line(file=str(file), visit=entry.ma_lk, outcome=entry.outcome, reasons=reasons)


def _print_refused_file(file: Path, code: str, message: str, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{file}: REFUSED: {message} ({code})")
        return
    unknown = dict.fromkeys(("table", "row", "element", "expected", "received"))
    reason = unknown | {"code": code, "message": message}
    _line(file=str(file), visit=None, outcome="refused", reasons=[reason])


def _print_words(file: Path, taken: "Taken", language: str) -> None:
    """Counts on one line, then each refused or waiting visit with its reasons."""
    if taken.refusal is not None:
        refusal = taken.refusal
        _print_refused_file(file, refusal["code"], refusal["message"][language], as_json=False)
        return
    total = len(taken.entries)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(taken.counts.items()))
    click.echo(f"{file}: {total} visit{'' if total == 1 else 's'}: {counts}")
    told = [entry for entry in taken.entries if entry.outcome in {"refused", "needs-review"}]
    for entry in told[:MOST_SHOWN]:
        click.echo(f"  {entry.outcome} {entry.ma_lk or f'visit {entry.ordinal + 1} of the file'}")
        for reason in entry.reasons:
            click.echo(f"    {_words(reason, language)}")
    if len(told) > MOST_SHOWN:
        click.echo(f"  … and {len(told) - MOST_SHOWN} more; --json prints all of them")


def _words(reason: dict[str, Any], language: str) -> str:
    place = [reason["table"], reason["row"] and f"row {reason['row']}", reason["element"]]
    where = " ".join(str(part) for part in place if part)
    shapes = [f"{name} {reason[name]}" for name in ("expected", "received") if reason.get(name)]
    detail = f" ({', '.join(shapes)})" if shapes else ""
    return f"{where + ': ' if where else ''}{reason['code']}: {reason['message'][language]}{detail}"


def _line(**columns: Any) -> None:
    click.echo(json.dumps(columns, ensure_ascii=False))
