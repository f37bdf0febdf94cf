"""`phr-api serve`: a request in flight is finished when the process is told to end."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from phr_api.kit.embedded import EmbeddedServer
from tests.ports import free_ports

WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'alembic_version'::regclass"
)


@contextmanager
def serving(part: str, environment: dict[str, str]) -> Generator[tuple[Any, str]]:
    """The process, and the address where it answers."""
    first = free_ports(4)
    patient = environment["WEB_DATABASE_URL"] + "&options=-c%20lock_timeout%3D30s"
    process = subprocess.Popen(
        [sys.executable, "-m", "phr_api", "serve", part],
        env=environment | {"PORT": str(first), "WEB_DATABASE_URL": patient},
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{first + (part == 'slow')}"
    try:
        wait_until(lambda: is_ready(address))
        yield process, address
    finally:
        process.terminate()
        process.wait(timeout=40)


def is_ready(address: str) -> bool:
    try:
        return bool(ask(address) == {"status": "ok"})
    except OSError:
        return False


def ask(address: str) -> Any:
    with urllib.request.urlopen(f"{address}/readyz", timeout=30) as answer:
        return json.load(answer)


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("part", ["web", "slow"])
def test_a_request_in_flight_is_answered_and_then_the_process_ends(
    part: str, environment: dict[str, str], cluster: EmbeddedServer
) -> None:
    engine = create_engine(cluster.superuser_url("phr"))
    with serving(part, environment) as (process, address), ThreadPoolExecutor(1) as beside:
        with engine.connect() as holder, engine.connect() as looking:
            holder.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            answer = beside.submit(ask, address)
            wait_until(lambda: bool(looking.scalar(WAITING)))
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert not answer.done()
            assert process.poll() is None
            holder.rollback()
            assert answer.result(timeout=10) == {"status": "ok"}
        assert process.wait(timeout=10) == 0
        with pytest.raises(urllib.error.URLError):
            ask(address)
    engine.dispose()
