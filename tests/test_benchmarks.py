"""The benchmarks still run; what they measure at this size means nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"^BENCH name=(\w+) value=[\d.]+ bar=[\d.]+ ok=(?:true|false)$", re.MULTILINE)
SAYS = {
    "book": [
        "book_of_empty_view",
        "304_of_empty_view",
        "book_of_orm",
        "book_p99_of_p50",
        "p50_many_of_few",
    ],
    "intake": ["intake_of_parse_alone", "intake_unchanged_of_first", "intake_memory_of_300_mib"],
    "booking": ["booking_of_pgbench", "booking_hot_of_spread"],
    "push": ["push_of_send_each", "push_memory_of_first_tenth"],
    "events": ["stream_of_130_kib", "event_of_100_ms"],
    "search": ["search_p50_of_one_clinic"],
    "start": ["second_start_of_5_s"],
}


def test_every_benchmark_is_tried_here() -> None:
    assert set(SAYS) == set(PARTS)


@pytest.mark.parametrize(
    "part",
    [
        # beside the other test that starts `make run`
        pytest.param(part, marks=[pytest.mark.xdist_group("make run")] if part == "start" else [])
        for part in SAYS
    ],
)
def test_a_benchmark_runs_and_says_its_ratios(part: str, environment: dict[str, str]) -> None:
    if shutil.which("wrk") is None:
        if environment.get("CI"):
            pytest.fail("the benchmarks need wrk, and this is CI")
        pytest.skip("the benchmarks need wrk (Debian: apt-get install wrk)")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", part, "--small"],
        cwd=ROOT,
        env={name: environment[name] for name in ("PATH", "HOME")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    assert LINE.findall(ran.stdout) == SAYS[part], ran.stdout + ran.stderr
