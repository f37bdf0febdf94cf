"""Search: who in a province has a free time soonest, against one clinic's own answer.

Both answer the next two weeks as they do when a client asks for nothing else: the search 20
clinics, a clinic all its slots by day. Half of the slots, at random, have nothing left.
"""

import statistics
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from benchmarks.clinics import PROVINCE, SERVICE_CODE, Plan, open_clinics, opening
from benchmarks.installation import install, serving
from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.scale import Scale
from benchmarks.wrk import load
from phr_api.kit import clock
from phr_api.kit.embedded import EmbeddedServer

SLOTS_A_DAY, SEATS = 8, 2
CONNECTIONS = 4
FULL_DAYS = 3

# a booking is not needed: nothing but the seat is looked at
_TAKE = (
    "UPDATE seat s SET booking_id = gen_random_uuid(), during = tstzrange(l.starts_at, l.ends_at)"
    " FROM slot l WHERE l.id = s.slot_id AND s.booking_id IS NULL"
)
_HALF = f"{_TAKE} AND hashtext(l.id::text) %% 2 = 0"
_FIRST_DAYS = f"{_TAKE} AND l.starts_at < %s"


def prepare(dsn: str, plan: Plan) -> str:
    """Fill the database; the path of one clinic's own answer."""
    with psycopg.connect(dsn) as connection:
        open_clinics(connection, plan)
        take(connection, _HALF)
        row = connection.execute(
            "SELECT facility_code, id FROM clinic_service ORDER BY facility_code OFFSET %s LIMIT 1",
            (plan.facilities // 2,),
        ).fetchone()
    if row is None:
        raise RuntimeError("no service was written")
    return f"/v1/facilities/{row[0]}/services/{row[1]}/slots"


def take(connection: psycopg.Connection[Any], statement: str, *values: object) -> None:
    """Take the seats that this statement names, and let the planner see it."""
    connection.autocommit = False
    connection.execute(statement, values)
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")
    connection.autocommit = False


def run(cluster: EmbeddedServer, data_dir: Path, scale: Scale) -> Report:
    """Measure the median latency of both in the same rounds, then with the first days full."""
    report = Report("Search for a free time")
    installation = install(cluster, "search", data_dir)
    plan = Plan(facilities=scale.facilities, days=scale.days, a_day=SLOTS_A_DAY, seats=SEATS)
    single = prepare(installation.superuser_dsn, plan)
    search = f"/v1/slots?{urlencode({'service': SERVICE_CODE, 'province': PROVINCE})}"
    with serving(installation) as address:

        def p50(path: str) -> float:
            return load(address + path, seconds=scale.seconds, connections=CONNECTIONS).p50

        measures = {"search": lambda: p50(search), "one clinic": lambda: p50(single)}
        taken = interleaved(scale.rounds, measures)
        slots = plan.facilities * plan.days * plan.a_day
        report.say(
            f"{plan.facilities:,} clinics, {plan.days} days, {slots:,} slots, half of them full;"
            f" {CONNECTIONS} connections"
        )
        for name, values in taken.items():
            report.say(f"  p50 of {name}: {1000 * statistics.median(values):.2f} ms")
        ratio = median_ratio(taken["search"], taken["one clinic"])
        report.bench("search_p50_of_one_clinic", ratio, 2, at_most=True)
        with psycopg.connect(installation.superuser_dsn) as connection:
            take(connection, _FIRST_DAYS, opening(clock.now()) + timedelta(days=FULL_DAYS))
        full = interleaved(min(scale.rounds, 3), measures)
        milliseconds = 1000 * statistics.median(full["search"])
        ratio = median_ratio(full["search"], full["one clinic"])
        report.say(
            f"  p50 of search with the first {FULL_DAYS} days full: {milliseconds:.2f} ms,"
            f" {ratio:.1f} x one clinic's"
        )
    return report
