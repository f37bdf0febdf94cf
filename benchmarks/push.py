"""Pushes: from the outbox to FCM, against the library alone; and memory over a long queue.

The service is the tests' FCM server, in a process of its own: one RS256 assertion, then a request a
message. The peer hands the same messages, made before, to `messaging.send_each` in batches of 100.
Its connections are kept as the library keeps those to Google: a hundred. Ours drains the outbox
(recipients, rights, devices, preferences) in one lane, and claims, sends and records in two, as the
worker does.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import firebase_admin
import psycopg
from firebase_admin import credentials, messaging
from requests.adapters import HTTPAdapter

from benchmarks import fcm
from benchmarks.clinics import numbered
from benchmarks.installation import Installation, install
from benchmarks.people import Measured, sign_up
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.scale import Scale
from phr_api import worker
from phr_api.kit import clock
from phr_api.kit.embedded import EmbeddedServer
from phr_api.notifications import deliver, drain_once
from phr_api.notifications.service import delivering
from phr_api.notifications.service.push import BATCH, LANES, FcmSender, compose
from phr_api.notifications.service.sending import Message

PEOPLE = 1_000
PAUSE = 0.01
MOST_GROWTH = 1.1

TOKENS = """
INSERT INTO push_token (id, account_id, session_id, device_id, token, token_hash, platform,
    language, created_at, seen_at)
SELECT gen_random_uuid(), account_id, id, device_id, 'token-' || id, sha256(id::text::bytea),
       'android', 'vi', now(), now()
FROM session
"""
# urgent: a benchmark at night is not to wait for the end of quiet hours
TELL = """
INSERT INTO notification (id, profile_id, category, kind, ref_kind, ref_id, params, classes,
    is_urgent, created_at, due_at, expires_at)
SELECT uuidv7(), p.profile_id, 'booking', 'booking.confirmed', 'booking', gen_random_uuid(),
       '{"service": "Khám thử", "facility": "Phòng khám Thử", "when": "07:00 01/12/2026"}', '{}',
       true, now(), now(), now() + interval '1 day'
FROM generate_series(1, %s) n
JOIN (SELECT profile_id, row_number() OVER () - 1 AS number FROM profile_link) p
    ON p.number = n %% (SELECT count(*) FROM profile_link)
"""
HANDED = "SELECT count(*) FROM delivery WHERE state = 'handed'"
EMPTY = "TRUNCATE notification, delivery"


@dataclass(frozen=True, slots=True)
class Pushing:
    """Both ways to the same server, and the database of ours."""

    installation: Installation
    bare_app: firebase_admin.App
    messages: list[Any]

    def ours(self) -> float:
        """Messages a second from the outbox to recorded deliveries."""
        tell(self.installation, len(self.messages))
        start = time.perf_counter()
        outbox = threading.Thread(target=all_of, args=(drain_once,))
        lanes = [threading.Thread(target=push_until, args=(outbox,)) for _ in range(LANES)]
        for lane in (outbox, *lanes):
            lane.start()
        for lane in lanes:
            lane.join()
        seconds = time.perf_counter() - start
        with psycopg.connect(self.installation.superuser_dsn) as connection:
            (handed,) = connection.execute(HANDED).fetchone() or (0,)
        if handed != len(self.messages):
            raise RuntimeError(f"{handed} of {len(self.messages)} were handed over")
        return len(self.messages) / seconds

    def bare(self) -> float:
        """Messages a second of send_each alone."""
        start = time.perf_counter()
        for part in chunks(self.messages):
            answer = messaging.send_each(part, dry_run=False, app=self.bare_app)
            if answer.failure_count:
                raise RuntimeError(f"{answer.failure_count} were not taken")
        return len(self.messages) / (time.perf_counter() - start)


def all_of(work: Callable[[], bool]) -> None:
    """Repeat until there is nothing more to do."""
    while work():
        pass


def push_until(outbox: threading.Thread) -> None:
    """Deliver what is due until the outbox is empty and nothing is left."""
    while outbox.is_alive():
        if not deliver("push"):
            outbox.join(PAUSE)
    all_of(lambda: deliver("push") > 0)


def chunks(messages: list[Any]) -> list[list[Any]]:
    """Return the messages in batches as long as ours."""
    return [messages[start : start + BATCH] for start in range(0, len(messages), BATCH)]


def tell(installation: Installation, count: int) -> None:
    """Write that many notifications, to everybody in turn; the tables were emptied before."""
    with psycopg.connect(installation.superuser_dsn, autocommit=True) as connection:
        connection.execute(EMPTY)
        connection.execute(TELL, (count,))
        connection.execute("CHECKPOINT")


def prepare(installation: Installation, people: int) -> None:
    """Write people, each signed in on one phone that has a push token."""
    citizens = [
        Measured(*(numbered(what, n) for what in ("account", "session", "profile")))
        for n in range(people)
    ]
    with psycopg.connect(installation.superuser_dsn, autocommit=True) as connection:
        sign_up(connection, citizens)
        connection.execute(TOKENS)
        connection.execute("VACUUM ANALYZE")


def bare_app(url: str, key: str) -> firebase_admin.App:
    """Return the library as it comes, with the addresses of the server in Google's place."""
    account = json.loads(key) | {"token_uri": f"{url}/token"}
    app = firebase_admin.initialize_app(credentials.Certificate(account), name="bare")
    service = messaging._get_messaging_service(app)  # noqa: SLF001 - its address has no face
    service._fcm_url = f"{url}/v1/projects/{account['project_id']}/messages:send"  # noqa: SLF001
    session = service._client.session  # noqa: SLF001
    retries = session.get_adapter(url).max_retries
    session.mount(url, HTTPAdapter(BATCH, BATCH, max_retries=retries))
    return app


def some_messages(count: int) -> list[Any]:
    """Return messages as ours sends them."""
    at = clock.now()
    return [
        compose(
            Message(
                delivery_id=uuid4(),
                notification_id=uuid4(),
                channel="push",
                address=f"token-{numbered('session', number % PEOPLE)}",
                platform="android",
                language="vi",
                kind="booking.confirmed",
                category="booking",
                is_urgent=True,
                text="Sổ sức khỏe: lịch hẹn có thay đổi.",
                ref_kind="booking",
                ref_id=uuid4(),
                profile_id=numbered("profile", number % PEOPLE),
                collapse_id=str(uuid4()),
                expires_at=at + timedelta(days=1),
            ),
            at,
        )
        for number in range(count)
    ]


def memory_of_draining(installation: Installation, count: int) -> list[tuple[int, int]]:
    """Drain a long queue in a process of its own; pairs of (drained, KiB) on the way."""
    tell(installation, count)
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.drain"],
        env=installation.environment,
        cwd=fcm.ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    pairs = [line.split() for line in ran.stdout.splitlines()]
    return [(int(drained), int(kib)) for drained, kib in pairs]


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure the way of a push against the library alone, and memory over a long queue."""
    report = Report("Pushes")
    installation = install(cluster, "push", data_dir)
    prepare(installation, PEOPLE)
    with fcm.running() as (url, key):
        worker.configure(installation.settings)
        sender = FcmSender(key, url=url)
        delivering.use({"push": sender})
        app = bare_app(url, key)
        pushing = Pushing(installation, app, some_messages(scale.pushes))
        for once in (pushing.ours, pushing.bare):
            once()  # credentials, connections and plans
        rates = interleaved(scale.rounds, {"ours": pushing.ours, "send_each": pushing.bare})
        firebase_admin.delete_app(app)
        sender.close()
    report.say(f"{scale.pushes:,} messages a round in batches of {BATCH}")
    for name, values in rates.items():
        report.say(f"  {name}: {statistics.median(values):,.0f} a second")
    ratio = median_ratio(rates["ours"], rates["send_each"])
    report.bench("push_of_send_each", ratio, 0.8)
    drain(report, installation, scale.drained)
    return report


def drain(report: Report, installation: Installation, count: int) -> None:
    """Say how much memory a long queue takes: at its end against its first tenth."""
    start = time.perf_counter()
    memory = memory_of_draining(installation, count)
    seconds = time.perf_counter() - start
    if memory[-1][0] != count:
        raise RuntimeError(f"{memory[-1][0]:,} of {count:,} were drained")
    early = next(kib for drained, kib in memory if drained >= count / 10)
    last = memory[-1][1]
    report.say(
        f"  {count:,} drained and delivered in {seconds:.0f} s: {early / 1024:.0f} MiB after a"
        f" tenth, {last / 1024:.0f} MiB at the end"
    )
    report.bench("push_memory_of_first_tenth", last / early, MOST_GROWTH, at_most=True)
