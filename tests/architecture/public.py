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
    "GET /v1/facilities/<string(length=5):code>/practitioners",
    "GET /v1/facilities/<string(length=5):code>/practitioners/<uuid:practitioner_id>",
    "GET /v1/facilities/<string(length=5):code>/services",
    "GET /v1/facilities/<string(length=5):code>/services/<uuid:service_id>",
    "GET /v1/facilities/<string(length=5):code>/services/<uuid:service_id>/slots",
    "GET /v1/holidays",
    "GET /v1/services",
    "GET /v1/slots",
}
APPOINTMENTS: set[str] = set()
QUEUE = {"GET /v1/screens/<string(maxlength=40):screen_key>"}
NOTIFICATIONS: set[str] = set()
PHONES = {"POST /v1/sign-in/phone"}
PAGES: set[str] = {
    "DELETE /v1/sessions/page-renewal",
    "GET /desk",
    "GET /desk/<name>",
    "POST /v1/sessions/page-renewal",
    "POST /v1/sign-in/attempts/<uuid:attempt_id>/page-completion",
}

PUBLIC = BASE | CLINICS | APPOINTMENTS | QUEUE | NOTIFICATIONS | PHONES | PAGES
