"""Starting: how long a second `make run` takes until its screen is complete."""

import os
import signal
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.installation import free_port
from benchmarks.report import Report
from benchmarks.scale import Scale
from phr_api.kit.embedded import EmbeddedServer

MOST_SECONDS = 5
ROOT = Path(__file__).parents[1]
LAST_LINE = "Ctrl-C stops everything"


def start_seconds(environment: dict[str, str]) -> float:
    """Run `make run` until its screen is complete, then stop it as Ctrl-C does; the seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if LAST_LINE in line:
            break
    seconds = time.perf_counter() - began
    if LAST_LINE not in said[-1]:
        raise RuntimeError("".join(said))
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    return seconds


def run(_cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure later starts of one installation against the limit; the first one sets it up."""
    report = Report("Starting")
    environment = {
        **os.environ,  # noqa: TID251 - make needs PATH and the rest
        "PHR_DATA_DIR": str(data_dir / "start"),
        "PORT": str(free_port()),
    }
    first = start_seconds(environment)
    later = [start_seconds(environment) for _ in range(min(scale.rounds, 3))]
    report.say(f"  first start {first:.1f} s, later ones {statistics.median(later):.1f} s")
    ratio = statistics.median(later) / MOST_SECONDS
    report.bench("second_start_of_5_s", ratio, 1, at_most=True)
    return report
