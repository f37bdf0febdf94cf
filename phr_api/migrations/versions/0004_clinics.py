"""The directory: facilities, code lists, and how often their shown names changed.

Revision ID: 0004
"""

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    func,
    text,
)

from phr_api.migrations.sql import grant

revision = "0004"
down_revision = "0003"

# Of a facility only a changed name counts: a telephone number is no part of any book.
NAMES_CHANGED = """
CREATE FUNCTION directory_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
    -- one condition each: the tables of another event do not exist, not even in an AND
    IF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (SELECT 1 FROM new_rows n JOIN old_rows o USING (code)
                       WHERE n.name <> o.name) THEN
            RETURN NULL;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM new_rows) THEN
            RETURN NULL;
        END IF;
    END IF;
    UPDATE reference_version SET version = version + 1 WHERE name = 'directory';
    RETURN NULL;
END $$"""

CODES_CHANGED = """
CREATE FUNCTION codes_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE reference_version SET version = version + 1 WHERE name = 'codes';
    RETURN NULL;
END $$"""


def upgrade() -> None:
    op.create_table(
        "facility",
        Column("code", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("province", Text),
        Column("address", Text),
        Column("phone", Text),
        Column("search_key", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        CheckConstraint("code ~ '^[0-9A-Z]{5}$'", name="code"),
        Index("ix_facility_search_key", "search_key", "code"),
    )
    op.create_table(
        "code_list",
        Column("system", Text),
        Column("version", Text),
        Column("loaded_at", DateTime(timezone=True), nullable=False),
        Column("is_current", Boolean, nullable=False),
        PrimaryKeyConstraint("system", "version"),
        Index("uq_code_list_current", "system", unique=True, postgresql_where=text("is_current")),
    )
    op.create_table(
        "code",
        Column("system", Text),
        Column("version", Text),
        Column("code", Text),
        Column("display_vi", Text, nullable=False),
        Column("display_en", Text),
        PrimaryKeyConstraint("system", "version", "code"),
        ForeignKeyConstraint(
            ["system", "version"], ["code_list.system", "code_list.version"], ondelete="CASCADE"
        ),
    )
    op.create_table(
        "reference_version",
        Column("name", Text, primary_key=True),
        Column("version", Integer, nullable=False),
    )
    op.execute("INSERT INTO reference_version VALUES ('directory', 1), ('codes', 1)")
    op.execute(
        "CREATE VIEW current_code WITH (security_invoker = true) AS"
        " SELECT c.system, c.code, c.display_vi, c.display_en"
        " FROM code_list l JOIN code c ON c.system = l.system AND c.version = l.version"
        " WHERE l.is_current"
    )
    for table in ("facility", "code_list", "code", "reference_version"):
        grant(op, table, web="SELECT", worker="SELECT, INSERT, UPDATE, DELETE")
        op.execute(f"GRANT SELECT ON {table} TO phr_definer")
    op.execute("GRANT SELECT ON current_code TO phr_web, phr_worker, phr_definer")
    watch_names()


def watch_names() -> None:
    op.execute(NAMES_CHANGED)
    op.execute(CODES_CHANGED)
    for event, rows in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        op.execute(
            f"CREATE TRIGGER names_{event.lower()} AFTER {event} ON facility REFERENCING {rows}"
            " FOR EACH STATEMENT EXECUTE FUNCTION directory_changed()"
        )
    op.execute(
        "CREATE TRIGGER codes_changed AFTER INSERT OR UPDATE OR DELETE ON code_list"
        " FOR EACH ROW EXECUTE FUNCTION codes_changed()"
    )
