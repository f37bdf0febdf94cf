"""What clinics offer: found by everybody, written by their desks."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import RAISE

from phr_api.clinics import queries
from phr_api.clinics.models import ClinicService
from phr_api.clinics.routes.blueprint import CODE, DESK, blp, keep_for
from phr_api.clinics.schemas.offering import (
    ChangedServiceSchema,
    NewServiceSchema,
    ServicePageSchema,
    ServiceSchema,
    ServiceSearchSchema,
    ServicesSchema,
)
from phr_api.clinics.service import offering
from phr_api.consent import open_facility
from phr_api.identity import current_principal
from phr_api.kit import cursor
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt
from phr_api.vocab import search_key

SERVICES = "services"


@blp.route("/services")
@blp.public
@blp.arguments(ServiceSearchSchema, location="query", unknown=RAISE)
@blp.response(200, ServicePageSchema)
def search_services(search: dict[str, Any]) -> dict[str, Any]:
    """Search what all clinics offer, by words without diacritics and by province"""
    after = tuple(cursor.decode(SERVICES, search["after"])) if search["after"] else None
    wanted = queries.ServiceSearch(
        words=search_key(search["q"]).split(),
        province=search["province"],
        facility=search["facility"],
        kind=search["kind"],
    )
    with unit_of_work() as session:
        found = queries.search_services(session, wanted, limit=search["limit"] + 1, after=after)
    page, rest = found[: search["limit"]], found[search["limit"] :]
    keep_for(60)
    last = page[-1] if rest else None
    following = cursor.encode(SERVICES, last.search_key, last.id) if last else None
    return {"items": page, "next": following}


@blp.route(f"/facilities/{CODE}/services")
class Services(MethodView):
    @blp.public
    @blp.response(200, ServicesSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List what a facility offers"""
        with unit_of_work() as session:
            queries.get_facility(session, code)
            found = queries.list_services(session, code)
        keep_for(60)
        return {"items": found}

    @blp.etag
    @blp.idempotent
    @blp.arguments(NewServiceSchema)
    @blp.response(201, ServiceSchema)
    def post(self, new: offering.NewService, code: str) -> Any:
        """Offer a service"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            scope = open_facility(session, principal, code, roles=DESK)

            def create() -> Created[ClinicService]:
                row = offering.add_service(session, scope, new)
                location = f"/v1/facilities/{code}/services/{row.id}"
                return Created(entity=row, reference=str(row.id), location=location)

            row, status, headers = once(
                session,
                attempt,
                create=create,
                again=lambda service_id: queries.get_service(session, code, UUID(service_id)),
            )
            session.flush()  # the version is the answer's
            blp.tell_version(row)
            return row, status, headers


@blp.route(f"/facilities/{CODE}/services/<uuid:service_id>")
class ServiceById(MethodView):
    @blp.public
    @blp.etag
    @blp.response(200, ServiceSchema)
    def get(self, code: str, service_id: UUID) -> ClinicService:
        """Read one service"""
        with unit_of_work() as session:
            row = queries.get_service(session, code, service_id)
        blp.tell_version(row)
        return row

    @blp.etag
    @blp.arguments(ChangedServiceSchema)
    @blp.response(200, ServiceSchema)
    def put(self, new: offering.NewService, code: str, service_id: UUID) -> ClinicService:
        """Describe a service anew; its code stays"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = queries.get_service(session, code, service_id)
            blp.check_version(row)
            offering.change_service(session, scope, row, new)
            blp.tell_version(row)
            return row

    @blp.etag
    @blp.response(204)
    def delete(self, code: str, service_id: UUID) -> None:
        """Offer a service no more; what is booked stays"""
        with unit_of_work() as session:
            scope = open_facility(session, current_principal(), code, roles=DESK)
            row = queries.get_service(session, code, service_id)
            blp.check_version(row)
            offering.end_service(session, scope, row)
