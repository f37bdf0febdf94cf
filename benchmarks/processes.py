"""What a process and all that it started use, as Linux tells it."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# of /proc/PID/stat after the name in brackets: user and system time
USER, SYSTEM = 11, 12


def resident_kib(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM (VmRSS), in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


def family_kib(pid: int) -> int:
    """Memory of a process and of all that it started, in KiB."""
    return sum(resident_kib(one) for one in family(pid))


def family_cpu_seconds(pid: int) -> float:
    """Time that a process and all that it started had a processor."""
    return sum(_ticks(one) for one in family(pid)) / TICKS


def family(pid: int) -> Iterable[int]:
    """Return the process and those under it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[USER]) + int(fields[SYSTEM])
