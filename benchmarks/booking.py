"""The rush at seven: hold and book over HTTP, against pgbench calling the same SQL functions.

One unit is a hold and its booking, by a citizen who has not booked before in this run; 32 clients
over HTTP, 32 clients of pgbench; every commit waits for the disk. pgbench runs every statement of
both: right, scope, idempotency, seat, notification. The citizens' apps have used their tokens
before, as an app that showed the free times has. After every run each slot is counted.
"""

import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.clinics import Plan, add_slot, numbered, open_clinics
from benchmarks.installation import Installation, install, serving_process
from benchmarks.people import Measured, sign_up, token_of
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.rush import CLIENTS, HOT, SPREAD, Rush
from benchmarks.scale import Scale
from benchmarks.seats import compare
from benchmarks.wrk import LoadFailed
from phr_api import identity
from phr_api.kit import db
from phr_api.kit.embedded import EmbeddedServer

# of each way to take a seat
MOST_ROUNDS = 3


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
        open_clinics(
            connection, Plan(facilities=1, days=1, a_day=20, seats=scale.seats, schedules=25)
        )
        add_slot(connection, seats=scale.hot_seats)
        row = connection.execute("SELECT id FROM clinic_service").fetchone()
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    db.configure(installation.settings.database.web_url)
    identity.configure(installation.settings)
    return Rush(
        installation, people, str(row[0] if row else ""), folder, scale.seconds, scale.starting
    )


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
    rush.check_durable()
    with serving_process(rush.installation) as (address, web):
        sign_in(rush, address)
        measures: dict[str, Callable[[], float]] = {
            "HTTP, 500 slots": lambda: rush.http(address, web, SPREAD),
            "HTTP, one slot": lambda: rush.http(address, web, HOT),
            "pgbench, 500 slots": lambda: rush.pgbench(SPREAD),
            "pgbench, one slot": lambda: rush.pgbench(HOT),
        }
        rates = interleaved(scale.rounds, measures)
    report.say(f"hold and book, {CLIENTS} clients, {len(rush.citizens):,} citizens, durable")
    for name, values in rates.items():
        report.say(f"  {name}: {statistics.median(values):,.0f} a second")
    milliseconds = statistics.median(rush.web_milliseconds)
    report.say(f"  web process: {milliseconds:.2f} ms of CPU a request, two requests a unit")
    spread, hot = rates["HTTP, 500 slots"], rates["HTTP, one slot"]
    report.bench("booking_of_pgbench", median_ratio(spread, rates["pgbench, 500 slots"]), 0.25)
    report.bench("booking_hot_of_spread", median_ratio(hot, spread), 0.6)
    compare(rush, report, min(scale.rounds, MOST_ROUNDS))
    runs, acknowledged = len(rush.acknowledged), sum(rush.acknowledged)
    report.say(f"  0 oversold, 0 of {acknowledged:,} acknowledged lost in {runs} runs")
    return report
