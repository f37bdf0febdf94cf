"""`make run` in a clean clone: a newcomer signs in and reads a book that came from XML files."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phr_api.commands import supervisor
from phr_api.kit.places import Places
from phr_api.settings import Settings
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
# Installing from a registry is make install's work; here the clone's code runs on this environment.
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Clone:
    """A clean clone and the environment of its newcomer."""

    folder: Path
    env: dict[str, str]
    port: int

    def start(self) -> "subprocess.Popen[str]":
        """`make run` until its screen is complete."""
        stamp = self.folder / ".installed"
        stamp.touch()
        running = subprocess.Popen(
            ["make", "run", f"BIN={BIN}", f"STAMP={stamp}"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if "Ctrl-C stops everything" in line:
                return running
        running.communicate()
        raise AssertionError("".join(said))

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

    def get(self, path: str, token: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def login(self, who: str) -> dict[str, Any]:
        told = subprocess.run(
            [BIN / "python", "-m", "phr_api", "login", "--as", who],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        tokens: dict[str, Any] = json.loads(told.stdout)
        return tokens


def stop_like_ctrl_c(running: "subprocess.Popen[str]") -> None:
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=60)


def test_the_screen_says_where_the_database_really_is(tmp_path: Path) -> None:
    settings = Settings.from_env({"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path)})
    assert str(Places.of(tmp_path).home) in supervisor.describe_data(settings)
    own = {
        "PHR_ENV": "development",
        "PHR_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql:///",
    }
    assert "DATABASE_URL" in supervisor.describe_data(Settings.from_env(own))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("newcomer") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    port = free_ports(4)
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251
    return Clone(folder=folder, env=keep | {"PORT": str(port)}, port=port)


@pytest.fixture
def running(clone: Clone) -> Generator["subprocess.Popen[str]"]:
    process = clone.start()
    yield process
    if process.poll() is None:
        stop_like_ctrl_c(process)


def cluster_is_up(clone: Clone) -> bool:
    return (Places.of(clone.folder / "var").cluster / "postmaster.pid").exists()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_newcomer_reads_a_demo_citizens_book(
    clone: Clone, running: "subprocess.Popen[str]"
) -> None:
    token = clone.login("citizen")["accessToken"]
    profiles = clone.get("/v1/me", token)["profiles"]
    book = clone.get(f"/v1/profiles/{profiles[0]['id']}/health-book", token)
    assert book["encounters"]
    assert book["medications"]
    assert running.poll() is None
    stop_like_ctrl_c(running)
    assert not cluster_is_up(clone)
    assert not any(answers(clone.port + offset) for offset in range(4))


def test_the_documentation_is_served_and_without_a_token_nothing_else(
    clone: Clone, running: "subprocess.Popen[str]"
) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{clone.port}/docs", timeout=10) as page:
        assert page.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        clone.get("/v1/me", "no-token")
    assert refused.value.code == 401
    refused.value.close()
    assert running.poll() is None


def test_a_second_start_keeps_others_out_and_killed_leaves_nothing(clone: Clone) -> None:
    """How quick it is, `python -m benchmarks start` measures."""
    second = clone.start()
    assert "in use by another run" in clone.start_beside()
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate(timeout=60)
    until = time.monotonic() + 45
    while cluster_is_up(clone) or any(answers(clone.port + offset) for offset in range(4)):
        assert time.monotonic() < until
        time.sleep(0.1)
