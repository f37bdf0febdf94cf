"""The application and its peers in one server process, so that each round measures like with like.

/            the application
/peer/empty  an empty Flask view of a Flask application of its own
/peer/bare   bare WSGI
/peer/orm    the same book, the same right and the same policies, read by ORM and marshmallow
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from flask import Flask, Response, request
from marshmallow import Schema, fields  # noqa: TID251 - the peer is plain marshmallow
from sqlalchemy import select
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from phr_api import identity
from phr_api.consent import open_record
from phr_api.healthbook.models import Encounter, Immunization, Medication, Result
from phr_api.identity.models import Profile
from phr_api.kit.db import Base, unit_of_work
from phr_api.vocab import ProfileId
from phr_api.wsgi import application

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

# received fields and lists are left out of the peer: it does less than the book
LEFT_OUT = frozenset({"received", "classes", "status", "profile_id"})
LISTS: dict[str, type[Base]] = {
    "encounters": Encounter,
    "medications": Medication,
    "results": Result,
    "immunizations": Immunization,
}

empty = Flask("empty")
peer = Flask("peer")


@empty.route("/")
def nothing() -> str:
    """Answer nothing: what a Flask view costs."""
    return ""


def bare(_: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer nothing without Flask: what the server costs."""
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "0")])
    return [b""]


def schema_of(model: type[Base]) -> Schema:
    """Return a schema with one field a column, as a schema by hand would have."""
    kinds = {UUID: fields.UUID, bool: fields.Boolean, int: fields.Integer, str: fields.String}
    made: dict[str, fields.Field[Any]] = {}
    for column in model.__table__.columns:
        if column.name not in LEFT_OUT:
            known = kinds.get(column.type.python_type)
            fallback = fields.AwareDateTime if column.name.endswith("_at") else fields.Raw
            made[column.name] = (known or fallback)()
    return Schema.from_dict(made)()


SCHEMAS = {name: schema_of(model) for name, model in LISTS.items()}
PROFILE = schema_of(Profile)


@peer.route("/<uuid:profile_id>")
def orm_book(profile_id: UUID) -> Response:
    """Read the book as most Flask applications would."""
    principal = identity.authenticate(request.headers["Authorization"].removeprefix("Bearer "))
    with unit_of_work() as session:
        open_record(session, principal, ProfileId(profile_id), action="bench.read")
        body = {"profile": PROFILE.dump(session.get_one(Profile, profile_id))}
        for name, model in LISTS.items():
            rows = session.scalars(
                select(model).where(
                    model.__table__.c.profile_id == profile_id,
                    model.__table__.c.status == "current",
                )
            )
            body[name] = SCHEMAS[name].dump(rows, many=True)
    return peer.json.response(body)


application = DispatcherMiddleware(  # type: ignore[assignment]
    application,
    {"/peer/empty": empty, "/peer/bare": bare, "/peer/orm": peer},  # type: ignore[dict-item]
)
