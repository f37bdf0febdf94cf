"""Structured logs on stderr: a JSON object a line, with the request's id, without personal data.

An exception is printed as its class and the places it came through, never by its message: a
database error's text holds the failing row (RIGHTS R16), a parser's the value it choked on. Of a
database error the SQLSTATE and the constraint are added, which is what one searches for.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, request

access = logging.getLogger("phr_api.access")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MOST_FRAMES = 30
# Asked every few seconds by an orchestrator; their failures log a line of their own.
PROBES = frozenset({"/livez", "/readyz"})
# These write addresses with their queries, or arguments, at INFO.
CHATTY = ("httpx", "httpcore", "sqlalchemy.engine", "_granian")


class JsonFormatter(logging.Formatter):
    """One line a record: time, level, logger, message, request id, then what `extra` gave."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        if request_id := _request_id.get():
            line["requestId"] = request_id
        line.update((k, v) for k, v in vars(record).items() if k not in _STANDARD)
        if record.exc_info and record.exc_info[1] is not None:
            line["errors"] = describe_chain(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=_shown)


def describe(error: BaseException) -> dict[str, Any]:
    """Class, SQLSTATE, constraint and frames of an error: nothing of its message."""
    described: dict[str, Any] = {"class": f"{type(error).__module__}.{type(error).__qualname__}"}
    # SQLAlchemy wraps the driver's error in `orig`; psycopg's own carries these itself.
    driver = getattr(error, "orig", None) or error
    if sqlstate := getattr(driver, "sqlstate", None):
        described["sqlstate"] = sqlstate
    diagnosis = getattr(driver, "diag", None)
    if constraint := getattr(diagnosis, "constraint_name", None):
        described["constraint"] = constraint
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    described["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return described


def describe_chain(error: BaseException) -> list[dict[str, Any]]:
    """The error described, then what it was raised from."""
    return [describe(each) for each in _chain(error)]


def configure(level: str) -> None:
    """Send every logger of this process to stderr as JSON lines; call once, at start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give each request an id of ours (echoed as X-Request-Id) and one access line.

    A caller's own id is not taken over: it could hold anything. The line has the route, not the
    path, and ids only: who asked, about which profile.
    """
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)


def _begin() -> None:
    g.request_id = uuid4().hex
    g.began = perf_counter()
    _request_id.set(g.request_id)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if access.isEnabledFor(logging.INFO) and request.path not in PROBES:
        extra: dict[str, Any] = {
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "milliseconds": round((perf_counter() - g.get("began", perf_counter())) * 1000, 1),
        }
        if principal := g.get("principal"):
            extra["principal"] = str(principal.principal_id)
        if profile_id := (request.view_args or {}).get("profile_id"):
            extra["profile"] = str(profile_id)
        access.info("request", extra=extra)
    return response


def _forget(_: BaseException | None) -> None:
    _request_id.set(None)


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; an exception among them is named, not quoted."""
    if not isinstance(record.args, tuple):
        return record.getMessage()
    arguments = tuple(
        type(argument).__name__ if isinstance(argument, BaseException) else argument
        for argument in record.args
    )
    return str(record.msg) % arguments if arguments else _shown(record.msg)


def _shown(value: object) -> str:
    return type(value).__name__ if isinstance(value, BaseException) else str(value)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it was raised from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
