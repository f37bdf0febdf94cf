"""Child processes that end with their parent, and whose lines carry their name."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

PR_SET_PDEATHSIG = 1
NAME_WIDTH = 8


def end_with_parent(number: signal.Signals) -> Callable[[], object] | None:
    """Function for the child, between fork and exec: Linux sends it `number` when we die.

    "We" is the thread that starts the child. None where the system has no such call.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # bound before the fork: after it nothing may be imported
    return lambda: prctl(PR_SET_PDEATHSIG, number)


class Child:
    """One process of ours, in a session of its own: Ctrl-C at the terminal reaches only us."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603 - the Procfile's commands
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one bound system call
        )
        stream = self._process.stdout
        self._reader = threading.Thread(target=_copy_lines, args=(name, stream), daemon=True)
        self._reader.start()

    @property
    def returncode(self) -> int | None:
        """Exit status, None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to finish what it has in hand and end; returns at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def wait(self, until: float) -> None:
        """Wait for its end until that moment of time.monotonic(); then kill all of its session."""
        try:
            self._process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(timeout=1)


def _copy_lines(name: str, stream: IO[str] | None) -> None:
    if stream is None:
        return
    with stream:
        for line in stream:
            sys.stderr.write(f"{name:<{NAME_WIDTH}}| {line.rstrip()}\n")
            sys.stderr.flush()
