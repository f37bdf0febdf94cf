"""Two questions of an orchestrator: does the process live, and may it be sent requests.

Neither is part of /v1 and neither needs a token; they tell nothing but yes or no.
"""

import logging

import psycopg
from flask import Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from phr_api.kit import db
from phr_api.kit.problems import NotReady
from phr_api.kit.revision import HEAD

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Add GET /livez and GET /readyz, both public."""
    for rule, view in (("/livez", livez), ("/readyz", readyz)):
        view.__dict__["_is_public"] = True
        app.add_url_rule(rule, endpoint=f"health.{view.__name__}", view_func=view)


def livez() -> Response:
    """The process answers; the database is not asked, since a restart would not mend it."""
    return _yes()


def readyz() -> Response:
    """The database is reachable and its schema is the one of this code; else 503 not-ready."""
    try:
        row = db.read_row("SELECT version_num FROM alembic_version", ())
    except (SQLAlchemyError, psycopg.Error) as error:
        log.warning("not ready: no answer from the database", exc_info=error)
        raise NotReady(reason="database") from error
    if row is None or row[0] != HEAD:
        log.warning("not ready: the schema is not this code's", extra={"wanted": HEAD})
        raise NotReady(reason="migrations")
    return _yes()


def _yes() -> Response:
    response = jsonify(status="ok")
    response.headers["Cache-Control"] = "no-store"
    return response
