"""Ways to take a seat of a wanted slot that were weighed: what each reaches at one hot slot.

The one in use looks for the first free seat in order of number and passes by those that others are
just taking. Beside it: the same from a random number on, and a counter with a limit (CHECK), whose
row every taker waits for until the one before has been written to disk.
"""

from collections.abc import Callable

import psycopg

from benchmarks.rush import HOT, Rush
from phr_api.migrations.appointment_functions import TAKE_SEAT

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
COUNTERS = """
CREATE TABLE IF NOT EXISTS bench_counter (
    slot_id uuid PRIMARY KEY, capacity integer NOT NULL, taken integer NOT NULL,
    CHECK (taken <= capacity)
) WITH (fillfactor = 10);
GRANT SELECT, UPDATE ON bench_counter TO phr_web;
TRUNCATE bench_counter;
INSERT INTO bench_counter SELECT id, capacity, 0 FROM slot
"""
IN_USE = TAKE_SEAT.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def candidates(rush: Rush) -> dict[str, Callable[[], float]]:
    """Return the measures: pgbench at the hot slot, with each way of taking a seat."""
    return {
        "in order of number": lambda: _measured(rush, IN_USE),
        "from a random one on": lambda: _measured(rush, HEAD + RANDOM + TAIL),
        "by a counter": lambda: _measured(rush, HEAD + COUNTER + TAIL),
    }


def _measured(rush: Rush, function: str) -> float:
    with psycopg.connect(rush.installation.superuser_dsn, autocommit=True) as connection:
        connection.execute(COUNTERS)
        connection.execute(function)
        try:
            return rush.pgbench(HOT)
        finally:
            connection.execute(IN_USE)
