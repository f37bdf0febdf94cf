"""Schedules and their exceptions, as a desk writes them; a lost session moves its people.

What a change drops is closed in the same transaction, so that nobody books it any more; the new
slots are the worker's, a moment later.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.appointments.models import Booking, Schedule, ScheduleException
from phr_api.appointments.problems.slots import ScheduleInvalid
from phr_api.appointments.queries import plans
from phr_api.appointments.queries.slots import find_next_free
from phr_api.appointments.rules import patterns
from phr_api.appointments.rules.patterns import Plan
from phr_api.appointments.service import moving, slots
from phr_api.clinics import FacilitiesChanged, ServiceChanged, find_practitioners_of, find_service
from phr_api.consent import FacilityScope
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotFound

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NewException:
    """Closed days of a schedule, a practitioner or the facility, or extra hours of a schedule."""

    schedule_id: UUID | None = None
    practitioner_id: UUID | None = None
    kind: str
    from_on: date
    until_on: date
    starts: time | None = None
    ends: time | None = None
    capacity: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """A change of one schedule, or none, whose bookings are offered other times at once."""

    schedule_id: UUID
    exception: NewException | None = None
    schedule: Plan | None = None
    preview: bool = False


def add_schedule(session: Session, scope: FacilityScope, plan: Plan) -> Schedule:
    """Give a service at these hours. Raises ScheduleInvalid."""
    _check(session, scope, plan)
    at = clock.now()
    row = Schedule(
        id=new_row_id(),
        facility_code=scope.facility_code,
        due_at=at,
        created_at=at,
        **_values(plan),
    )
    session.add(row)
    session.flush()  # its version is the answer's
    _trace(session, scope, "schedule.add", row.id)
    return row


def change_schedule(session: Session, scope: FacilityScope, row: Schedule, plan: Plan) -> None:
    """Give the service at other hours; slots that fall away are closed. Raises ScheduleInvalid.

    The service stays: another service is another schedule.
    """
    _check(session, scope, plan)
    if plan.service_id != row.service_id:
        raise ScheduleInvalid(errors={"json": {"serviceId": ["Cannot change."]}})
    for name, value in _values(plan).items():
        setattr(row, name, value)
    row.due_at = clock.now()
    session.flush()
    close_dropped(session, [row])
    _trace(session, scope, "schedule.change", row.id)


def end_schedule(session: Session, scope: FacilityScope, row: Schedule) -> None:
    """Give the service at these hours no more: all its slots to come are closed."""
    at = clock.now()
    dropped = slots.differ(session, row.id, {}, at).unwanted
    slots.close(session, dropped)
    row.ended_at = at
    session.flush()
    _trace(session, scope, "schedule.end", row.id)


def add_exception(session: Session, scope: FacilityScope, new: NewException) -> ScheduleException:
    """Close days, or give extra hours; slots that fall away are closed. Raises ScheduleInvalid."""
    concerned = _concerned(session, scope, new)
    _check_exception(new)
    row = ScheduleException(
        id=new_row_id(),
        facility_code=scope.facility_code,
        created_by=scope.actor.id,
        created_at=clock.now(),
        **asdict(new),
    )
    session.add(row)
    session.flush()  # the plans are read anew with it
    _make_due(concerned)
    close_dropped(session, concerned)
    _trace(session, scope, "schedule-exception.add", row.id)
    return row


def end_exception(session: Session, scope: FacilityScope, row: ScheduleException) -> None:
    """Take an exception back: the worker opens the days again, or drops the extra hours."""
    concerned = _schedules_of(session, scope, row.schedule_id, row.practitioner_id)
    row.ended_at = clock.now()
    session.flush()
    _make_due(concerned)
    close_dropped(session, concerned)
    _trace(session, scope, "schedule-exception.end", row.id)


def close_dropped(session: Session, schedules: Iterable[Schedule]) -> None:
    """Close the slots that these schedules do not have any more; the caller holds their locks."""
    at = clock.now()
    for schedule in schedules:
        service = find_service(session, schedule.service_id)
        if service is not None:
            wanted = slots.planned(session, schedule, service, at)
            slots.close(session, slots.differ(session, schedule.id, wanted, at).unwanted)


def replan(session: Session, scope: FacilityScope, change: Replan) -> plans.Replanned:
    """Change a schedule and offer its people other times, each in order of who booked first.

    The schedule's other hours of the same days are among them. They keep their seats until they
    answer; who cannot be placed is listed for the desk to call. Without a change those of its times
    that are closed already, though the schedule has ended. Raises ScheduleInvalid.
    """
    is_changed = change.schedule is not None or change.exception is not None
    schedule = _own(session, scope, change.schedule_id, may_be_over=not is_changed)
    if change.schedule is not None:
        change_schedule(session, scope, schedule, change.schedule)
    if change.exception is not None:
        closing = asdict(change.exception) | {
            "schedule_id": schedule.id,
            "practitioner_id": None,
        }
        add_exception(session, scope, NewException(**closing))
    at = clock.now()
    stranded = plans.find_stranded(session, schedule.id, at=at)
    days = {booking.starts_at.astimezone(clock.VIETNAM).date() for booking in stranded}
    if schedule.ended_at is None:
        slots.add_missing(session, schedule, days, at)
    for booking in stranded:
        _offer(session, booking, at)
    people = {booking.profile_id for booking in stranded if booking.profile_id is not None}
    _trace(session, scope, "schedule.replan", schedule.id, people)
    return plans.find_replanned(session, schedule.id, at=at)


def _offer(session: Session, row: Booking, at: datetime) -> None:
    """The nearest times from its own on; where there are none, the nearest from now on."""
    free = find_next_free(
        session, row.service_id, after=max(row.starts_at, at), at=at, limit=ALTERNATIVES
    )
    if len(free) < ALTERNATIVES:
        known = {slot.id for slot in free}
        sooner = find_next_free(session, row.service_id, after=at, at=at, limit=ALTERNATIVES)
        free += [slot for slot in sooner if slot.id not in known]
    moving.offer_alternatives(session, row, free[:ALTERNATIVES])


def on_service_changed(session: Session, event: ServiceChanged) -> None:
    """Bring the slots of a service whose rules have changed up to date at once."""
    plans.make_service_due(session, event.service_id, clock.now())


def on_facilities_changed(session: Session, event: FacilitiesChanged) -> None:
    """Bring the slots of facilities that the directory describes anew to where they are now."""
    plans.make_facilities_due(session, event.codes, clock.now())


def _check(session: Session, scope: FacilityScope, plan: Plan) -> None:
    found = patterns.faults(plan)
    service = find_service(session, plan.service_id)
    if service is None or service.facility_code != scope.facility_code or service.ended_at:
        found["serviceId"] = ["No service of this facility."]
    if plan.practitioner_id is not None and plan.practitioner_id not in _staff(session, scope):
        found["practitionerId"] = ["Not listed at this facility."]
    if found:
        raise ScheduleInvalid(errors={"json": found})


def _staff(session: Session, scope: FacilityScope) -> set[UUID]:
    return find_practitioners_of(session, scope.facility_code)


def _check_exception(new: NewException) -> None:
    found: dict[str, list[str]] = {}
    if new.until_on < new.from_on:
        found["untilOn"] = ["Before fromOn."]
    if new.kind == "extra":
        if new.schedule_id is None:
            found["scheduleId"] = ["Needed for extra hours."]
        if new.starts is None or new.ends is None or new.starts >= new.ends:
            found["ends"] = ["Extra hours need starts, and ends after it."]
    elif new.starts or new.ends or new.capacity:
        found["starts"] = ["Closed is the whole day."]
    if found:
        raise ScheduleInvalid(errors={"json": found})


def _concerned(session: Session, scope: FacilityScope, new: NewException) -> list[Schedule]:
    if new.practitioner_id is not None and new.practitioner_id not in _staff(session, scope):
        raise ScheduleInvalid(errors={"json": {"practitionerId": ["Not listed here."]}})
    return _schedules_of(session, scope, new.schedule_id, new.practitioner_id)


def _schedules_of(
    session: Session,
    scope: FacilityScope,
    schedule_id: UUID | None,
    practitioner_id: UUID | None,
) -> list[Schedule]:
    if schedule_id is not None:
        return [_own(session, scope, schedule_id)]
    return plans.lock_schedules(session, scope.facility_code, practitioner_id=practitioner_id)


def _own(
    session: Session, scope: FacilityScope, schedule_id: UUID, *, may_be_over: bool = False
) -> Schedule:
    """The schedule that a body names, locked."""
    try:
        return plans.get_schedule(
            session, scope.facility_code, schedule_id, is_locked=True, may_be_over=may_be_over
        )
    except NotFound as error:
        missing = {"scheduleId": ["No schedule of this facility."]}
        raise ScheduleInvalid(errors={"json": missing}) from error


def _make_due(schedules: Iterable[Schedule]) -> None:
    at = clock.now()
    for schedule in schedules:
        schedule.due_at = at


def _values(plan: Plan) -> dict[str, Any]:
    lists = {name: list(getattr(plan, name)) for name in ("weekdays", "month_days", "nths")}
    return {name: getattr(plan, name) for name in plans.PLAN_FIELDS} | lists


def _trace(
    session: Session,
    scope: FacilityScope,
    action: str,
    what: UUID,
    people: Collection[UUID] = (),
) -> None:
    details = {"id": str(what)}
    audit.record(session, scope.actor, action=action, subjects=people, details=details)
