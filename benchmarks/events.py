"""Open streams: what a thousand idle ones cost, and how soon they tell.

Each is a signed-in citizen's GET /v1/events at the slow process, served as `phr-api serve slow`
does. A worker relays beside it; the moment that counts begins when the cause has committed and ends
when the event is read from the open connection.
"""

import resource
import socket
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from benchmarks.clinics import numbered
from benchmarks.installation import Installation, install, started
from benchmarks.people import Measured, sign_up, token_of
from benchmarks.processes import family_kib
from benchmarks.report import Report
from benchmarks.scale import Scale
from phr_api import identity
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer
from phr_api.kit.ids import new_row_id

WARMING = 10
MOST_KIB = 130
MOST_SECONDS = 0.1
FILES = 65_536
WAIT_SECONDS = 30.0

# nobody here has a phone with a push token: a stream is told all the same
TELL = """
INSERT INTO notification (id, profile_id, category, kind, params, classes, created_at, due_at,
    expires_at)
VALUES (%s, %s, 'booking', 'booking.confirmed',
        '{"service": "Khám thử", "facility": "Phòng khám Thử", "when": "07:00 01/12/2026"}', '{}',
        now(), now(), now() + interval '1 day')
"""


@dataclass(frozen=True, slots=True)
class Listening:
    """An open stream of one citizen."""

    person: Measured
    socket: socket.socket

    def read_until(self, what: bytes) -> None:
        """Read until these bytes came; TimeoutError when they do not."""
        read = b""
        while what not in read:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionError(read.decode(errors="replace"))
            read += more


def open_stream(address: str, person: Measured) -> Listening:
    """Open a citizen's stream; returns when its first bytes came."""
    place = urlsplit(address)
    connection = socket.create_connection((place.hostname, place.port), timeout=WAIT_SECONDS)
    connection.sendall(
        f"GET /v1/events HTTP/1.1\r\nHost: {place.netloc}\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {token_of(person)}\r\n\r\n".encode()
    )
    stream = Listening(person, connection)
    stream.read_until(b"retry:")
    return stream


def latency(installation: Installation, stream: Listening) -> float:
    """Tell this citizen something; seconds from its commit to its event."""
    news: UUID = new_row_id()
    with psycopg.connect(installation.superuser_dsn) as connection:
        connection.execute(TELL, (news, stream.person.profile_id))
        connection.commit()
        start = time.perf_counter()
        stream.read_until(f"id: {news}".encode())
        return time.perf_counter() - start


def prepare(installation: Installation, people: int) -> list[Measured]:
    """Write signed-in people."""
    citizens = [
        Measured(*(numbered(what, n) for what in ("account", "session", "profile")))
        for n in range(people)
    ]
    with psycopg.connect(installation.superuser_dsn, autocommit=True) as connection:
        sign_up(connection, citizens)
        connection.execute("VACUUM ANALYZE")
    db.configure(installation.settings.database.web_url)
    identity.configure(installation.settings)
    return citizens


@contextmanager
def many_files() -> Generator[None]:
    """Let this process, and what it starts, open as many connections as are measured."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure memory per idle stream, then how soon some of them are told."""
    report = Report("Open streams")
    installation = install(cluster, "events", data_dir)
    people = prepare(installation, scale.streams + WARMING)
    address = f"http://127.0.0.1:{installation.settings.slow_port}"
    serve = [sys.executable, "-m", "phr_api", "serve", "slow"]
    work = [sys.executable, "-m", "phr_api", "worker"]
    with many_files(), ExitStack() as stack:
        server = stack.enter_context(started(serve, installation, f"{address}/livez"))
        streams = [open_stream(address, person) for person in people[:WARMING]]
        before = family_kib(server.pid)
        streams += [open_stream(address, person) for person in people[WARMING:]]
        # the first look at all rights, four seconds after the first stream, is part of being idle
        time.sleep(scale.settling)
        each = (family_kib(server.pid) - before) / scale.streams
        report.say(f"{scale.streams:,} idle streams of as many citizens in one process")
        report.say(f"  memory: {each:.1f} KiB each, beside {before / 1024:.0f} MiB")
        report.bench("stream_of_130_kib", each / MOST_KIB, 1, at_most=True)
        stack.enter_context(started(work, installation, None))
        latency(installation, streams[-1])  # the worker is there
        told = streams[:: max(1, len(streams) // scale.told)][: scale.told]
        seconds = [latency(installation, stream) for stream in told]
        for stream in streams:
            stream.socket.close()
    median = statistics.median(seconds)
    report.say(f"  commit to event: {1000 * median:.0f} ms, at most {1000 * max(seconds):.0f} ms")
    report.bench("event_of_100_ms", median / MOST_SECONDS, 1, at_most=True)
    return report
