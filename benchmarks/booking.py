"""The rush at seven: hold and book over HTTP, against pgbench calling the same SQL functions.

One unit is a hold and its booking, by a citizen who has not booked before in this run; 32 clients
over HTTP, 32 clients of pgbench; every commit waits for the disk. pgbench runs every statement of
both: right, scope, idempotency, seat, notification. The citizens' apps have used their tokens
before, as an app that showed the free times has. After every run each slot is counted.
"""

import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.clinics import Plan, add_slot, free_seats, numbered, open_clinics
from benchmarks.installation import Installation, install, serving
from benchmarks.people import Measured, sign_up, token_of
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.scale import Scale
from benchmarks.wrk import LoadFailed
from benchmarks.wrk import run as run_wrk
from phr_api import identity
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer

CLIENTS = 32
SLOTS = Plan(facilities=1, days=1, a_day=20, seats=40, schedules=25)
SPREAD, HOT = range(1, 501), range(1)
HOT_SEATS = 5_000
SCRIPT = Path(__file__).parent / "booking.lua"
BOOKED = re.compile(r"^Booked: (\d+), ([\d.]+) a second$", re.MULTILINE)
# Seconds before the measure, in which every connection plans the statements of the functions: the
# few of the web process anew for empty tables, the 32 of pgbench after they are opened.
STARTING_HTTP, STARTING = 1, 3
PROGRESS = re.compile(r"^progress: [\d.]+ s, ([\d.]+) tps", re.MULTILINE)
TRANSACTIONS = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)

PGBENCH = """
\\set i :i + 1
\\set n :client_id * :each + :i
\\set s random({first}, {last})
SELECT r ->> 'id' AS hold, r #>> '{{bookings,0,id}}' AS booking FROM (
    SELECT take_hold(md5('account' || :n)::uuid, md5('session' || :n)::uuid, uuidv7(),
        '{service}', md5('slot' || :s)::uuid, md5('profile' || :n)::uuid::text, uuidv7()::text,
        uuidv7()::text, '{{}}', 'POST /v1/holds', 'hold-' || :n, sha256('body'), now(),
        now() + interval '10 minutes')::jsonb AS r) held \\gset
SELECT book_hold(md5('account' || :n)::uuid, md5('session' || :n)::uuid, :hold::uuid,
    json_build_array(json_build_object('id', :booking::text, 'reason', 'Khám thử', 'answers',
        '{{}}'::json, 'card_number', NULL, 'shows_names', false, 'qr_secret', md5(:booking::text),
        'event', uuidv7(), 'notice', uuidv7(), 'trace', uuidv7()))::text,
    'POST /v1/holds/booking', 'book-' || :n, sha256('body'), now());
"""
EMPTY = "TRUNCATE booking, booking_event, booking_due, hold, idempotency, notification CASCADE"
# every one of these is a number of mistakes, but the last
COUNT = """
SELECT
    (SELECT count(*) FROM (SELECT FROM booking GROUP BY slot_id, seat_no HAVING count(*) > 1) x),
    (SELECT count(*) FROM slot l
     WHERE (SELECT count(*) FROM booking b WHERE b.slot_id = l.id) > l.capacity),
    (SELECT count(*) FROM booking b WHERE NOT EXISTS (SELECT FROM seat s
        WHERE s.slot_id = b.slot_id AND s.seat_no = b.seat_no AND s.booking_id = b.id)),
    (SELECT count(*) FROM seat s WHERE s.booking_id IS NOT NULL AND NOT EXISTS (SELECT FROM
        booking b WHERE b.id = s.booking_id AND b.slot_id = s.slot_id AND b.seat_no = s.seat_no)),
    (SELECT count(*) FROM booking WHERE state = 'requested')
"""


BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename = 'phr_web' AND state <> 'idle'"
)


class Oversold(RuntimeError):
    """A slot has more bookings than seats, or an acknowledged booking is not there."""


@dataclass(frozen=True, slots=True)
class Rush:
    """A database of citizens and slots, and what asks it."""

    installation: Installation
    citizens: Sequence[Measured]
    service_id: str
    folder: Path
    seconds: int

    def http(self, address: str, slots: range) -> float:
        """Units a second over HTTP; each client has its own citizens."""
        self._begin()
        file = self.folder / f"slots-{len(slots)}"
        file.write_text("".join(f"{numbered('slot', number)}\n" for number in slots))
        options = [
            f"-t{CLIENTS}",
            f"-c{CLIENTS}",
            f"-d{self.seconds + STARTING_HTTP}s",
            "-s",
            str(SCRIPT),
        ]
        arguments = (str(self.folder), str(file), self.service_id, str(STARTING_HTTP))
        output = run_wrk(options, address, *arguments)
        counted = BOOKED.search(output)
        if counted is None:
            raise LoadFailed(output)
        self._count(int(counted[1]))
        return float(counted[2])

    def pgbench(self, slots: range) -> float:
        """Units a second of pgbench, as the web's role, under the same policies."""
        self._begin()
        cluster = self.installation.cluster
        command = [
            str(cluster.bin_dir / "pgbench"),
            *("-n", "-c", str(CLIENTS), "-j", "2", "-P", "1", "-M", "prepared"),
            *("-T", str(self.seconds + STARTING)),
            *("-D", "i=-1", "-D", f"each={len(self.citizens) // CLIENTS}", "-f", "/dev/stdin"),
            *("-h", str(cluster.socket_dir), "-U", "phr_web", self.installation.database),
        ]
        script = PGBENCH.format(first=slots[0], last=slots[-1], service=self.service_id)
        ran = subprocess.run(
            command,
            input=script,
            env=dict(cluster.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        counted = TRANSACTIONS.search(ran.stdout)
        if ran.returncode != 0 or counted is None:
            raise LoadFailed(ran.stderr)
        self._count(int(counted[1]))
        return statistics.mean([float(rate) for rate in PROGRESS.findall(ran.stderr)][STARTING:])

    def _begin(self) -> None:
        """Every run finds all seats free."""
        with psycopg.connect(self.installation.superuser_dsn, autocommit=True) as connection:
            connection.execute(EMPTY)
            free_seats(connection)
            connection.execute("VACUUM ANALYZE seat")
            connection.execute("CHECKPOINT")

    def _count(self, acknowledged: int) -> None:
        """Raise Oversold unless every slot is right and nothing acknowledged is missing."""
        with psycopg.connect(self.installation.superuser_dsn, autocommit=True) as connection:
            _settle(connection)
            row: tuple[Any, ...] = connection.execute(COUNT).fetchone() or ()
        *mistakes, stored = row
        if any(mistakes) or stored < acknowledged or acknowledged == 0:
            raise Oversold(f"{mistakes} mistakes; {acknowledged} acknowledged, {stored} stored")


def _settle(connection: psycopg.Connection[Any]) -> None:
    """Wait for what was under way when the clients stopped."""
    quiet = 0
    while quiet < 5:
        (busy,) = connection.execute(BUSY).fetchone() or (0,)
        quiet = 0 if busy else quiet + 1
        time.sleep(0.05)


def prepare(installation: Installation, folder: Path, scale: Scale) -> Rush:
    """Write clinics and citizens, and a file of citizens for each client."""
    folder.mkdir(exist_ok=True)
    count = CLIENTS * scale.citizens_each
    people = [
        Measured(*(numbered(what, n) for what in ("account", "session", "profile")))
        for n in range(count)
    ]
    with psycopg.connect(installation.superuser_dsn) as connection:
        sign_up(connection, people)
        open_clinics(connection, SLOTS)
        add_slot(connection, seats=HOT_SEATS)
        row = connection.execute("SELECT id FROM clinic_service").fetchone()
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    db.configure(installation.settings.database.web_url)
    identity.configure(installation.settings)
    return Rush(installation, people, str(row[0] if row else ""), folder, scale.seconds)


def sign_in(rush: Rush, address: str) -> None:
    """Give every citizen a token and use it once, as their apps have."""
    tokens = [token_of(person) for person in rush.citizens]
    each = len(tokens) // CLIENTS
    for client in range(CLIENTS):
        own = slice(client * each, (client + 1) * each)
        lines = (
            f"{token} {person.profile_id}\n"
            for token, person in zip(tokens[own], rush.citizens[own], strict=True)
        )
        (rush.folder / f"citizens-{client}").write_text("".join(lines))
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda part: _use(address, part), [tokens[n::4] for n in range(4)]):
            pass


def _use(address: str, tokens: Sequence[str]) -> None:
    connection = HTTPConnection(urlsplit(address).netloc)
    for token in tokens:
        connection.request("GET", "/v1/holds", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise LoadFailed(f"a signed-in citizen got {answer.status}")
    connection.close()


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure the rush over 500 slots and at one, both over HTTP and by pgbench."""
    report = Report("The rush at seven")
    rush = prepare(install(cluster, "booking", data_dir), data_dir / "rush", scale)
    with serving(rush.installation) as address:
        sign_in(rush, address)
        measures: dict[str, Callable[[], float]] = {
            "HTTP, 500 slots": lambda: rush.http(address, SPREAD),
            "HTTP, one slot": lambda: rush.http(address, HOT),
            "pgbench, 500 slots": lambda: rush.pgbench(SPREAD),
            "pgbench, one slot": lambda: rush.pgbench(HOT),
        }
        rates = interleaved(scale.rounds, measures)
    report.say(f"hold and book, {CLIENTS} clients, {len(rush.citizens):,} citizens, durable")
    for name, values in rates.items():
        report.say(f"  {name}: {statistics.median(values):,.0f} a second")
    spread, hot = rates["HTTP, 500 slots"], rates["HTTP, one slot"]
    report.bench("booking_of_pgbench", median_ratio(spread, rates["pgbench, 500 slots"]), 0.25)
    report.bench("booking_hot_of_spread", median_ratio(hot, spread), 0.6)
    report.say("  nothing oversold and nothing acknowledged lost in any run")
    return report
