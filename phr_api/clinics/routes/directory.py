"""Facilities, code lists, holidays."""

from datetime import date
from typing import Any

from flask.views import MethodView
from marshmallow import RAISE

from phr_api.clinics import queries
from phr_api.clinics.routes.blueprint import CODE, blp, keep_for
from phr_api.clinics.schemas.directory import (
    ChangedFacilitySchema,
    CodePageSchema,
    CodeQuerySchema,
    FacilityPageSchema,
    FacilitySchema,
    FacilitySearchSchema,
    HolidayQuerySchema,
    HolidaysSchema,
    NewFacilitySchema,
)
from phr_api.clinics.service import NewFacility, loading
from phr_api.consent import open_directory
from phr_api.identity import current_principal
from phr_api.kit import clock, cursor
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.problems import NotFound
from phr_api.kit.web import current_attempt
from phr_api.vocab import search_key

FACILITIES = "facilities"
CODES = "codes"


@blp.route("/facilities")
class Facilities(MethodView):
    @blp.public
    @blp.arguments(FacilitySearchSchema, location="query", unknown=RAISE)
    @blp.response(200, FacilityPageSchema)
    def get(self, search: dict[str, Any]) -> dict[str, Any]:
        """Search facilities by words without diacritics, by province and by what they offer"""
        after = tuple(cursor.decode(FACILITIES, search["after"])) if search["after"] else None
        wanted = queries.FacilitySearch(
            words=search_key(search["q"]).split(),
            province=search["province"],
            service=search_key(search["service"]).split(),
        )
        with unit_of_work() as session:
            found = queries.find_facilities(session, wanted, limit=search["limit"] + 1, after=after)
        page, rest = found[: search["limit"]], found[search["limit"] :]
        keep_for(300)
        last = page[-1] if rest else None
        return {
            "items": page,
            "next": cursor.encode(FACILITIES, last.search_key, last.code) if last else None,
        }

    @blp.etag
    @blp.idempotent
    @blp.arguments(NewFacilitySchema)
    @blp.response(201, FacilitySchema)
    def post(self, new: dict[str, Any]) -> Any:
        """Add a facility to the directory, as a system with the scope facilities.write"""
        principal = current_principal()
        attempt = current_attempt(principal.principal_id)
        with unit_of_work() as session:
            scope = open_directory(session, principal)

            def create() -> Created[queries.FacilityRow]:
                loading.add_facility(session, scope, NewFacility(**new))
                row = queries.get_facility(session, new["code"])
                return Created(
                    entity=row, reference=row.code, location=f"/v1/facilities/{row.code}"
                )

            row, status, headers = once(
                session,
                attempt,
                create=create,
                again=lambda code: queries.get_facility(session, code),
            )
        blp.tell_version(row)
        return row, status, headers


@blp.route(f"/facilities/{CODE}")
class FacilityByCode(MethodView):
    @blp.public
    @blp.etag
    @blp.response(200, FacilitySchema)
    def get(self, code: str) -> queries.FacilityRow:
        """Read one facility"""
        with unit_of_work() as session:
            found = queries.get_facility(session, code)
        keep_for(300)
        blp.tell_version(found)
        return found

    @blp.etag
    @blp.arguments(ChangedFacilitySchema)
    @blp.response(200, FacilitySchema)
    def put(self, new: dict[str, Any], code: str) -> queries.FacilityRow:
        """Describe a facility of the directory anew; its code stays"""
        with unit_of_work() as session:
            scope = open_directory(session, current_principal())
            known = queries.get_facility(session, code)
            blp.check_version(known)
            loading.change_facility(session, scope, known, NewFacility(code=code, **new))
            row = queries.get_facility(session, code)
        blp.tell_version(row)
        return row


@blp.route("/codes/<string(maxlength=40):system>")
@blp.public
@blp.arguments(CodeQuerySchema, location="query", unknown=RAISE)
@blp.response(200, CodePageSchema)
def list_codes(page: dict[str, Any], system: str) -> dict[str, Any]:
    """List the current version of a code list, in order of code"""
    kind = f"{CODES}/{system}"
    after = str(cursor.decode(kind, page["after"])[0]) if page["after"] else None
    with unit_of_work() as session:
        lists = queries.find_code_lists(session, system)
        if not lists or not lists[0].is_current:
            raise NotFound
        found = queries.find_codes(session, system, limit=page["limit"] + 1, after=after)
    items, rest = found[: page["limit"]], found[page["limit"] :]
    keep_for(300)
    return {
        "system": system,
        "version": lists[0].version,
        "items": items,
        "next": cursor.encode(kind, items[-1].code) if rest else None,
    }


@blp.route("/holidays")
@blp.public
@blp.arguments(HolidayQuerySchema, location="query", unknown=RAISE)
@blp.response(200, HolidaysSchema)
def list_holidays(asked: dict[str, Any]) -> dict[str, Any]:
    """List the public holidays of a year, or of this one"""
    year = asked["year"] or clock.today().year
    with unit_of_work() as session:
        found = queries.find_holidays(session, date(year, 1, 1), date(year, 12, 31))
    keep_for(300)
    items = [{"on": row.on_date, "name": row.name_vi, "name_en": row.name_en} for row in found]
    return {"items": items}
