"""Making slots and seats of schedules, again and again: what is there is brought to what should be.

A slot that should not be there goes if nobody sits in it; else it is closed and its bookings stay.
"""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from phr_api.appointments.models import Schedule, Slot
from phr_api.appointments.queries import plans
from phr_api.appointments.queries.line import is_closed
from phr_api.appointments.rules import patterns
from phr_api.appointments.rules.patterns import PlannedSlot
from phr_api.clinics import ServiceRow, find_facility, find_service
from phr_api.kit import clock
from phr_api.kit.db import insert_rows
from phr_api.kit.ids import new_row_id
from phr_api.vocab import province_key

log = logging.getLogger(__name__)

AGAIN_AFTER_FAILURE = timedelta(hours=1)
KEPT = timedelta(days=2)
# one day more of every schedule, at an hour when nobody is waiting
MADE_AT = time(0, 30)

_SEATS = text(
    "INSERT INTO seat (slot_id, seat_no, facility_code)"
    " SELECT l.id, n, l.facility_code FROM slot l, generate_series(1, l.capacity) AS n"
    " WHERE l.id = ANY (:slots) ON CONFLICT DO NOTHING"
)
# Highest numbers first, and never one that somebody sits in or is just taking: the lock waits,
# and the row is looked at again.
_FEWER = text(
    "DELETE FROM seat s USING slot l"
    " WHERE l.id = s.slot_id AND l.schedule_id = :schedule AND l.starts_at > :at"
    " AND s.seat_no > l.capacity AND s.booking_id IS NULL"
)
_CLOSE = text("UPDATE slot SET status = 'closed' WHERE id = ANY (:slots) AND status = 'open'")
_REOPEN = text("UPDATE slot SET status = 'open' WHERE id = ANY (:slots) AND status = 'closed'")
_EMPTY_SEATS = text("DELETE FROM seat WHERE slot_id = ANY (:slots) AND booking_id IS NULL")
_EMPTY_SLOTS = text(
    "DELETE FROM slot l WHERE l.id = ANY (:slots)"
    " AND NOT EXISTS (SELECT 1 FROM seat s WHERE s.slot_id = l.id)"
)
_MOVED = text(
    "UPDATE slot SET province = :province WHERE schedule_id = :schedule AND starts_at > :at"
    " AND province IS DISTINCT FROM :province"
)
_PASSED = text(
    "WITH passed AS ("
    " DELETE FROM slot l USING (SELECT DISTINCT facility_code FROM schedule) f"
    " WHERE l.facility_code = f.facility_code AND l.starts_at < :before RETURNING l.id"
    "), emptied AS (DELETE FROM seat s USING passed p WHERE s.slot_id = p.id)"
    " SELECT id FROM passed"
)
_CHANGE = text(
    "UPDATE slot l SET opens_at = n.opens_at, closes_at = n.closes_at, capacity = n.capacity,"
    " status = 'open'"
    " FROM json_to_recordset(CAST(:rows AS json))"
    " AS n(id uuid, opens_at timestamptz, closes_at timestamptz, capacity integer)"
    " WHERE l.id = n.id"
)


@dataclass(kw_only=True)
class Difference:
    """What has to happen to a schedule's slots."""

    new: list[PlannedSlot] = field(default_factory=list)
    changed: dict[UUID, PlannedSlot] = field(default_factory=dict)
    unwanted: list[UUID] = field(default_factory=list)


def make_slots(session: Session, at: datetime) -> bool:
    """Make the slots of the schedule that has been due longest; whether there was one.

    Several workers may call it: a schedule is one's at a time. A schedule that fails is logged and
    left for an hour, so that it holds up no other.
    """
    due = (
        select(Schedule)
        .where(Schedule.due_at <= at, Schedule.ended_at.is_(None))
        .order_by(Schedule.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    schedule = session.scalar(due)
    if schedule is None:
        return False
    try:
        with session.begin_nested():
            bring_up_to_date(session, schedule, at)
    except SQLAlchemyError as error:
        log.error("slots not made", exc_info=error, extra={"schedule": str(schedule.id)})  # noqa: TRY400
        _put_off(session, schedule.id, due_at=at + AGAIN_AFTER_FAILURE)
    return True


def bring_up_to_date(session: Session, schedule: Schedule, at: datetime) -> None:
    """Make the schedule's future slots what it says; the caller holds its lock.

    Made twice, nothing changes: slots are known by schedule and start, seats by slot and number.
    """
    service = find_service(session, schedule.service_id)
    is_over = service is None or service.ended_at is not None
    wanted = {} if service is None or is_over else planned(session, schedule, service, at)
    apply(session, schedule, service, differ(session, schedule.id, wanted, at), at)
    today = at.astimezone(clock.VIETNAM).date()
    _put_off(
        session,
        schedule.id,
        due_at=datetime.combine(today + timedelta(days=1), MADE_AT, clock.VIETNAM),
        made_until=patterns.horizon(plans.plan_of(schedule), today),
        ended_at=at if is_over else None,
    )


def _put_off(session: Session, schedule_id: UUID, **values: object) -> None:
    """Not by the entity: what the worker notes is no new version of what the desk wrote."""
    session.execute(update(Schedule).where(Schedule.id == schedule_id).values(**values))


def planned(
    session: Session, schedule: Schedule, service: ServiceRow, at: datetime
) -> dict[datetime, PlannedSlot]:
    """Return the slots that the schedule should have after `at`, by start: none of a closed day."""
    plan, today = plans.plan_of(schedule), at.astimezone(clock.VIETNAM).date()
    until = patterns.horizon(plan, today)
    holidays = plans.find_holiday_days(session, today, until)
    dated = plans.find_dated(session, schedule, today)
    sittings = patterns.days(plan, dated, holidays, today, until)
    made = patterns.slots(plan, sittings, lead_minutes=service.lead_minutes)
    since = at
    if is_closed(session, schedule.facility_code, today):
        since = datetime.combine(today, time.max, clock.VIETNAM)
    return {start: slot for start, slot in made.items() if start > since}


def differ(
    session: Session, schedule_id: UUID, wanted: Mapping[datetime, PlannedSlot], at: datetime
) -> Difference:
    """Compare the slots after `at` with what is wanted."""
    columns = (Slot.id, Slot.starts_at, Slot.ends_at, Slot.opens_at, Slot.closes_at)
    query = select(*columns, Slot.capacity, Slot.status).where(
        Slot.schedule_id == schedule_id, Slot.starts_at > at
    )
    difference, known = Difference(), set()
    for row in session.execute(query):
        plan = wanted.get(row.starts_at)
        if plan is None or plan.ends_at != row.ends_at:
            # one of another length makes room for the new one unless somebody sits in it
            difference.unwanted.append(row.id)
            continue
        known.add(row.starts_at)
        if _has_changed(row, plan):
            difference.changed[row.id] = plan
    difference.new = [slot for start, slot in wanted.items() if start not in known]
    return difference


def _has_changed(row: Row[*tuple[Any, ...]], plan: PlannedSlot) -> bool:
    now = (row.opens_at, row.closes_at, row.capacity, row.status)
    return now != (plan.opens_at, plan.closes_at, plan.capacity, "open")


def apply(
    session: Session,
    schedule: Schedule,
    service: ServiceRow | None,
    difference: Difference,
    at: datetime,
) -> None:
    """Write the difference: the worker's role alone may."""
    if difference.unwanted:
        close(session, difference.unwanted)
        remove_empty(session, difference.unwanted)
    if service is None:
        return
    province = _province(session, schedule)
    if difference.changed:
        _change(session, difference.changed)
    if difference.new:
        _insert(session, schedule, service, difference.new, province, at)
    # an operator corrected where the clinic is
    session.execute(_MOVED, {"schedule": schedule.id, "at": at, "province": province})
    # those that a cancelled booking left free above a lowered capacity, too
    session.execute(_FEWER, {"schedule": schedule.id, "at": at})


def add_missing(session: Session, schedule: Schedule, on: Collection[date], at: datetime) -> None:
    """Make the slots that the schedule should have and has not on these days, for a replan.

    The desk's role may do that for its own facility; the rest is left to the worker. The caller
    holds the schedule's lock.
    """
    service = find_service(session, schedule.service_id)
    if service is None:
        return
    new = [
        slot
        for slot in differ(session, schedule.id, planned(session, schedule, service, at), at).new
        if slot.starts_at.astimezone(clock.VIETNAM).date() in on
    ]
    if new:
        # where its others are; that the facility moved meanwhile is the worker's to write
        known = select(Slot.province).where(Slot.schedule_id == schedule.id).limit(1)
        _insert(session, schedule, service, new, session.scalar(known), at)


def _province(session: Session, schedule: Schedule) -> str | None:
    facility = find_facility(session, schedule.facility_code)
    return province_key(facility.province) if facility and facility.province else None


def close(session: Session, slot_ids: Collection[UUID]) -> int:
    """Let nobody book these slots any more; who sits in them stays. How many were open."""
    result = session.execute(_CLOSE, {"slots": list(slot_ids)})
    return int(result.rowcount)  # type: ignore[attr-defined]


def reopen(session: Session, slot_ids: Collection[UUID]) -> None:
    """Open these slots again, as far as they are still there."""
    session.execute(_REOPEN, {"slots": list(slot_ids)})


def remove_empty(session: Session, slot_ids: Collection[UUID]) -> None:
    """Remove the free seats of these slots, and the slots that have no seat left."""
    session.execute(_EMPTY_SEATS, {"slots": list(slot_ids)})
    session.execute(_EMPTY_SLOTS, {"slots": list(slot_ids)})


def _change(session: Session, changed: Mapping[UUID, PlannedSlot]) -> None:
    rows = [
        {
            "id": str(slot_id),
            "opens_at": plan.opens_at.isoformat(),
            "closes_at": plan.closes_at.isoformat(),
            "capacity": plan.capacity,
        }
        for slot_id, plan in changed.items()
    ]
    session.execute(_CHANGE, {"rows": json.dumps(rows)})
    session.execute(_SEATS, {"slots": list(changed)})


def _insert(
    session: Session,
    schedule: Schedule,
    service: ServiceRow,
    new: Collection[PlannedSlot],
    province: str | None,
    at: datetime,
) -> None:
    rows = [
        {
            "id": new_row_id(),
            "schedule_id": schedule.id,
            "facility_code": schedule.facility_code,
            "province": province,
            "service_id": service.id,
            "service_code": service.code,
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
            "opens_at": slot.opens_at,
            "closes_at": slot.closes_at,
            "capacity": slot.capacity,
            "status": "open",
            "created_at": at,
        }
        for slot in new
    ]
    conflict = "ON CONFLICT (schedule_id, starts_at) DO NOTHING"
    insert_rows(session, Slot, rows, conflict=conflict)
    session.execute(_SEATS, {"slots": [row["id"] for row in rows]})


def trim(session: Session, at: datetime) -> int:
    """Delete slots and seats of days that are over; bookings keep their own times. How many slots.

    By facility, since that is how past slots are indexed.
    """
    return len(session.execute(_PASSED, {"before": at - KEPT}).all())
