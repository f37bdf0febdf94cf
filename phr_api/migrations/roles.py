"""The database roles, made by `phr-api migrate` before the first revision.

phr_definer owns the closed list of SECURITY DEFINER functions and cannot log in; phr_auditor chains
audit rows and cannot log in; phr_web and phr_worker are the processes and own nothing.
"""

from sqlalchemy import Connection, make_url, text

OLDEST_POSTGRESQL = 160000

SETTINGS = {
    "phr_web": {
        "statement_timeout": "5s",
        "lock_timeout": "1s",
        "idle_in_transaction_session_timeout": "10s",
    },
    "phr_worker": {
        "statement_timeout": "60s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
        # few statements, run for ever: planning each anew costs more than running it
        "plan_cache_mode": "force_generic_plan",
    },
}


class UnfitDatabase(RuntimeError):
    """The server or the migrator's role cannot carry this application; the message says why."""


def check_server(connection: Connection) -> None:
    """Raise UnfitDatabase unless server (>= 16) and role (CREATEROLE, BYPASSRLS) are fit."""
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    if version < OLDEST_POSTGRESQL:
        raise UnfitDatabase("PostgreSQL 16 or newer is needed")
    able = connection.scalar(
        text(
            "SELECT rolsuper OR (rolcreaterole AND rolbypassrls)"
            " FROM pg_roles WHERE rolname = current_user"
        )
    )
    if not able:
        raise UnfitDatabase(
            "DATABASE_URL must name a superuser or a role with CREATEROLE and BYPASSRLS"
        )


def ensure_roles(connection: Connection, *, web_url: str, worker_url: str) -> None:
    """Create what is missing and set their settings; passwords come from the processes' URLs.

    The URLs must name phr_web and phr_worker: policies and grants are written for these roles.
    """
    check_server(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('phr roles'))"))
    _ensure(connection, "phr_definer", "NOLOGIN BYPASSRLS")
    _ensure(connection, "phr_auditor", "NOLOGIN")
    for role, url in (("phr_web", web_url), ("phr_worker", worker_url)):
        parts = make_url(url)
        if parts.username != role:
            raise UnfitDatabase(f"the process URL must sign in as {role}")
        _ensure(connection, role, "LOGIN NOBYPASSRLS")
        if parts.password:
            password = connection.scalar(
                text("SELECT quote_literal(:password)"), {"password": parts.password}
            )
            connection.exec_driver_sql(f"ALTER ROLE {role} PASSWORD {password}")
        for name, value in SETTINGS[role].items():
            connection.exec_driver_sql(f"ALTER ROLE {role} SET {name} = '{value}'")
    for role in ("phr_definer", "phr_auditor"):
        # the migrator hands functions to these roles and creates triggers on them (PostgreSQL 16)
        connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
        connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        for role in SETTINGS:
            # PostgreSQL's DETAIL lines print the failing row (FINDINGS 11)
            connection.exec_driver_sql(f"ALTER ROLE {role} SET log_min_messages = 'fatal'")


def _ensure(connection: Connection, role: str, attributes: str) -> None:
    found = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role})
    if not found:
        connection.exec_driver_sql(f"CREATE ROLE {role} {attributes}")
