"""Typed face of flask-smorest, which ships no types. The only module that imports it.

Guarded by default: a view is authenticated unless marked `@blp.public`. Every answer of a signed-in
caller is private and not stored (R23); every error is an RFC 9457 problem in Vietnamese or English.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import flask_smorest
from flask import Flask, Response, g, jsonify, request
from marshmallow import INCLUDE, RAISE, ValidationError, fields, pre_load
from marshmallow import Schema as MarshmallowSchema  # noqa: TID251 - wrapped below
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from phr_api.kit import clock, problems
from phr_api.kit.idempotency import Attempt
from phr_api.kit.problems import Language, Problem

View = TypeVar("View", bound=Callable[..., Any])

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
# what PostgreSQL's text cannot hold
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MEMBER_NAME = re.compile(r"[A-Za-z_-]{1,40}")
INVALID = "UNPROCESSABLE_CONTENT"  # RFC 9110's name of 422
LONGEST_IDEMPOTENCY_KEY = 100
# lock, statement and idle timeouts, too many connections, shutdown: come back in a moment
PASSING_SQLSTATES = ("55P03", "57014", "25P03", "53300", "57P01", "57P03", "40001", "40P01")


class HasVersion(Protocol):
    """A row, or what stands for it."""

    @property
    def id(self) -> Any: ...

    @property
    def version(self) -> Any: ...


class Schema(MarshmallowSchema):
    """Wire names are camelCase, Python names are snake_case; unknown keys are refused."""

    class Meta:
        unknown = RAISE

    @pre_load
    def refuse_unstorable_text(self, data: Any, **_: Any) -> Any:
        """Refuse text that no column can hold: NUL, and halves of UTF-16 pairs."""
        if isinstance(data, Mapping):
            for name, value in data.items():
                texts = value if isinstance(value, list) else [value]
                if any(isinstance(text, str) and UNSTORABLE.search(text) for text in texts):
                    raise ValidationError("Not storable text.", field_name=str(name))
        return data

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            head, *tail = field_name.split("_")
            field_obj.data_key = head + "".join(part.title() for part in tail)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:  # noqa: ARG002
        """Fail on a field with no source; marshmallow would leave it out in silence."""
        return obj[attr] if isinstance(obj, Mapping) else getattr(obj, attr)


class Moment(fields.AwareDateTime):
    """An instant, shown with Viet Nam's offset."""

    def _serialize(
        self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | float | None:
        local = None if value is None else value.astimezone(clock.VIETNAM)
        return super()._serialize(local, attr, obj, **kwargs)


class ProblemSchema(Schema):
    """RFC 9457 §3.1; further members belong to the problem type, see openapi/problems.md."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    errors = fields.Dict(metadata={"description": "messages by place and field"})
    request_id = fields.String()


def public(view: View) -> View:
    """Mark a view as one that needs no access token; a test lists them."""
    view.__dict__["_is_public"] = True
    return view


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # noqa: TID251
    """Authenticated by default: a public view says so with @blp.public."""

    def public(self, view: View) -> View:
        return public(self.doc(security=[])(view))

    def arguments(
        self, schema: type[MarshmallowSchema], *, location: str = "json", **kwargs: Any
    ) -> Callable[[View], View]:
        # an instance: of a class, one would be made for every request
        decorate = super().arguments(schema(), location=location, **kwargs)

        def decorate_and_name(view: View) -> View:
            decorated: View = decorate(view)
            # smorest takes the name from HTTPStatus, whose names differ between Python versions
            apidoc: dict[str, Any] = decorated.__dict__["_apidoc"]
            apidoc["arguments"]["responses"] = {422: INVALID}
            if location == "json":
                decorated.__dict__["_takes_json"] = True
            return decorated

        return decorate_and_name

    def response(
        self,
        status_code: int,
        schema: MarshmallowSchema | type[MarshmallowSchema] | None = None,
        **kwargs: Any,
    ) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().response(status_code, schema, **kwargs))

    def doc(self, **kwargs: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().doc(**kwargs))

    def etag(self, view: View) -> View:
        wrapped: View = super().etag(view)
        return wrapped

    def check_version(self, entity: HasVersion) -> None:
        """412 unless If-Match names the version we hold; call it in the writing transaction."""
        super().check_etag([str(entity.id), entity.version])

    def tell_version(self, entity: HasVersion) -> None:
        """Set the ETag; ends the request with 304 when If-None-Match names it (RFC 9110 §15.4.5).

        Call it after the transaction: what reading leaves in the trace must stay.
        """
        data = [str(entity.id), entity.version]
        g.entity_tag = self._generate_etag(data)
        super().set_etag(data)

    def conditional(self, view: View) -> View:
        """Document the If-Match of a POST that changes a state; `demanded_versions` demands it."""
        parameter = {
            "in": "header",
            "name": "If-Match",
            "required": True,
            "schema": {"type": "string"},
        }
        return self.doc(parameters=[parameter])(view)

    def idempotent(self, view: View) -> View:
        """Document and demand the Idempotency-Key of a POST that creates (R22)."""
        parameter = {
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_IDEMPOTENCY_KEY},
        }
        return self.doc(parameters=[parameter])(view)

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().route(rule, **options))


class Application(Flask):
    """A Flask application whose views are plain functions, all of them."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return it as it is; Flask looks anew into each function of each request."""
        return func


class Api(flask_smorest.Api):  # type: ignore[misc]
    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        """Only the error components are problem+json; the class attribute would taint the 200s.

        Named here, since the names of HTTPStatus members differ between Python versions (R13).
        """
        response = {
            "description": "A problem, see openapi/problems.md",
            "content": {PROBLEM_JSON: {"schema": ProblemSchema}},
        }
        for name in ("DEFAULT_ERROR", INVALID, "PRECONDITION_FAILED", "PRECONDITION_REQUIRED"):
            self.spec.components.response(name, response, lazy=True)
        unchanged = {"description": "Nothing has changed"}
        self.spec.components.response("NOT_MODIFIED", unchanged, lazy=True)

    @public
    def _openapi_json(self) -> Response:
        answer: Response = super()._openapi_json()
        return answer

    def add(self, blueprint: Blueprint) -> None:
        self.register_blueprint(blueprint)

    def handle_http_exception(self, error: HTTPException) -> Response:
        code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if code == HTTPStatus.NOT_MODIFIED:
            unchanged = Response(status=code)
            unchanged.set_etag(g.entity_tag)
            return unchanged
        if code == HTTPStatus.UNPROCESSABLE_ENTITY:
            data: Mapping[str, Any] = getattr(error, "data", None) or {}
            errors = named_safely(data.get("messages", {}))
            return problem_response(problems.InvalidRequest(errors=errors))
        response = problem_response(HTTP_PROBLEMS.get(code, problems.UnexpectedFailure)())
        response.headers.extend(
            {name: value for name, value in error.get_headers() if name == "Allow"}
        )
        return response


def named_safely(errors: Any) -> Any:
    """Return messages by place; what cannot be a member's name is not repeated.

    An unknown member is told by its name, unless that is a person's number or name sent as one.
    """
    if not isinstance(errors, Mapping):
        return errors
    return {
        name if isinstance(name, int) or MEMBER_NAME.fullmatch(name) else "?": named_safely(value)
        for name, value in errors.items()
    }


HTTP_PROBLEMS: dict[int, type[Problem]] = {
    400: problems.MalformedRequest,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    408: problems.BodyTooSlow,
    412: problems.StaleVersion,
    413: problems.BodyTooLarge,
    415: problems.UnsupportedMediaType,
    428: problems.VersionMissing,
}


def language() -> Language:
    """Vietnamese unless the caller prefers English (RFC 9110 §12.5.4)."""
    return "en" if request.accept_languages.best_match(["vi", "en"], "vi") == "en" else "vi"


def version_tag(entity: HasVersion) -> str:
    """Return the ETag of this version, as If-Match takes it; what `tell_version` sends."""
    tag = flask_smorest.Blueprint._generate_etag([str(entity.id), entity.version])  # noqa: SLF001, TID251
    return f'"{tag}"'


def demanded_versions() -> frozenset[str]:
    """Return the ETags that If-Match of this request names; VersionMissing (428) without any.

    For POSTs, whose wrong version is no 412: the answer says what the state is now.
    """
    if not request.if_match:
        raise problems.VersionMissing
    return frozenset(f'"{tag}"' for tag in request.if_match.as_set())


def current_attempt(principal_id: UUID, *, body: bytes | None = None) -> Attempt:
    """Return the idempotency attempt of this request; IdempotencyKeyMissing without a key.

    `body` stands for the body where that is not to be read into memory, such as its hash.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY:
        raise problems.IdempotencyKeyMissing
    return Attempt(
        principal_id=principal_id,
        route=f"{request.method} {request.path}",
        key=key,
        body=request.get_data(cache=True) if body is None else body,
    )


def problem_response(problem: Problem) -> Response:
    """Render a problem in the caller's language."""
    spoken = language()
    body = problem.to_dict(spoken)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and "request_id" in g:
        body["requestId"] = g.request_id
    response = jsonify(body)
    response.status_code = int(problem.status)
    response.mimetype = PROBLEM_JSON
    response.headers["Content-Language"] = spoken
    response.headers.extend(problem.headers)
    return response


def init_app(app: Flask, authenticate: Callable[[], Any]) -> Api:
    """Install the guard, the problem handlers and the headers of every answer.

    `authenticate` returns the principal of the request or raises NotSignedIn.
    """

    def guard() -> None:
        if UNSTORABLE.search(request.path):
            raise problems.NotFound  # nothing is called so, and no column could hold it
        view = app.view_functions.get(request.endpoint or "")
        if view is None:
            return
        if not _is_marked(view, request.method, "_is_public"):
            g.principal = authenticate()
        if (
            request.content_length
            and not request.is_json
            and _is_marked(view, request.method, "_takes_json")
        ):
            raise problems.UnsupportedMediaType

    api = Api(app)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(StaleDataError, _on_stale)
    app.register_error_handler(DBAPIError, _on_database)
    app.register_error_handler(Exception, _on_failure)
    app.before_request(guard)
    app.after_request(_finish)
    return api


def _on_stale(_: StaleDataError) -> Response:
    return problem_response(problems.StaleVersion())


def _on_database(error: DBAPIError) -> Response:
    state = getattr(error.orig, "sqlstate", None)
    is_away = error.connection_invalidated or isinstance(error, InterfaceError)
    is_away = is_away or (state is None and isinstance(error, OperationalError))
    if is_away or state in PASSING_SQLSTATES:
        log.warning("database unavailable", extra={"sqlstate": state})
        return problem_response(problems.NotReady())
    return _on_failure(error)


def _on_failure(error: Exception) -> Response:
    log.error("request failed", exc_info=error)  # the formatter prints no message of it
    return problem_response(problems.UnexpectedFailure())


def _finish(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if "principal" in g:
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers["Vary"] = "Authorization, Accept-Language, Accept-Encoding"
    elif response.mimetype == PROBLEM_JSON:
        response.headers["Vary"] = "Accept-Language"
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def is_public(view: Callable[..., Any], method: str) -> bool:
    """Tell whether this view function, or its method of a MethodView, was marked public."""
    return _is_marked(view, method, "_is_public")


def _is_marked(view: Callable[..., Any], method: str, mark: str) -> bool:
    if getattr(view, mark, False):
        return True
    view_class = getattr(view, "view_class", None)
    handler = getattr(view_class, method.lower(), None) if view_class else None
    return bool(getattr(handler, mark, False))
