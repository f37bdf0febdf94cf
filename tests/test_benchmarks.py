"""The benchmarks still run; what they measure at this size means nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"^BENCH name=\w+ value=[\d.]+ bar=[\d.]+ ok=(true|false)$", re.MULTILINE)


def test_every_benchmark_runs_and_says_its_ratio(environment: dict[str, str]) -> None:
    if shutil.which("wrk") is None:
        if environment.get("CI"):
            pytest.fail("the benchmarks need wrk, and this is CI")
        pytest.skip("the benchmarks need wrk (Debian: apt-get install wrk)")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--small"],
        cwd=ROOT,
        env={name: environment[name] for name in ("PATH", "HOME")},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    assert len(LINE.findall(ran.stdout)) == 16, ran.stdout
