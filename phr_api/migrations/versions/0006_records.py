"""Intake: submissions, received visits, sealed originals, the worker's queue.

Revision ID: 0006
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from phr_api.migrations.sql import FACILITY, force_rls, grant, protect_facility_table

revision = "0006"
down_revision = "0005"

INSTANT = DateTime(timezone=True)

# One round trip at the head of a visit's transaction: scope, the visit's lock (FINDINGS 8), then
# what is known of it. plpgsql takes a new snapshot after the lock; one SELECT would not.
BEGIN_VISIT = """
CREATE FUNCTION begin_visit(
    p_facility text, p_ma_lk text, p_submission uuid, p_ordinal integer, p_sender uuid, p_day date,
    OUT is_entered boolean, OUT last_version integer, OUT current_visit jsonb,
    OUT waiting_visit jsonb, OUT withdrawn_contents bytea[], OUT has_open_refusals boolean,
    OUT disagreements integer
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM set_config('phr.facility_id', p_facility, true),
            pg_advisory_xact_lock(hashtextextended('visit/' || p_facility || '/' || p_ma_lk, 0));
    is_entered := EXISTS (SELECT 1 FROM submission_entry e
                          WHERE e.submission_id = p_submission AND e.ordinal = p_ordinal);
    has_open_refusals := EXISTS (SELECT 1 FROM submission_entry e WHERE e.is_open
                                 AND e.facility_code = p_facility AND e.ma_lk = p_ma_lk);
    disagreements := coalesce((SELECT d.count FROM disagreement d
                               WHERE d.facility_code = p_facility AND d.client_id = p_sender
                                 AND d.day = p_day), 0);
    SELECT coalesce(max(v.version), 0) INTO last_version FROM received_visit v
        WHERE v.facility_code = p_facility AND v.ma_lk = p_ma_lk;
    IF last_version > 0 THEN
        SELECT to_jsonb(v) INTO current_visit FROM received_visit v
            WHERE v.facility_code = p_facility AND v.ma_lk = p_ma_lk AND v.state = 'current';
        SELECT to_jsonb(v) INTO waiting_visit FROM received_visit v
            WHERE v.facility_code = p_facility AND v.ma_lk = p_ma_lk AND v.state = 'needs-review';
        SELECT array_agg(DISTINCT v.content_sha256) INTO withdrawn_contents FROM received_visit v
            WHERE v.facility_code = p_facility AND v.ma_lk = p_ma_lk AND v.version <= (
                SELECT max(w.version) FROM received_visit w WHERE w.facility_code = p_facility
                    AND w.ma_lk = p_ma_lk AND w.state = 'withdrawn');
    END IF;
END $$"""


def upgrade() -> None:
    create_submission()
    create_entry()
    create_upload()
    create_visit()
    create_order()
    protect()
    op.execute(BEGIN_VISIT)
    signature = "begin_visit(text, text, uuid, integer, uuid, date)"
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_worker")


def create_submission() -> None:
    op.create_table(
        "submission",
        Column("id", Uuid, primary_key=True),
        Column("facility_code", Text, nullable=False),
        Column("client_id", Uuid),
        Column("state", Text, nullable=False),
        Column("validate_only", Boolean, nullable=False),
        Column("sent_sha256", LargeBinary, nullable=False),
        Column("sent_bytes", BigInteger, nullable=False),
        Column("inflated_sha256", LargeBinary),
        Column("inflated_bytes", BigInteger),
        Column("wrapped_key", LargeBinary),
        Column("source_state", Text),
        Column("declared_count", Integer),
        Column("visit_count", Integer),
        Column("counts", JSONB, nullable=False, server_default="{}"),
        Column("refusal", JSONB),
        Column("remainder_id", Uuid),
        Column("event_id", Uuid),
        Column("received_at", INSTANT, nullable=False),
        Column("started_at", INSTANT),
        Column("finished_at", INSTANT),
        CheckConstraint("state IN ('received','processing','done','refused')", name="state"),
        Index("ix_submission_timeline", "facility_code", "received_at", "id"),
        Index(
            "uq_submission_in_progress",
            "facility_code",
            "sent_sha256",
            unique=True,
            postgresql_where=text("state IN ('received','processing') AND NOT validate_only"),
        ),
        Index("ix_submission_reports", "finished_at", postgresql_where=text("validate_only")),
    )


def create_entry() -> None:
    op.create_table(
        "submission_entry",
        Column("submission_id", Uuid),
        Column("ordinal", Integer),
        Column("facility_code", Text, nullable=False),
        Column("ma_lk", Text),
        Column("ma_bn", Text),
        Column("outcome", Text, nullable=False),
        Column("reasons", JSONB, nullable=False, server_default="[]"),
        Column("visit_id", Uuid),
        Column("original_id", Uuid),
        Column("start_byte", BigInteger, nullable=False),
        Column("plain_bytes", Integer, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("entered_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("submission_id", "ordinal"),
        Index(
            "ix_submission_entry_open",
            "facility_code",
            "entered_at",
            "submission_id",
            "ordinal",
            postgresql_where=text("is_open"),
        ),
        Index(
            "ix_submission_entry_open_visit",
            "facility_code",
            "ma_lk",
            postgresql_where=text("is_open"),
        ),
    )


def create_upload() -> None:
    op.create_table(
        "upload_chunk",
        Column("submission_id", Uuid, ForeignKey("submission.id", ondelete="CASCADE")),
        Column("ordinal", Integer),
        Column("facility_code", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        PrimaryKeyConstraint("submission_id", "ordinal"),
    )
    op.create_table(
        "intake_work",
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("facility_code", Text, nullable=False),
        Column("received_at", INSTANT, nullable=False),
        Column("due_at", INSTANT, nullable=False),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Index("ix_intake_work_due", "received_at", "id"),
    )
    op.create_table(
        "original",
        Column("id", Uuid, primary_key=True),
        Column("facility_code", Text, nullable=False),
        Column("submission_id", Uuid, nullable=False),
        Column("sha256", LargeBinary, nullable=False),
        Column("plain_bytes", Integer, nullable=False),
        Column("wrapped_key", LargeBinary),
        Column("sealed", LargeBinary, nullable=False),
    )
    for table in ("upload_chunk", "original"):
        # sealed bytes do not compress; trying costs more than writing them
        op.execute(f"ALTER TABLE {table} ALTER COLUMN sealed SET STORAGE EXTERNAL")


def create_visit() -> None:
    is_current, is_waiting = text("state = 'current'"), text("state = 'needs-review'")
    op.create_table(
        "received_visit",
        Column("id", Uuid, primary_key=True),
        Column("facility_code", Text, nullable=False),
        Column("ma_lk", Text, nullable=False),
        Column("ma_bn", Text),
        Column("version", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("raw_sha256", LargeBinary, nullable=False),
        Column("content_sha256", LargeBinary, nullable=False),
        Column("person_sha256", LargeBinary, nullable=False),
        Column("submission_id", Uuid, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("original_id", Uuid, nullable=False),
        Column("tables", JSONB, nullable=False, server_default="[]"),
        Column("additions", JSONB, nullable=False, server_default="[]"),
        Column("profile_id", Uuid),
        Column("encounter_id", Uuid),
        Column("candidate_id", Uuid),
        Column("match_kind", Text, nullable=False),
        Column("match_reasons", JSONB, nullable=False, server_default="[]"),
        Column("match_without", JSONB, nullable=False, server_default="[]"),
        Column("source_state", Text, nullable=False),
        Column("received_at", INSTANT, nullable=False),
        Column("attached_at", INSTANT),
        Column("ended_at", INSTANT),
        UniqueConstraint("facility_code", "ma_lk", "version"),
        CheckConstraint(
            "state IN ('current','needs-review','superseded','withdrawn')", name="state"
        ),
        Index(
            "uq_received_visit_current",
            "facility_code",
            "ma_lk",
            unique=True,
            postgresql_where=is_current,
        ),
        Index(
            "uq_received_visit_review",
            "facility_code",
            "ma_lk",
            unique=True,
            postgresql_where=is_waiting,
        ),
        Index(
            "ix_received_visit_reviews",
            "facility_code",
            "received_at",
            "id",
            postgresql_where=is_waiting,
        ),
        Index("ix_received_visit_raw", "facility_code", "raw_sha256", postgresql_where=is_current),
    )


def create_order() -> None:
    op.create_table(
        "visit_order",
        Column("id", Uuid, primary_key=True),
        Column("facility_code", Text, nullable=False),
        Column("ma_lk", Text, nullable=False),
        Column("visit_id", Uuid, ForeignKey("received_visit.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("decision", Text),
        Column("reason", Text, nullable=False),
        Column("person", JSONB),
        Column("actor_kind", Text, nullable=False),
        Column("actor_id", Uuid),
        Column("state", Text, nullable=False),
        Column("refusal", Text),
        Column("ordered_at", INSTANT, nullable=False),
        Column("finished_at", INSTANT),
        CheckConstraint("state IN ('waiting','done','refused')", name="state"),
        Index("ix_visit_order_visit", "facility_code", "ma_lk", "ordered_at"),
    )


def protect() -> None:
    """By facility; the worker's queue, and what waits sealed in it, belong to the worker."""
    everything = "SELECT, INSERT, UPDATE, DELETE"
    protect_facility_table(op, "submission", web="SELECT, INSERT", worker=everything)
    # holds ids and counts alone; the worker trims old reports of every facility
    op.execute("CREATE POLICY trim ON submission TO phr_worker USING (true)")
    protect_facility_table(op, "submission_entry", worker=everything)
    protect_facility_table(op, "received_visit")
    protect_facility_table(op, "original", web="")
    protect_facility_table(op, "visit_order", web="SELECT, INSERT")
    for table in ("upload_chunk", "intake_work"):
        force_rls(op, table)
        op.execute(
            f"CREATE POLICY send ON {table} FOR INSERT WITH CHECK (facility_code = {FACILITY})"
        )
        op.execute(f"CREATE POLICY work ON {table} TO phr_worker USING (true)")
        grant(op, table, web="INSERT", worker=everything)
