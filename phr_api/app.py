"""The one place where every room meets: the web application."""

from flask import Flask, g, request

from phr_api import identity, notifications, portal, records, wiring
from phr_api.appointments.routes import blueprints as appointments
from phr_api.clinics.routes import blueprints as clinics
from phr_api.consent.routes import blueprints as consent
from phr_api.healthbook.routes import blueprints as healthbook_routes
from phr_api.home.routes import blueprints as home
from phr_api.identity.routes import blueprints as identity_routes
from phr_api.kit import compress, cursor, db, docs, health, idempotency, log, metrics, web
from phr_api.kit.problems import AppTooOld, NotSignedIn
from phr_api.notifications.routes import blueprints as notifications_routes
from phr_api.records.routes import blueprints as records_routes
from phr_api.settings import Settings

BLUEPRINTS = (
    *identity_routes,
    *consent,
    *clinics,
    *healthbook_routes,
    *records_routes,
    *home,
    *appointments,
    *notifications_routes,
)

LARGEST_BODY = 1024 * 1024  # of anything but a hospital's file, which has a limit of its own

SPEC = {
    "info": {
        "description": "Personal health record. Sign in (POST /v1/sign-in/attempts), then read the"
        " books of GET /v1/me. Errors are RFC 9457 problems, listed in openapi/problems.md."
    },
    "servers": [{"url": "/", "description": "web (PORT)"}],
    "security": [{"bearer": []}],
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    },
}


def create_app(settings: Settings) -> Flask:
    """Build the application for one process, bound to the web role of the database."""
    app = web.Application("phr_api", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config.update(
        API_TITLE="PHR API",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS=SPEC,
        PROPAGATE_EXCEPTIONS=False,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    db.configure(settings.database.web_url)
    cursor.configure(settings.secret)
    idempotency.configure(settings.secret)
    for room in (identity, records, notifications):
        room.configure(settings)
    wiring.install()
    log.init_app(app)
    metrics.init_app(app)
    compress.init_app(app)
    app.before_request(lambda: refuse_old_app(settings.oldest_app_version))
    api = web.init_app(app, authenticate)
    for blueprint in BLUEPRINTS:
        api.add(blueprint)
    health.register(app)
    docs.register(app)
    portal.register(app)
    return app


def authenticate() -> identity.Principal:
    """Return who sends this request, by its bearer token (RFC 6750 §2.1)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    principal = identity.authenticate(token)
    g.principal = principal
    return principal


def refuse_old_app(oldest: str | None) -> None:
    """426 below the oldest supported version of the app; other clients send no such header."""
    sent = request.headers.get("X-App-Version")
    if sent and oldest and _numbers(sent) < _numbers(oldest):
        raise AppTooOld(oldestVersion=oldest)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version; nothing of what is longer than any version is."""
    return tuple(int(part) for part in version[:30].split(".") if part.isdecimal())
