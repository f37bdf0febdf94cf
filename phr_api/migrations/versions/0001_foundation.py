"""The foundation: the change feed written by the database, audit, idempotency.

Revision ID: 0001
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from phr_api.migrations.sql import (
    CLASSES,
    PERSON,
    PRINCIPAL,
    SECTIONS,
    definer,
    force_rls,
    grant,
    own_function,
    protect_table,
)

revision = "0001"
down_revision = None

# What a changed row says to the feed: whose it is, its id, whether it is still there, its classes.
FEEDS = {
    "fact": ("profile_id", "id", "status = 'current'", "classes"),
    "row": ("profile_id", "id", "true", "classes"),
    "profile": ("id", "id", "true", "classes"),
}


def feed_function(name: str, person: str, row: str, alive: str, classes: str) -> str:
    """Return the trigger function that raises the person's version and appends what changed.

    One seq a changed row, without gaps: the version is the last seq. People are locked in id order,
    in a loop: nearly always it is one, and the plan of one is several times cheaper.
    An UPDATE can hide a row from some who saw it: see `feed_of_updates`.
    Runs as phr_definer, since a function owned by the tables' owner would write nothing under
    FORCE ROW LEVEL SECURITY, in silence (FINDINGS 2): it counts what it wrote.
    """
    return f"""
CREATE FUNCTION feed_{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    person record;
    last_seq bigint;
    written bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        {feed_of_updates(person, row, alive, classes)}
        RETURN NULL;
    END IF;
    FOR person IN
        SELECT {person} AS id, count(*) AS rows FROM changed GROUP BY {person} ORDER BY {person}
    LOOP
        INSERT INTO record AS r (profile_id, version, oldest_seq)
            VALUES (person.id, person.rows, 1)
            ON CONFLICT (profile_id) DO UPDATE SET version = r.version + EXCLUDED.version
            RETURNING r.version INTO last_seq;
        INSERT INTO record_change (profile_id, seq, kind, id, op, classes, section)
            SELECT person.id, last_seq - person.rows + row_number() OVER (ORDER BY c.{row}),
                   TG_ARGV[0], c.{row},
                   CASE WHEN TG_OP <> 'DELETE' AND {alive} THEN 'upsert' ELSE 'tombstone' END,
                   c.{classes}, TG_ARGV[1]
            FROM changed c WHERE c.{person} = person.id;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> person.rows THEN
            RAISE EXCEPTION 'the change feed of % wrote % of % rows',
                TG_TABLE_NAME, written, person.rows;
        END IF;
    END LOOP;
    RETURN NULL;
END $$"""


def feed_of_updates(person: str, row: str, alive: str, classes: str) -> str:
    """Return the part of a feed function for UPDATE; it alone reads the rows as they were (R8).

    Whoever saw a row under its old classes is told to forget it when it goes, or when its new
    classes hide it from them: a tombstone under the old classes. Then it is told under the new
    ones, if it is still there. So a row has one seq or two. Old and new are paired by sorting:
    the plan of a join, made once for one row, would take quadratic time for many.
    """
    return f"""
        IF NOT EXISTS (SELECT FROM changed) THEN
            RETURN NULL;
        END IF;
        WITH both_states AS (
            SELECT {person} AS owner, {row} AS fact, {classes} AS label,
                   false AS is_new, false AS is_alive FROM before
            UNION ALL
            SELECT {person}, {row}, {classes}, true, {alive} FROM changed
        ), paired AS (
            SELECT owner, fact, label, is_new, is_alive,
                   lag(label, 1, label) OVER (PARTITION BY owner, fact ORDER BY is_new) AS was
            FROM both_states
        ), told AS (
            SELECT owner, fact, 'tombstone' AS op, was AS label FROM paired
                WHERE is_new AND NOT (is_alive AND label <@ was)
            UNION ALL
            SELECT owner, fact, 'upsert', label FROM paired WHERE is_new AND is_alive
        ), raised AS (
            INSERT INTO record AS r (profile_id, version, oldest_seq)
                SELECT owner, count(*), 1 FROM told GROUP BY owner ORDER BY owner
                ON CONFLICT (profile_id) DO UPDATE SET version = r.version + EXCLUDED.version
                RETURNING r.profile_id, r.version
        )
        INSERT INTO record_change (profile_id, seq, kind, id, op, classes, section)
            SELECT t.owner, r.version - count(*) OVER (PARTITION BY t.owner)
                            + row_number() OVER (PARTITION BY t.owner ORDER BY t.fact, t.op),
                   TG_ARGV[0], t.fact, t.op, t.label, TG_ARGV[1]
            FROM told t JOIN raised r ON r.profile_id = t.owner;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < (SELECT count(*) FROM changed) THEN
            RAISE EXCEPTION 'the change feed of % wrote % of % rows',
                TG_TABLE_NAME, written, (SELECT count(*) FROM changed);
        END IF;"""


LOCK_RECORDS = """
CREATE FUNCTION lock_records(people uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM 1 FROM record WHERE profile_id = ANY (people) ORDER BY profile_id FOR UPDATE;
END $$"""

TRIM_CHANGES = """
CREATE FUNCTION trim_changes(before timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    removed bigint;
BEGIN
    WITH old AS (
        DELETE FROM record_change WHERE created_at < before RETURNING profile_id, seq
    ), last AS (
        SELECT profile_id, max(seq) AS seq FROM old GROUP BY profile_id
    ), moved AS (
        UPDATE record r SET oldest_seq = last.seq + 1 FROM last WHERE r.profile_id = last.profile_id
    )
    SELECT count(*) INTO removed FROM old;
    RETURN removed;
END $$"""

# The text of a row, as the chain hashes it; the order of ids is the order of time (UUIDv7).
CHAIN_DAY = """
CREATE FUNCTION audit_day_head(of_day date, OUT rows integer, OUT head bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    WITH lines AS (
        SELECT e.id, e::text AS line
        FROM audit_event e
        WHERE e.at >= of_day::timestamp AT TIME ZONE 'UTC'
          AND e.at < (of_day + 1)::timestamp AT TIME ZONE 'UTC'
        UNION ALL
        SELECT s.event_id, s::text
        FROM audit_subject s
        WHERE s.at >= of_day::timestamp AT TIME ZONE 'UTC'
          AND s.at < (of_day + 1)::timestamp AT TIME ZONE 'UTC'
    )
    SELECT count(*)::integer,
           sha256(coalesce((SELECT c.head FROM audit_chain c WHERE c.day < of_day
                            ORDER BY c.day DESC LIMIT 1), ''::bytea)
                  || convert_to(coalesce(string_agg(line, E'\\n' ORDER BY id, line), ''), 'UTF8'))
    FROM lines
$$"""

FIRST_DAY = """
CREATE FUNCTION audit_first_day() RETURNS date LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
    SELECT (min(at) AT TIME ZONE 'UTC')::date FROM audit_event
$$"""

APPEND_CHAIN = """
CREATE FUNCTION append_audit_chain(of_day date, signed bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO audit_chain (day, rows, head, signature)
    SELECT of_day, d.rows, d.head, signed FROM audit_day_head(of_day) d
$$"""


def upgrade() -> None:
    for role in ("phr_web", "phr_worker"):
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT SELECT ON alembic_version TO {role}")
    create_feed()
    create_idempotency()
    create_audit()


def create_feed() -> None:
    op.create_table(
        "record",
        Column("profile_id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("oldest_seq", BigInteger, nullable=False),
    )
    op.create_table(
        "record_change",
        Column("profile_id", Uuid),
        Column("seq", BigInteger),
        Column("kind", Text, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("op", Text, nullable=False),
        Column("classes", ARRAY(Text), nullable=False),
        Column("section", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("profile_id", "seq"),
        Index("ix_record_change_created_at", "created_at"),
    )
    protect_table(op, "record", f"profile_id = {PERSON}", worker="SELECT")
    protect_table(
        op,
        "record_change",
        f"profile_id = {PERSON} AND classes <@ {CLASSES} AND section = ANY ({SECTIONS})",
        worker="SELECT",
    )
    for name, parts in FEEDS.items():
        op.execute(feed_function(name, *parts))
        own_function(op, f"feed_{name}()", to=())
    definer(op, LOCK_RECORDS, "lock_records(uuid[])", to=("phr_worker",))
    definer(op, TRIM_CHANGES, "trim_changes(timestamptz)", to=("phr_worker",))


def create_idempotency() -> None:
    op.create_table(
        "idempotency",
        Column("principal_id", Uuid),
        Column("route", Text),
        Column("key", Text),
        Column("body_mac", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("location", Text),
        Column("reference", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("principal_id", "route", "key"),
        Index("ix_idempotency_created_at", "created_at"),
    )
    protect_table(op, "idempotency", f"principal_id = {PRINCIPAL}", web="SELECT, INSERT", worker="")
    op.execute("CREATE POLICY trim ON idempotency FOR ALL TO phr_worker USING (true)")
    grant(op, "idempotency", worker="SELECT, DELETE")


def create_audit() -> None:
    op.create_table(
        "audit_event",
        Column("id", Uuid, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", Uuid),
        Column("facility_code", Text),
        Column("action", Text, nullable=False),
        Column("reason", Text),
        Column("details", JSONB, nullable=False, server_default="{}"),
        Index("ix_audit_event_at", "at"),
    )
    op.create_table(
        "audit_subject",
        Column("profile_id", Uuid),
        Column("event_id", Uuid),
        Column("at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("profile_id", "event_id"),
        Index("ix_audit_subject_event_id", "event_id"),
        Index("ix_audit_subject_timeline", "profile_id", "at", "event_id"),
    )
    op.create_table(
        "audit_refusal",
        Column("id", Uuid, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", Uuid),
        Column("action", Text, nullable=False),
        Column("profile_id", Uuid),
    )
    op.create_table(
        "audit_chain",
        Column("day", Date, primary_key=True),
        Column("rows", Integer, nullable=False),
        Column("head", LargeBinary, nullable=False),
        Column("signature", LargeBinary),
    )
    protect_audit()


def protect_audit() -> None:
    """The app's roles append, and read by person; nobody but the owner's migrations can change."""
    for table in ("audit_event", "audit_subject", "audit_refusal", "audit_chain"):
        force_rls(op, table)
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM phr_definer")
    of_person = f"profile_id = {PERSON}"
    op.execute(f"CREATE POLICY person ON audit_subject FOR SELECT USING ({of_person})")
    op.execute(
        "CREATE POLICY person ON audit_event FOR SELECT USING (EXISTS (SELECT 1"
        f" FROM audit_subject s WHERE s.event_id = audit_event.id AND s.{of_person}))"
    )
    for table in ("audit_event", "audit_subject", "audit_refusal"):
        op.execute(f"CREATE POLICY append ON {table} FOR INSERT WITH CHECK (true)")
    for table in ("audit_event", "audit_subject"):
        grant(op, table, web="SELECT, INSERT", worker="SELECT, INSERT")
    # refusals are counted by the worker, which closes them into one event a minute
    grant(op, "audit_refusal", web="INSERT", worker="SELECT, INSERT, DELETE")
    op.execute("CREATE POLICY close ON audit_refusal FOR SELECT TO phr_worker USING (true)")
    op.execute("CREATE POLICY closed ON audit_refusal FOR DELETE TO phr_worker USING (true)")
    op.execute("CREATE POLICY chain ON audit_chain FOR ALL TO phr_auditor USING (true)")
    for table in ("audit_event", "audit_subject"):
        op.execute(f"CREATE POLICY chain ON {table} FOR SELECT TO phr_auditor USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO phr_auditor")
    op.execute("GRANT SELECT, INSERT ON audit_chain TO phr_auditor")
    for sql, signature in (
        (CHAIN_DAY, "audit_day_head(date)"),
        (FIRST_DAY, "audit_first_day()"),
        (APPEND_CHAIN, "append_audit_chain(date, bytea)"),
    ):
        op.execute(sql)
        op.execute(f"ALTER FUNCTION {signature} OWNER TO phr_auditor")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_worker")
    op.execute("CREATE POLICY heads ON audit_chain FOR SELECT TO phr_worker USING (true)")
    grant(op, "audit_chain", worker="SELECT")
