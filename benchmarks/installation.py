"""An installation for benchmarks: a durable private PostgreSQL, migrated databases, servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from phr_api import migrations
from phr_api.commands.serve import granian_arguments
from phr_api.kit.embedded import EmbeddedServer
from phr_api.settings import Settings

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Installation:
    """One migrated database with the environment of its processes."""

    cluster: EmbeddedServer
    database: str
    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.environment)

    @property
    def superuser_dsn(self) -> str:
        """For psycopg: no driver name in it."""
        return self.cluster.superuser_url(self.database).replace("+psycopg", "", 1)


def install(cluster: EmbeddedServer, database: str, data_dir: Path) -> Installation:
    """Make and migrate a database; returns it with the environment that its processes need."""
    cluster.ensure_database(database)
    web, worker = cluster.url(database, "phr_web"), cluster.url(database, "phr_worker")
    migrations.upgrade(cluster.superuser_url(database), web_url=web, worker_url=worker)
    folder = data_dir / database
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,  # noqa: TID251 - processes started here need PATH and the rest
        "PHR_ENV": "development",
        "PHR_DATA_DIR": str(folder),
        "DATABASE_URL": cluster.superuser_url(database),
        "WEB_DATABASE_URL": web,
        "WORKER_DATABASE_URL": worker,
        "PORT": str(free_port()),
        "SLOW_PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
        "LOG_LEVEL": "ERROR",
    }
    return Installation(cluster, database, environment)


@contextmanager
def serving(installation: Installation) -> Generator[str]:
    """Serve benchmarks.server as `phr-api serve web` serves the application; its address."""
    with serving_process(installation) as (address, _):
        yield address


@contextmanager
def serving_process(installation: Installation) -> Generator[tuple[str, int]]:
    """As `serving`; its address, and the id of the first of its processes."""
    settings = installation.settings
    arguments = granian_arguments("web", settings)
    command = [sys.executable, "-m", "granian", *arguments[:-1], "benchmarks.server:application"]
    address = f"http://127.0.0.1:{settings.port}"
    with started(command, installation, f"{address}/livez") as process:
        yield address, process.pid


@contextmanager
def started(
    command: list[str], installation: Installation, ready: str | None
) -> Generator[subprocess.Popen[bytes]]:
    """Run a process of the installation, from when `ready` answers until the block ends."""
    process = subprocess.Popen(command, env=installation.environment)
    try:
        if ready is not None:
            _wait(ready)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    """Return a port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
