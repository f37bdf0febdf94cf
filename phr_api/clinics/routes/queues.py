"""The lines of a clinic, as its desk opens and names them; appointments runs them."""

from typing import Any
from uuid import UUID

from phr_api.clinics import queries
from phr_api.clinics.models import ClinicQueue
from phr_api.clinics.routes.blueprint import CODE, DESK, blp
from phr_api.clinics.schemas.offering import ClinicQueueSchema, NewQueueSchema
from phr_api.clinics.service import offering
from phr_api.consent import open_facility
from phr_api.identity import current_principal
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt


@blp.route(f"/facilities/{CODE}/queues", methods=["POST"])
@blp.idempotent
@blp.arguments(NewQueueSchema)
@blp.response(201, ClinicQueueSchema)
def add_queue(new: offering.NewQueue, code: str) -> Any:
    """Open a line that people wait in"""
    principal = current_principal()
    attempt = current_attempt(principal.principal_id)
    with unit_of_work() as session:
        scope = open_facility(session, principal, code, roles=DESK)

        def create() -> Created[ClinicQueue]:
            row = offering.add_queue(session, scope, new)
            return Created(entity=row, reference=str(row.id), location=None)

        return once(
            session,
            attempt,
            create=create,
            again=lambda queue_id: queries.get_queue(session, code, UUID(queue_id)),
        )


@blp.route(f"/facilities/{CODE}/queues/<uuid:queue_id>", methods=["PUT"])
@blp.arguments(NewQueueSchema)
@blp.response(200, ClinicQueueSchema)
def change_queue(new: offering.NewQueue, code: str, queue_id: UUID) -> ClinicQueue:
    """Describe a line anew"""
    with unit_of_work() as session:
        scope = open_facility(session, current_principal(), code, roles=DESK)
        row = queries.get_queue(session, code, queue_id)
        offering.change_queue(session, scope, row, new)
        return row
