"""Reads of schedules, their exceptions and the holidays, for making slots and for the desk."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Schedule, ScheduleException, Seat, Slot
from phr_api.appointments.rules.patterns import Dated, Plan
from phr_api.clinics import find_holidays
from phr_api.kit.problems import NotFound

PLAN_FIELDS = tuple(field.name for field in fields(Plan))
_FACILITIES_DUE = text("SELECT facilities_due(:codes, :at)")


def plan_of(schedule: Schedule) -> Plan:
    """Return what the schedule says, for the rules."""
    return Plan(**{name: getattr(schedule, name) for name in PLAN_FIELDS})


def find_schedules(session: Session, facility_code: str) -> list[Schedule]:
    """Return the facility's schedules that have not ended, by name."""
    query = select(Schedule).where(
        Schedule.facility_code == facility_code, Schedule.ended_at.is_(None)
    )
    return list(session.scalars(query.order_by(Schedule.name, Schedule.id)))


def get_schedule(
    session: Session,
    facility_code: str,
    schedule_id: UUID,
    *,
    is_locked: bool = False,
    may_be_over: bool = False,
) -> Schedule:
    """Return this facility's schedule, or raise NotFound; `is_locked`: until the end, for a change.

    The job that makes its slots waits for the lock, and so does another desk. `may_be_over`: one
    that was ended, too.
    """
    query = select(Schedule).where(
        Schedule.id == schedule_id, Schedule.facility_code == facility_code
    )
    if not may_be_over:
        query = query.where(Schedule.ended_at.is_(None))
    if is_locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def lock_schedules(
    session: Session, facility_code: str, *, practitioner_id: UUID | None = None
) -> list[Schedule]:
    """Lock the live schedules of a facility, or of one practitioner there, in order of id."""
    query = select(Schedule).where(
        Schedule.facility_code == facility_code, Schedule.ended_at.is_(None)
    )
    if practitioner_id is not None:
        query = query.where(Schedule.practitioner_id == practitioner_id)
    locked = query.order_by(Schedule.id).with_for_update()
    return list(session.scalars(locked.execution_options(populate_existing=True)))


def find_exceptions(session: Session, facility_code: str, since: date) -> list[ScheduleException]:
    """Return exceptions that have not ended or passed, the nearest first.

    Walks ix_schedule_exception_facility_code_until_on.
    """
    query = select(ScheduleException).where(
        ScheduleException.facility_code == facility_code,
        ScheduleException.until_on >= since,
        ScheduleException.ended_at.is_(None),
    )
    ordered = query.order_by(ScheduleException.from_on, ScheduleException.id)
    return list(session.scalars(ordered))


def get_exception(session: Session, facility_code: str, exception_id: UUID) -> ScheduleException:
    """Return this facility's exception that has not ended, or raise NotFound."""
    query = select(ScheduleException).where(
        ScheduleException.id == exception_id,
        ScheduleException.facility_code == facility_code,
        ScheduleException.ended_at.is_(None),
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def find_dated(session: Session, schedule: Schedule, since: date) -> list[Dated]:
    """Return the exceptions of a schedule: its own, its practitioner's, its facility's."""
    whose = [
        ScheduleException.schedule_id == schedule.id,
        ScheduleException.schedule_id.is_(None) & ScheduleException.practitioner_id.is_(None),
    ]
    if schedule.practitioner_id is not None:
        whose.append(ScheduleException.practitioner_id == schedule.practitioner_id)
    query = select(ScheduleException).where(
        ScheduleException.facility_code == schedule.facility_code,
        ScheduleException.until_on >= since,
        ScheduleException.ended_at.is_(None),
        or_(*whose),
    )
    return [dated_of(row) for row in session.scalars(query)]


def dated_of(row: ScheduleException) -> Dated:
    """Return an exception as the rules take it."""
    return Dated(
        kind="closed" if row.kind == "closed" else "extra",
        from_on=row.from_on,
        until_on=row.until_on,
        starts=row.starts,
        ends=row.ends,
        capacity=row.capacity,
    )


def find_holiday_days(session: Session, since: date, until: date) -> set[date]:
    """Return the public holidays from `since` to `until`, both included."""
    return {holiday.on_date for holiday in find_holidays(session, since, until)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A booking that was offered another time."""

    booking_id: UUID
    proposed_starts_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What became of a schedule's closed slots and of who sits in them."""

    closed_slots: int
    removed_free: int
    moved: list[Moved]
    unplaced: list[UUID]


def find_stranded(session: Session, schedule_id: UUID, *, at: datetime) -> list[Booking]:
    """Return open bookings in closed slots of a schedule that were offered nothing yet.

    Who booked first comes first.
    """
    query = _on_closed(schedule_id, at).where(Booking.proposal_until.is_(None))
    return list(session.scalars(query.order_by(Booking.created_at, Booking.id)))


def find_replanned(session: Session, schedule_id: UUID, *, at: datetime) -> Replanned:
    """Return what there is now of a schedule's closed slots to come."""
    closed = _closed(schedule_id, at)
    count = session.scalar(select(func.count()).select_from(closed.subquery())) or 0
    free = select(func.count()).select_from(Seat)
    free = free.where(Seat.slot_id.in_(closed), Seat.booking_id.is_(None))
    moved, unplaced = [], []
    query = _on_closed(schedule_id, at).order_by(Booking.created_at, Booking.id)
    for row in session.scalars(query):
        if row.proposed_starts_at is None or row.proposal_until is None:
            unplaced.append(row.id)
        else:
            offered = {"proposed_starts_at": row.proposed_starts_at, "until": row.proposal_until}
            moved.append(Moved(booking_id=row.id, **offered))
    return Replanned(
        closed_slots=count,
        removed_free=session.scalar(free) or 0,
        moved=moved,
        unplaced=unplaced,
    )


def _closed(schedule_id: UUID, at: datetime) -> Select[UUID]:
    return select(Slot.id).where(
        Slot.schedule_id == schedule_id, Slot.status == "closed", Slot.starts_at > at
    )


def _on_closed(schedule_id: UUID, at: datetime) -> Select[Booking]:
    return select(Booking).where(
        Booking.slot_id.in_(_closed(schedule_id, at)),
        Booking.state.in_(("requested", "confirmed")),
    )


def make_service_due(session: Session, service_id: UUID, at: datetime) -> None:
    """Let the worker make the slots of this service's schedules anew at once."""
    due = update(Schedule).where(Schedule.service_id == service_id, Schedule.ended_at.is_(None))
    session.execute(due.values(due_at=at))


def make_facilities_due(session: Session, codes: Sequence[str], at: datetime) -> None:
    """Let the worker make the slots of these facilities anew at once.

    By a definer function: who writes the directory has no right over their schedules.
    """
    session.execute(_FACILITIES_DUE, {"codes": list(codes), "at": at})


def make_all_due(session: Session, at: datetime) -> None:
    """Let the worker make all slots anew at once, as when holidays were loaded."""
    session.execute(update(Schedule).where(Schedule.ended_at.is_(None)).values(due_at=at))
