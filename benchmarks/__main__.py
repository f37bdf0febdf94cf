"""`make bench`: run the benchmarks, write RESULTS.md; exit 1 if a bar was missed."""

import argparse
import platform
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
    """Run the named parts, or all; only a full run of all writes RESULTS.md."""
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
    if set(chosen) == set(PARTS) and scale is FULL:
        RESULTS.write_text(render(reports))
    return 0 if all(report.is_ok for report in reports) else 1


def render(reports: list[Report]) -> str:
    """Return RESULTS.md: what was measured, on what, when."""
    machine = f"{clock.today().isoformat()}, Python {platform.python_version()}"
    lines = ["# Results of `make bench`", "", f"{machine}, {platform.machine()}. {HOW}"]
    for report in reports:
        lines += ["", f"## {report.title}", "", "```", *report.lines, "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
