"""Who works at a clinic: public, written by its desk."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from phr_api.clinics import queries
from phr_api.clinics.models import Practitioner
from phr_api.clinics.routes.blueprint import CODE, DESK, blp, keep_for
from phr_api.clinics.schemas.offering import (
    NewPractitionerSchema,
    PractitionerSchema,
    PractitionersSchema,
)
from phr_api.clinics.service import offering
from phr_api.consent import open_facility
from phr_api.identity import current_principal
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt


@blp.route(f"/facilities/{CODE}/practitioners")
class Practitioners(MethodView):
    @blp.public
    @blp.response(200, PractitionersSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List who works at a facility, with the numbers of their licences"""
        with unit_of_work() as session:
            queries.get_facility(session, code)
            found = queries.find_practitioners(session, code)
        keep_for(60)
        return {"items": found}

    @blp.etag
    @blp.idempotent
    @blp.arguments(NewPractitionerSchema)
    @blp.response(201, PractitionerSchema)
    def post(self, new: offering.NewPractitioner, code: str) -> Any:
        """List somebody who works here"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            scope = open_facility(session, principal, code, roles=DESK)

            def create() -> Created[Practitioner]:
                row = offering.add_practitioner(session, scope, new)
                location = f"/v1/facilities/{code}/practitioners/{row.id}"
                return Created(entity=row, reference=str(row.id), location=location)

            row, status, headers = once(
                session,
                attempt,
                create=create,
                again=lambda one: queries.get_practitioner(session, code, UUID(one)),
            )
            blp.tell_version(row)
            return row, status, headers


@blp.route(f"/facilities/{CODE}/practitioners/<uuid:practitioner_id>")
class PractitionerById(MethodView):
    @blp.public
    @blp.etag
    @blp.response(200, PractitionerSchema)
    def get(self, code: str, practitioner_id: UUID) -> Practitioner:
        """Read one practitioner"""
        with unit_of_work() as session:
            row = queries.get_practitioner(session, code, practitioner_id)
        blp.tell_version(row)
        return row

    @blp.etag
    @blp.arguments(NewPractitionerSchema)
    @blp.response(200, PractitionerSchema)
    def put(self, new: offering.NewPractitioner, code: str, practitioner_id: UUID) -> Practitioner:
        """List somebody with other words"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = queries.get_practitioner(session, code, practitioner_id)
            blp.check_version(row)
            offering.change_practitioner(session, scope, row, new)
            blp.tell_version(row)
            return row

    @blp.etag
    @blp.response(204)
    def delete(self, code: str, practitioner_id: UUID) -> None:
        """List somebody no more"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = queries.get_practitioner(session, code, practitioner_id)
            blp.check_version(row)
            offering.end_practitioner(session, scope, row)
