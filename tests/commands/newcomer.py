"""A newcomer: a clean clone, `make run` in one terminal, what the README says in another."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
# Installing from a registry is make install's work; here the clone's code runs on this environment.
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 120
END = "-- that was all --"
Process = subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Clone:
    """A clean clone and the environment of its newcomer."""

    folder: Path
    env: dict[str, str]
    port: int

    @classmethod
    def make(cls, folder: Path) -> "Clone":
        """Clone what is committed here; its .venv is ours, its phr_api its own."""
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        (folder / ".venv").symlink_to(BIN.parent)
        port = free_ports(4)
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251
        own = {"PORT": str(port), "PYTHONPATH": str(folder)}
        return cls(folder=folder, env=keep | own, port=port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def screen(self) -> str:
        """What the first terminal shows."""
        return (self.folder / "screen.txt").read_text(encoding="utf-8")

    def start(self) -> Process:
        """`make run` until its screen is complete."""
        stamp = self.folder / ".installed"
        stamp.touch()
        with (self.folder / "screen.txt").open("w") as screen:
            running = subprocess.Popen(
                ["make", "run", f"BIN={BIN}", f"STAMP={stamp}"],
                cwd=self.folder,
                env=self.env,
                stdout=screen,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.wait_for(lambda: self.shows("Ctrl-C stops everything") or running.poll() is not None)
        assert running.poll() is None, self.screen
        return running

    def shows(self, text: str) -> bool:
        return text in self.screen

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Look again until it is so; what the first terminal shows explains why it never was."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < until, self.screen
            time.sleep(0.1)

    def start_beside(self) -> str:
        """What a second `make run` in the same folder says, on ports of its own."""
        port = str(free_ports(4))
        refused = subprocess.run(
            [BIN / "python", "-m", "phr_api", "run"],
            cwd=self.folder,
            env=self.env | {"PORT": port, "PHR_ENV": "development"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert refused.returncode == 78
        return refused.stderr

    def open_terminal(self) -> "Terminal":
        """Another terminal of the same folder."""
        path = f"{BIN}{os.pathsep}{self.env['PATH']}"  # for what is written `phr-api`
        shell = subprocess.Popen(
            ["bash"],
            cwd=self.folder,
            env=self.env | {"PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Terminal(shell)


class Terminal:
    """A shell that remembers what was typed before."""

    def __init__(self, shell: Process) -> None:
        self.shell = shell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shell.communicate(timeout=PATIENCE_SECONDS)

    def paste(self, commands: str) -> str:
        """Run the lines, and return what they print."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{commands}\necho; echo '{END}'\n")
        self.shell.stdin.flush()
        said: list[str] = []
        for line in self.shell.stdout:
            if line == f"{END}\n":
                return "".join(said)
            said.append(line)
        raise AssertionError("".join(said))


def commands_of(readme: str, section: str) -> list[str]:
    """Return the blocks of commands in a section of the README."""
    body = readme.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)


def stop_like_ctrl_c(running: Process) -> None:
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
