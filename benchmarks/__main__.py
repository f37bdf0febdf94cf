"""`make bench`: run the benchmarks, write RESULTS.md; exit 1 if a bar was missed."""

import argparse
import platform
import re
import sys
import tempfile
from pathlib import Path

from benchmarks import book, booking, events, intake, push, search, start
from benchmarks.report import Report
from benchmarks.scale import FULL, SMALL
from phr_api.kit import clock
from phr_api.kit.embedded import EmbeddedServer

RESULTS = Path(__file__).parent / "RESULTS.md"
HOW = (
    "Ratios are medians of rounds in which the figure and its peer were measured one after the"
    " other; absolute numbers are of this one machine and this one run."
)
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PARTS = {
    "book": book.run,
    "intake": intake.run,
    "booking": booking.run,
    "push": push.run,
    "events": events.run,
    "search": search.run,
    "start": start.run,
}


def main() -> int:
    """Run the named parts, or all; in full, their sections of RESULTS.md are written anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--small", action="store_true", help="only whether they still run")
    arguments = parser.parse_args()
    chosen, scale = arguments.parts or list(PARTS), SMALL if arguments.small else FULL
    with (
        tempfile.TemporaryDirectory(prefix="phr-bench-") as folder,
        EmbeddedServer.start(Path(folder)) as cluster,
    ):
        reports = [PARTS[name](cluster, Path(folder), scale) for name in chosen]
    if scale is FULL:
        RESULTS.write_text(render(RESULTS.read_text() if RESULTS.exists() else "", reports))
    return 0 if all(report.is_ok for report in reports) else 1


def render(before: str, reports: list[Report]) -> str:
    """Return RESULTS.md with these sections in place of those of `before` with their titles."""
    told = dict(SECTION.findall(before))
    machine = f"{clock.today().isoformat()}, Python {platform.python_version()}"
    for report in reports:
        lines = [f"{machine}, {platform.machine()}", "", "```", *report.lines, "```"]
        told[report.title] = "\n".join(lines)
    sections = [f"## {title}\n\n{text.strip()}" for title, text in told.items()]
    return "\n\n".join(["# Results of `make bench`", HOW, *sections]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
