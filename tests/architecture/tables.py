"""Tables without policies, a set a room: no person and no facility's own rows in them."""

BASE = {
    "age_rule",
    "alembic_version",
    "code",
    "code_list",
    "reference_version",
}
CLINICS = {"holiday"}
APPOINTMENTS: set[str] = set()
QUEUE = {"priority_class"}
NOTIFICATIONS: set[str] = set()

WITHOUT_POLICIES = BASE | CLINICS | APPOINTMENTS | QUEUE | NOTIFICATIONS
