"""Schedules, exceptions and replans, as a clinic's desk writes them and its staff reads them."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.appointments.models import Schedule, ScheduleException
from phr_api.appointments.queries import plans
from phr_api.appointments.routes.blueprint import slots_blp
from phr_api.appointments.rules.patterns import Plan
from phr_api.appointments.schemas.schedules import (
    ExceptionSchema,
    ExceptionsSchema,
    NewExceptionSchema,
    NewScheduleSchema,
    ReplannedSchema,
    ReplanSchema,
    ScheduleSchema,
    SchedulesSchema,
)
from phr_api.appointments.service import schedules
from phr_api.consent import FacilityRole, open_facility
from phr_api.identity import current_principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt

DESK: frozenset[FacilityRole] = frozenset({"desk"})
READERS: frozenset[FacilityRole] = frozenset({"desk", "doctor", "viewer"})
PLACE = "/facilities/<string(length=5):code>"


@slots_blp.route(f"{PLACE}/schedules")
class Schedules(MethodView):
    @slots_blp.response(200, SchedulesSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List a facility's schedules"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            return {"items": plans.find_schedules(session, scope.facility_code)}

    @slots_blp.etag
    @slots_blp.idempotent
    @slots_blp.arguments(NewScheduleSchema)
    @slots_blp.response(201, ScheduleSchema)
    def post(self, plan: Plan, code: str) -> Any:
        """Give a service at these hours; its slots are there a moment later"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            scope = open_facility(session, principal, code, roles=DESK)

            def create() -> Created[Schedule]:
                row = schedules.add_schedule(session, scope, plan)
                location = f"/v1/facilities/{code}/schedules/{row.id}"
                return Created(entity=row, reference=str(row.id), location=location)

            row, status, headers = once(
                session,
                attempt,
                create=create,
                again=lambda one: plans.get_schedule(session, code, UUID(one)),
            )
            slots_blp.tell_version(row)
            return row, status, headers


@slots_blp.route(f"{PLACE}/schedules/<uuid:schedule_id>")
class ScheduleById(MethodView):
    @slots_blp.etag
    @slots_blp.response(200, ScheduleSchema)
    def get(self, code: str, schedule_id: UUID) -> Schedule:
        """Read one schedule"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            row = plans.get_schedule(session, scope.facility_code, schedule_id)
            slots_blp.tell_version(row)
            return row

    @slots_blp.etag
    @slots_blp.arguments(NewScheduleSchema)
    @slots_blp.response(200, ScheduleSchema)
    def put(self, plan: Plan, code: str, schedule_id: UUID) -> Schedule:
        """Give the service at other hours; bookings in slots that fall away stay where they are"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = plans.get_schedule(session, code, schedule_id, is_locked=True)
            slots_blp.check_version(row)
            schedules.change_schedule(session, scope, row, plan)
            slots_blp.tell_version(row)
            return row

    @slots_blp.etag
    @slots_blp.response(204)
    def delete(self, code: str, schedule_id: UUID) -> None:
        """Give the service at these hours no more"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = plans.get_schedule(session, code, schedule_id, is_locked=True)
            slots_blp.check_version(row)
            schedules.end_schedule(session, scope, row)


@slots_blp.route(f"{PLACE}/exceptions")
class Exceptions(MethodView):
    @slots_blp.response(200, ExceptionsSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List closed days and extra hours that have not passed"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=READERS)
            return {"items": plans.find_exceptions(session, scope.facility_code, clock.today())}

    @slots_blp.idempotent
    @slots_blp.arguments(NewExceptionSchema)
    @slots_blp.response(201, ExceptionSchema)
    def post(self, new: schedules.NewException, code: str) -> Any:
        """Close days, or give extra hours"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            scope = open_facility(session, principal, code, roles=DESK)

            def create() -> Created[ScheduleException]:
                row = schedules.add_exception(session, scope, new)
                return Created(entity=row, reference=str(row.id), location=None)

            return once(
                session,
                attempt,
                create=create,
                again=lambda one: plans.get_exception(session, code, UUID(one)),
            )


@slots_blp.route(f"{PLACE}/exceptions/<uuid:exception_id>", methods=["DELETE"])
@slots_blp.response(204)
def end_exception(code: str, exception_id: UUID) -> None:
    """Take closed days or extra hours back"""
    with unit_of_work() as session:
        scope = open_facility(session, current_principal(), code, roles=DESK)
        row = plans.get_exception(session, code, exception_id)
        schedules.end_exception(session, scope, row)


@slots_blp.route(f"{PLACE}/replans", methods=["POST"])
@slots_blp.idempotent
@slots_blp.arguments(ReplanSchema)
@slots_blp.response(201, ReplannedSchema)
def replan(change: schedules.Replan, code: str) -> Any:
    """Change or close a session and offer everybody in it another time, in one action"""
    principal = current_principal()
    attempt = current_attempt(principal.principal_id)
    with unit_of_work() as session:
        scope = open_facility(session, principal, code, roles=DESK)
        if change.preview:
            with session.begin_nested() as tried:
                would = schedules.replan(session, scope, change)
                tried.rollback()
            return would, 201, {}

        def create() -> Created[plans.Replanned]:
            done = schedules.replan(session, scope, change)
            return Created(entity=done, reference=str(change.schedule_id), location=None)

        return once(
            session,
            attempt,
            create=create,
            again=lambda one: plans.find_replanned(session, UUID(one), at=clock.now()),
        )
