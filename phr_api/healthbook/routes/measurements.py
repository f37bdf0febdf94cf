"""Values measured at home: entered in batches, each under the phone's own id."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from phr_api.healthbook import queries, service
from phr_api.healthbook.queries import wire
from phr_api.healthbook.routes.answers import items, opened, page, start_of
from phr_api.healthbook.routes.blueprint import blp, query
from phr_api.healthbook.routes.entry import change, read, withdraw
from phr_api.healthbook.schemas import (
    ChangedMeasurementSchema,
    MeasurementBatchSchema,
    MeasurementPageSchema,
    MeasurementQuerySchema,
    MeasurementSchema,
    MeasurementsSchema,
)
from phr_api.identity import current_principal
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt

KIND = "t.status = 'current' AND (CAST(:of_kind AS text) IS NULL OR t.kind = :of_kind)"


@blp.route("/measurements")
class Measurements(MethodView):
    @query(MeasurementQuerySchema)
    @blp.response(200, MeasurementPageSchema)
    def get(self, wanted: dict[str, Any], profile_id: UUID) -> Response:
        """List measurements, last taken first"""
        name = f"measurements/{profile_id}/{wanted['kind']}"
        with opened(profile_id, "measurement.list") as (session, scope):
            lines = queries.find_lines(
                session,
                scope,
                wire.MEASUREMENT,
                where=KIND,
                limit=wanted["limit"] + 1,
                before=start_of(name, wanted["before"]),
                of_kind=wanted["kind"],
            )
        return page(lines, wanted["limit"], name)

    @blp.idempotent
    @blp.arguments(MeasurementBatchSchema)
    @blp.response(201, MeasurementsSchema)
    def post(self, batch: dict[str, list[service.NewMeasurement]], profile_id: UUID) -> Any:
        """Enter up to 100 measurements

        All or nothing. A `clientId` that this account sent before is the same measurement: it is
        answered as it is now, and not entered again.
        """
        with opened(profile_id, "measurement.create") as (session, scope):

            def create() -> Created[list[UUID]]:
                ids = service.add_measurements(session, scope, batch["items"])
                return Created(entity=ids, reference=",".join(map(str, ids)), location=None)

            ids, status, headers = once(
                session,
                current_attempt(current_principal().principal_id),
                create=create,
                again=lambda reference: [UUID(id_) for id_ in reference.split(",")],
            )
            found = queries.find_by_ids(session, scope, wire.MEASUREMENT, ids)
        return items([found[id_] for id_ in ids if id_ in found], status), status, headers


@blp.route("/measurements/<uuid:entry_id>")
class MeasurementById(MethodView):
    @blp.etag
    @blp.response(200, MeasurementSchema)
    def get(self, profile_id: UUID, entry_id: UUID) -> Response:
        """Read one measurement"""
        return read(profile_id, wire.MEASUREMENT, entry_id)

    @blp.etag
    @blp.arguments(ChangedMeasurementSchema)
    @blp.response(200, MeasurementSchema)
    def put(self, new: service.NewMeasurement, profile_id: UUID, entry_id: UUID) -> Response:
        """Replace one measurement"""
        return change(profile_id, wire.MEASUREMENT, entry_id, new)

    @blp.etag
    @blp.response(204)
    def delete(self, profile_id: UUID, entry_id: UUID) -> None:
        """Take back a measurement that was entered by mistake"""
        withdraw(profile_id, wire.MEASUREMENT, entry_id)
