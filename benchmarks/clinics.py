"""Clinics with slots and seats for benchmarks, written as the embedded cluster's superuser."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from phr_api.kit import clock

PROVINCE = "Hà Nội"
PROVINCE_KEY = "ha noi"
SERVICE_CODE = "KHAM-THU"
FIRST_CODE = 10_000

_FACILITIES = """
INSERT INTO facility (code, name, kind, province, search_key)
SELECT (%(first)s + n)::text, 'Phòng khám Thử ' || n, 'clinic', %(province)s, 'phong kham thu ' || n
FROM generate_series(1, %(facilities)s) n
"""
_SERVICES = """
INSERT INTO clinic_service (id, facility_code, code, name, search_key, kind, minutes, most_open,
    confirms_itself, has_waitlist, created_at, version)
SELECT gen_random_uuid(), code, %(service)s, 'Khám thử', 'kham thu', 'on-site', 15, 2, false, true,
       %(at)s, 1
FROM facility
"""
_SCHEDULES = """
INSERT INTO schedule (id, facility_code, service_id, name, pattern, weekdays, starts, ends,
    slot_minutes, capacity, valid_from, release_days, due_at, created_at, version)
SELECT gen_random_uuid(), v.facility_code, v.id, 'Lịch thử ' || n, 'weekly', '{1,2,3,4,5,6,7}',
       '07:00', '17:00', %(minutes)s, %(seats)s, %(at)s::date, 90, %(at)s + interval '1 year',
       %(at)s, 1
FROM clinic_service v CROSS JOIN generate_series(1, %(schedules)s) n
"""
# Tomorrow at seven in Viet Nam is the first; all are open now.
_SLOTS = """
INSERT INTO slot (id, schedule_id, facility_code, province, service_id, service_code, starts_at,
    ends_at, opens_at, closes_at, capacity, status, created_at)
SELECT md5('slot' || row_number() OVER ())::uuid, s.id, s.facility_code, %(province)s,
       s.service_id, %(service)s, t.at, t.at + make_interval(mins => %(minutes)s),
       %(at)s - interval '1 day', t.at - interval '1 hour', %(seats)s, 'open', %(at)s
FROM schedule s,
     generate_series(0, %(days)s - 1) d,
     generate_series(0, %(a_day)s - 1) i,
     LATERAL (SELECT %(opening)s + make_interval(days => d, mins => i * %(minutes)s) AS at) t
"""
_SEATS = """
INSERT INTO seat (slot_id, seat_no, facility_code)
SELECT l.id, n, l.facility_code FROM slot l CROSS JOIN LATERAL generate_series(1, l.capacity) n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many clinics have how many slots; every clinic has the one service."""

    facilities: int
    days: int
    a_day: int
    seats: int
    schedules: int = 1
    minutes: int = 30


def open_clinics(connection: psycopg.Connection[Any], plan: Plan) -> None:
    """Write clinics of one province with their service, schedules and slots, all seats free.

    The slots' ids are those of numbered("slot", 1) and so on.
    """
    at = clock.now()
    values = {
        "at": at,
        "opening": opening(at),
        "first": FIRST_CODE,
        "province": PROVINCE_KEY,
        "service": SERVICE_CODE,
        "facilities": plan.facilities,
        "days": plan.days,
        "a_day": plan.a_day,
        "seats": plan.seats,
        "schedules": plan.schedules,
        "minutes": plan.minutes,
    }
    with connection.transaction():
        for statement in (_FACILITIES, _SERVICES, _SCHEDULES, _SLOTS, _SEATS):
            connection.execute(statement, values)


def opening(at: datetime) -> datetime:
    """Seven o'clock of the next day in Viet Nam."""
    morning = at.astimezone(clock.VIETNAM).replace(hour=7, minute=0, second=0, microsecond=0)
    return morning + timedelta(days=1)


def add_slot(connection: psycopg.Connection[Any], *, seats: int) -> None:
    """Write slot number 0, the day after all others, in the first schedule."""
    values = {"id": numbered("slot", 0), "seats": seats}
    with connection.transaction():
        connection.execute(
            "INSERT INTO slot (id, schedule_id, facility_code, province, service_id, service_code,"
            " starts_at, ends_at, opens_at, closes_at, capacity, status, created_at)"
            " SELECT %(id)s, schedule_id, facility_code, province, service_id, service_code,"
            " ends_at + interval '1 day', ends_at + interval '1 day 15 minutes', opens_at,"
            " ends_at + interval '1 day', %(seats)s, status, created_at"
            " FROM slot ORDER BY starts_at DESC LIMIT 1",
            values,
        )
    free_seats(connection)


def free_seats(connection: psycopg.Connection[Any]) -> None:
    """Make the seats of all slots anew: nobody has one."""
    with connection.transaction():
        connection.execute("TRUNCATE seat")
        connection.execute(_SEATS)


def numbered(what: str, number: int) -> UUID:
    """Return the id that SQL computes as md5(what || number)::uuid."""
    return UUID(hashlib.md5(f"{what}{number}".encode(), usedforsecurity=False).hexdigest())
