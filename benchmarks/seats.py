"""Ways to take a seat that were weighed, each by pgbench: spread over 500 slots, and at a hot one.

In use: a row a seat, the first free one in order of number, passing by those that others are just
taking. Beside it: the same from a random number on; a counter with a limit (CHECK) beside the
seats; and no seats at all: one CTE statement that inserts the hold with its booking and takes the
slot's counter, its lock last. A counter's row is waited for until who had it before is on disk.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psycopg

from benchmarks.report import Report, interleaved, median_ratio
from benchmarks.rush import HOT, SPREAD, Rush
from phr_api.migrations.appointment_functions import TAKE_SEAT
from phr_api.migrations.booking_functions import TAKE_HOLD

HEAD = """
CREATE OR REPLACE FUNCTION take_seat(
    p_slot uuid, p_booking uuid, p_profile uuid, p_account uuid, p_waitlist boolean
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
    start integer;
BEGIN
"""
TAIL = """
    IF taken IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE seat s
    SET booking_id = p_booking, profile_id = p_profile, account_id = p_account,
        for_waitlist = false, during = tstzrange(l.starts_at, l.ends_at)
    FROM slot l WHERE l.id = p_slot AND s.slot_id = p_slot AND s.seat_no = taken;
    RETURN taken;
END $$
"""
RANDOM = """
    SELECT 1 + floor(random() * l.capacity) INTO start FROM slot l WHERE l.id = p_slot;
    SELECT s.seat_no INTO taken FROM seat s
    WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND NOT s.for_waitlist
      AND s.seat_no >= start
    ORDER BY s.seat_no LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF taken IS NULL THEN
        SELECT s.seat_no INTO taken FROM seat s
        WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND NOT s.for_waitlist
        ORDER BY s.seat_no LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
"""
COUNTER = """
    UPDATE bench_counter c SET taken = c.taken + 1
    WHERE c.slot_id = p_slot AND c.taken < c.capacity RETURNING c.taken INTO taken;
"""
# Right, scope, quota and idempotency as in use; for one person, which is all that is measured. A
# seat's number would be known too late: the booking gets one of its own. One time twice for one
# person is kept out as the seats do it, in a table of its own.
ONE_STATEMENT = """
    PERFORM open_for_booking(p_account, p_session, people[1], p_at);
    PERFORM replace_held(p_account, people[1], p_service, p_slot, p_at);
    PERFORM check_quota(p_account, people[1], v, p_at);
    WITH made AS (
        INSERT INTO booking (id, hold_id, facility_code, service_id, profile_id, account_id,
            person_name, person_birth, person_sex, slot_id, seat_no, starts_at, ends_at, state,
            classes, source, version, created_at, state_at)
        SELECT bookings[1], p_hold, s.facility_code, p_service, p.id, p_account, p.full_name,
            p.birth, p.sex, s.id, nextval('bench_number'), s.starts_at, s.ends_at, 'held',
            v.classes, 'app', 1, p_at, p_at
        FROM profile p WHERE p.id = people[1] RETURNING booking.*
    ), timed AS (
        INSERT INTO bench_time (booking_id, profile_id, during)
        SELECT m.id, m.profile_id, tstzrange(m.starts_at, m.ends_at) FROM made m RETURNING true
    ), headed AS (
        INSERT INTO hold (id, account_id, session_id, facility_code, service_id, kind, people,
            created_at, expires_at)
        VALUES (p_hold, p_account, p_session, v.facility_code, p_service, 'hold',
            array_remove(people, NULL), p_at, p_expires) RETURNING true
    ), known AS (
        INSERT INTO idempotency
            (principal_id, route, key, body_mac, status, location, reference, created_at)
        VALUES (p_account, p_route, p_key, p_mac, 201, NULL, p_hold::text, p_at) RETURNING true
    )
    UPDATE bench_counter c SET taken = c.taken + 1 FROM made m, timed, headed, known
    WHERE c.slot_id = p_slot AND c.taken < c.capacity RETURNING held_wire(m) INTO lines;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PH014', MESSAGE = 'slot full';
    END IF;
    RETURN jsonb_build_object('id', p_hold, 'kind', 'hold', 'expiresAt', wire_moment(p_expires),
        'isBooked', false, 'isOver', false, 'bookings', jsonb_build_array(lines));
END $$"""
TABLES = """
CREATE TABLE bench_counter (
    slot_id uuid PRIMARY KEY, capacity integer NOT NULL, taken integer NOT NULL,
    CHECK (taken <= capacity)
) WITH (fillfactor = 10);
CREATE TABLE bench_time (
    booking_id uuid PRIMARY KEY, profile_id uuid NOT NULL, during tstzrange NOT NULL,
    EXCLUDE USING gist (profile_id WITH =, booking_id WITH <>, during WITH &&)
);
CREATE SEQUENCE bench_number CACHE 1000;
GRANT SELECT, UPDATE ON bench_counter TO phr_web;
GRANT SELECT, INSERT ON bench_time TO phr_web;
GRANT USAGE ON bench_number TO phr_web
"""
BEGIN = """
TRUNCATE bench_counter, bench_time;
INSERT INTO bench_counter SELECT id, capacity, 0 FROM slot
"""
# every one of these is a number of mistakes, but the last
COUNT_COUNTED = """
SELECT
    (SELECT count(*) FROM bench_counter c WHERE c.taken > c.capacity
        OR c.taken <> (SELECT count(*) FROM booking b WHERE b.slot_id = c.slot_id)),
    (SELECT count(*) FROM booking b WHERE NOT EXISTS (SELECT FROM bench_time t
        WHERE t.booking_id = b.id)),
    (SELECT count(*) FROM booking WHERE state = 'requested')
"""


def _replaced(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def _in_one_statement() -> str:
    """take_hold up to its loop over people, then the one statement."""
    head, loop, _ = _replaced(TAKE_HOLD).partition("    FOR i IN 1 .. array_length(people, 1) LOOP")
    if not loop:
        raise RuntimeError("take_hold has another shape now")
    return head + ONE_STATEMENT


IN_USE = (_replaced(TAKE_SEAT), _replaced(TAKE_HOLD))


@dataclass(frozen=True, slots=True)
class Candidate:
    """Functions in place of those in use; and how mistakes are counted, if there are no seats."""

    name: str
    functions: tuple[str, ...]
    count: str | None = None


CANDIDATES = (
    Candidate("seat rows, in order of number", IN_USE),
    Candidate("seat rows, from a random one on", (HEAD + RANDOM + TAIL,)),
    Candidate("a counter, then its seat row", (HEAD + COUNTER + TAIL,)),
    Candidate("one CTE statement, counter last", (_in_one_statement(),), COUNT_COUNTED),
)


def compare(rush: Rush, report: Report, rounds: int) -> None:
    """Measure every candidate over 500 slots and at the hot one; a table of medians."""
    with psycopg.connect(rush.installation.superuser_dsn, autocommit=True) as connection:
        connection.execute(TABLES)
    measures: dict[str, Callable[[], float]] = {
        f"{each.name}/{where}": partial(_measured, rush, each, slots)
        for each in CANDIDATES
        for where, slots in (("spread", SPREAD), ("hot", HOT))
    }
    taken = interleaved(rounds, measures)
    report.say(f"  pgbench, by way of taking a seat, medians of {rounds}:")
    report.say(f"    {'units a second':<32} {'500 slots':>9} {'one slot':>9} {'of spread':>9}")
    for each in CANDIDATES:
        spread, hot = taken[f"{each.name}/spread"], taken[f"{each.name}/hot"]
        ratio = median_ratio(hot, spread)
        rates = f"{statistics.median(spread):>9,.0f} {statistics.median(hot):>9,.0f}"
        report.say(f"    {each.name:<32} {rates} {ratio:>9.2f}")


def _measured(rush: Rush, candidate: Candidate, slots: range) -> float:
    with psycopg.connect(rush.installation.superuser_dsn, autocommit=True) as connection:
        connection.execute(BEGIN)
        for function in candidate.functions:
            connection.execute(function)
        try:
            return rush.pgbench(slots, count=candidate.count)
        finally:
            for function in IN_USE:
                connection.execute(function)
