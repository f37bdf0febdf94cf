"""Views that nobody has to sign in for, a set a room."""

BASE = {
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /docs",
    "GET /docs/<name>",
    "GET /docs/problems",
    "GET /livez",
    "GET /openapi.json",
    "GET /problems/<path:slug>",
    "GET /readyz",
    "GET /v1/codes/<string(maxlength=40):system>",
    "GET /v1/facilities",
    "GET /v1/facilities/<string(length=5):code>",
    "GET /v1/sign-in/providers",
    "POST /v1/oauth/token",
    "POST /v1/sign-in/attempts",
    "POST /v1/sign-in/attempts/<uuid:attempt_id>/completion",
}
CLINICS = {
    "GET /v1/facilities/<string(length=5):code>/services/<uuid:service_id>/slots",
    "GET /v1/slots",
}
APPOINTMENTS: set[str] = set()
QUEUE: set[str] = set()
NOTIFICATIONS: set[str] = set()
PHONES: set[str] = set()
PAGES: set[str] = set()

PUBLIC = BASE | CLINICS | APPOINTMENTS | QUEUE | NOTIFICATIONS | PHONES | PAGES
