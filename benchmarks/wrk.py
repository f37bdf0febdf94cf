"""Load by wrk, on loopback only."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

MOST_SECONDS = 60
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
LATENCY = re.compile(r"(50|99)%\s+([\d.]+)(us|ms|s|m)\b")
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
BROKEN = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """One run: requests a second, and two points of the latency in seconds."""

    rate: float
    p50: float
    p99: float


class LoadFailed(RuntimeError):
    """Some answers were not 2xx or 3xx, or connections broke: the figure would mean nothing."""


def load(
    url: str,
    *,
    seconds: int,
    headers: dict[str, str] | None = None,
    script: Path | None = None,
    connections: int = 16,
) -> Load:
    """Ask `url` for `seconds` over `connections` kept-alive connections; LoadFailed on errors."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in (headers or {}).items():
        options += ["-H", f"{name}: {value}"]
    if script is not None:
        options += ["-s", str(script)]
    output = run(options, url)
    rate = RATE.search(output)
    if rate is None:
        raise LoadFailed(output)
    # of too few answers wrk tells 0; no answer comes within a microsecond
    latency = {
        name: max(float(value) * UNITS[unit], 1e-6) for name, value, unit in LATENCY.findall(output)
    }
    return Load(float(rate[1]), latency["50"], latency["99"])


def run(options: list[str], url: str, *arguments: str) -> str:
    """Run wrk with these options, and arguments for its script; what it printed, or LoadFailed."""
    if not url.startswith("http://127.0.0.1:"):
        raise LoadFailed("load goes to loopback only")
    command = ["wrk", *options, url, *(("--", *arguments) if arguments else ())]
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=MOST_SECONDS
    ).stdout
    if REFUSED.search(output) or BROKEN.search(output):
        raise LoadFailed(output)
    return output
