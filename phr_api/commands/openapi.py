"""`phr-api openapi`: the contract, written from the code, committed, and checked for drift."""

import json
import sys
import tempfile
from pathlib import Path

import click

from phr_api.kit.catalogue import all_problems, describe
from phr_api.settings import Settings

DOCUMENT = "phr-api.v1.json"
CATALOGUE = "problems.md"


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("openapi"),
    show_default=True,
    help="Folder of the two files.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 if a file is not as it should be."
)
def openapi(folder: Path, *, check: bool) -> None:
    """Write the OpenAPI document (phr-api.v1.json) and the catalogue of problems (problems.md).

    Needs no database and no settings: the result depends on the code alone.
    """
    files = {DOCUMENT: render_document(), CATALOGUE: render_catalogue()}
    if check:
        stale = [name for name, text in files.items() if _read(folder / name) != text]
        for name in stale:
            click.echo(
                f"{folder / name} is not what the code says; run `phr-api openapi`", err=True
            )
        sys.exit(1 if stale else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
        click.echo(f"wrote {folder / name}")


def render_document() -> str:
    """The OpenAPI 3.1 document as JSON with sorted keys."""
    from phr_api.app import create_app  # noqa: PLC0415 - all rooms; problems need them imported too

    with tempfile.TemporaryDirectory() as data_dir:
        settings = Settings.from_env({"PHR_ENV": "development", "PHR_DATA_DIR": data_dir})
        answer = create_app(settings).test_client().get("/openapi.json")
    document = json.loads(answer.get_data(as_text=True))
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def render_catalogue() -> str:
    """Every problem of the house, by slug; call after all rooms are imported."""
    lines = [
        "# Problems",
        "",
        "Every error is `application/problem+json` (RFC 9457). `type` is `/problems/<slug>` and",
        "never changes; the title follows `Accept-Language` (vi, en).",
        "",
        "| slug | status | when | vi | en |",
        "|---|---|---|---|---|",
    ]
    for problem in all_problems():
        vi, en = problem.titles["vi"], problem.titles["en"]
        cells = (f"`{problem.slug}`", str(int(problem.status)), describe(problem), vi, en)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
