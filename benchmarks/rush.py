"""32 clients who hold and book: over HTTP, or pgbench calling the same SQL functions.

After every run each slot is counted, and what was acknowledged is looked for.
"""

import re
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.clinics import free_seats, numbered
from benchmarks.installation import Installation
from benchmarks.people import Measured
from benchmarks.processes import family_cpu_seconds
from benchmarks.wrk import LoadFailed
from benchmarks.wrk import run as run_wrk

CLIENTS = 32
# of a unit: its hold, its booking
REQUESTS = 2
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
SPREAD, HOT = range(1, 501), range(1)
SCRIPT = Path(__file__).parent / "booking.lua"
BOOKED = re.compile(r"^Booked: (\d+), ([\d.]+) a second$", re.MULTILINE)
# the web process has few connections, and plans anew for empty tables alone
MOST_STARTING_HTTP = 1
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


class NotDurable(RuntimeError):
    """A commit is acknowledged before it is on disk: the figures would mean nothing."""


class Oversold(RuntimeError):
    """A slot has more bookings than seats, or an acknowledged booking is not there."""


@dataclass(frozen=True, slots=True)
class Rush:
    """A database of citizens and slots, and what asks it.

    The first seconds, `starting`, are not measured: every connection then plans the statements of
    the functions, above all the 32 that pgbench has just opened.
    """

    installation: Installation
    citizens: Sequence[Measured]
    service_id: str
    folder: Path
    seconds: int
    starting: int
    # of every run: what was acknowledged, and over HTTP the web's milliseconds of CPU a request
    acknowledged: list[int] = field(default_factory=list)
    web_milliseconds: list[float] = field(default_factory=list)

    def check_durable(self) -> None:
        """Raise NotDurable unless a commit of the web's role waits for the disk."""
        url = self.installation.cluster.url(self.installation.database, "phr_web")
        with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
            for setting in DURABLE:
                (value,) = connection.execute(f"SHOW {setting}").fetchone() or ("",)
                if value != "on":
                    raise NotDurable(f"{setting} is {value}")

    def http(self, address: str, web: int, slots: range) -> float:
        """Units a second over HTTP, of the process `web`; each client has its own citizens."""
        self._begin()
        file = self.folder / f"slots-{len(slots)}"
        file.write_text("".join(f"{numbered('slot', number)}\n" for number in slots))
        starting = min(self.starting, MOST_STARTING_HTTP)
        length = f"-d{self.seconds + starting}s"
        options = [f"-t{CLIENTS}", f"-c{CLIENTS}", length, "-s", str(SCRIPT)]
        arguments = (str(self.folder), str(file), self.service_id, str(starting))
        before = family_cpu_seconds(web)
        output = run_wrk(options, address, *arguments)
        spent = family_cpu_seconds(web) - before
        counted = BOOKED.search(output)
        if counted is None:
            raise LoadFailed(output)
        self.web_milliseconds.append(1000 * spent / max(1, REQUESTS * int(counted[1])))
        self._count(int(counted[1]))
        return float(counted[2])

    def pgbench(self, slots: range, *, count: str | None = None) -> float:
        """Units a second of pgbench, as the web's role, under the same policies.

        `count` counts mistakes where seats are not how they are kept out.
        """
        self._begin()
        cluster = self.installation.cluster
        command = [
            str(cluster.bin_dir / "pgbench"),
            *("-n", "-c", str(CLIENTS), "-j", "2", "-P", "1", "-M", "prepared"),
            *("-T", str(self.seconds + self.starting)),
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
        self._count(int(counted[1]), count or COUNT)
        rates = [float(rate) for rate in PROGRESS.findall(ran.stderr)][self.starting :]
        return statistics.mean(rates) if rates else int(counted[1]) / self.seconds

    def _begin(self) -> None:
        """Every run finds all seats free."""
        with psycopg.connect(self.installation.superuser_dsn, autocommit=True) as connection:
            connection.execute(EMPTY)
            free_seats(connection)
            connection.execute("VACUUM ANALYZE seat")
            connection.execute("CHECKPOINT")

    def _count(self, acknowledged: int, count: str = COUNT) -> None:
        """Raise Oversold unless every slot is right and nothing acknowledged is missing."""
        with psycopg.connect(self.installation.superuser_dsn, autocommit=True) as connection:
            _settle(connection)
            row: tuple[Any, ...] = connection.execute(count).fetchone() or ()
        *mistakes, stored = row
        if any(mistakes) or stored < acknowledged or acknowledged == 0:
            raise Oversold(f"{mistakes} mistakes; {acknowledged} acknowledged, {stored} stored")
        self.acknowledged.append(acknowledged)


def _settle(connection: psycopg.Connection[Any]) -> None:
    """Wait for what was under way when the clients stopped."""
    quiet = 0
    while quiet < 5:
        (busy,) = connection.execute(BUSY).fetchone() or (0,)
        quiet = 0 if busy else quiet + 1
        time.sleep(0.05)
