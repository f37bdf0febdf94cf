"""Allergies and illnesses that people enter themselves, apart from what hospitals sent."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook import queries, service
from phr_api.healthbook.models import Entry
from phr_api.healthbook.queries import Kind, wire
from phr_api.healthbook.routes.answers import items, opened
from phr_api.healthbook.routes.blueprint import blp
from phr_api.healthbook.routes.entry import change, read, shown, withdraw
from phr_api.healthbook.schemas import (
    AllergiesSchema,
    AllergySchema,
    ConditionSchema,
    ConditionsSchema,
    NewAllergySchema,
    NewConditionSchema,
)
from phr_api.identity import current_principal
from phr_api.kit.idempotency import Created, once
from phr_api.kit.web import current_attempt

MOST_ENTRIES = 500


@blp.route("/allergies")
class Allergies(MethodView):
    @blp.response(200, AllergiesSchema)
    def get(self, profile_id: UUID) -> Response:
        """List allergies, last entered first"""
        return _list(profile_id, wire.ALLERGY)

    @blp.etag
    @blp.idempotent
    @blp.arguments(NewAllergySchema)
    @blp.response(201, AllergySchema)
    def post(self, new: service.NewAllergy, profile_id: UUID) -> Any:
        """Enter an allergy"""
        with opened(profile_id, "allergy.create") as (session, scope):
            return _created(
                session, scope, wire.ALLERGY, lambda: service.add_allergy(session, scope, new)
            )


@blp.route("/allergies/<uuid:entry_id>")
class AllergyById(MethodView):
    @blp.etag
    @blp.response(200, AllergySchema)
    def get(self, profile_id: UUID, entry_id: UUID) -> Response:
        """Read one allergy"""
        return read(profile_id, wire.ALLERGY, entry_id)

    @blp.etag
    @blp.arguments(NewAllergySchema)
    @blp.response(200, AllergySchema)
    def put(self, new: service.NewAllergy, profile_id: UUID, entry_id: UUID) -> Response:
        """Replace one allergy"""
        return change(profile_id, wire.ALLERGY, entry_id, new)

    @blp.etag
    @blp.response(204)
    def delete(self, profile_id: UUID, entry_id: UUID) -> None:
        """Take back an allergy that was entered by mistake"""
        withdraw(profile_id, wire.ALLERGY, entry_id)


@blp.route("/conditions")
class Conditions(MethodView):
    @blp.response(200, ConditionsSchema)
    def get(self, profile_id: UUID) -> Response:
        """List illnesses that people entered, last entered first"""
        return _list(profile_id, wire.CONDITION)

    @blp.etag
    @blp.idempotent
    @blp.arguments(NewConditionSchema)
    @blp.response(201, ConditionSchema)
    def post(self, new: service.NewCondition, profile_id: UUID) -> Any:
        """Enter an illness"""
        with opened(profile_id, "condition.create") as (session, scope):
            return _created(
                session, scope, wire.CONDITION, lambda: service.add_condition(session, scope, new)
            )


@blp.route("/conditions/<uuid:entry_id>")
class ConditionById(MethodView):
    @blp.etag
    @blp.response(200, ConditionSchema)
    def get(self, profile_id: UUID, entry_id: UUID) -> Response:
        """Read one illness"""
        return read(profile_id, wire.CONDITION, entry_id)

    @blp.etag
    @blp.arguments(NewConditionSchema)
    @blp.response(200, ConditionSchema)
    def put(self, new: service.NewCondition, profile_id: UUID, entry_id: UUID) -> Response:
        """Replace one illness"""
        return change(profile_id, wire.CONDITION, entry_id, new)

    @blp.etag
    @blp.response(204)
    def delete(self, profile_id: UUID, entry_id: UUID) -> None:
        """Take back an illness that was entered by mistake"""
        withdraw(profile_id, wire.CONDITION, entry_id)


def _list(profile_id: UUID, kind: Kind) -> Response:
    with opened(profile_id, f"{kind.table}.list") as (session, scope):
        lines = queries.find_lines(session, scope, kind, limit=MOST_ENTRIES)
    return items([line.json for line in lines])


def _created(session: Session, scope: RecordScope, kind: Kind, add: Callable[[], Entry]) -> Any:
    """Add once by the Idempotency-Key; the answer is the entry as it is now."""

    def create() -> Created[Entry]:
        entry = add()
        place = f"/v1/profiles/{scope.profile_id}/{kind.section}/{entry.id}"
        return Created(entity=entry, reference=str(entry.id), location=place)

    entry, status, headers = once(
        session,
        current_attempt(current_principal().principal_id),
        create=create,
        again=lambda id_: queries.get_entry(session, scope, kind, UUID(id_)),
    )
    return shown(session, scope, kind, entry, status), status, headers
