"""The inbox, which is the outbox too; push tokens, settings, deliveries; proven phone numbers.

Revision ID: 0010
"""

from alembic import op

from phr_api.migrations import notification_functions
from phr_api.migrations.sql import (
    ACCOUNT,
    ALL_VERBS,
    PERSON_AND_CLASSES,
    PHONE,
    force_rls,
    grant,
    let_worker,
    protect_account_table,
    protect_by_role,
)

revision = "0010"
down_revision = "0009"

TABLES = (
    """
CREATE TABLE notification (
    id uuid CONSTRAINT pk_notification PRIMARY KEY,
    profile_id uuid,
    account_id uuid,
    via_phone boolean NOT NULL DEFAULT false,
    category text NOT NULL CONSTRAINT ck_notification_category CHECK (category IN ('booking',
        'reminder', 'offer', 'record', 'access', 'queue', 'account')),
    kind text NOT NULL,
    ref_kind text,
    ref_id uuid,
    params jsonb NOT NULL DEFAULT '{}',
    classes text[] NOT NULL DEFAULT '{}',
    is_urgent boolean NOT NULL DEFAULT false,
    wants_sms boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    relayed_at timestamptz,
    CONSTRAINT ck_notification_owner CHECK (num_nonnulls(profile_id, account_id) >= 1)
)
""",
    "CREATE INDEX ix_notification_profile_id_id ON notification (profile_id, id)",
    """
CREATE INDEX ix_notification_account_id_id ON notification (account_id, id)
    WHERE account_id IS NOT NULL
""",
    "CREATE INDEX ix_notification_outbox ON notification (due_at, id) WHERE relayed_at IS NULL",
    "CREATE INDEX ix_notification_ref_id ON notification (ref_id) WHERE relayed_at IS NULL",
    """
CREATE TABLE inbox_mark (
    account_id uuid,
    notification_id uuid,
    read_at timestamptz NOT NULL,
    CONSTRAINT pk_inbox_mark PRIMARY KEY (account_id, notification_id)
)
""",
    """
CREATE TABLE inbox_state (
    account_id uuid CONSTRAINT pk_inbox_state PRIMARY KEY,
    read_before uuid,
    updated_at timestamptz NOT NULL
)
""",
    """
CREATE TABLE push_token (
    id uuid CONSTRAINT pk_push_token PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    device_id uuid NOT NULL,
    token text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT uq_push_token_token_hash UNIQUE,
    platform text NOT NULL CONSTRAINT ck_push_token_platform
        CHECK (platform IN ('android', 'ios', 'web')),
    language text NOT NULL DEFAULT 'vi',
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT uq_push_token_account_id_device_id UNIQUE (account_id, device_id)
)
""",
    "CREATE INDEX ix_push_token_seen_at ON push_token (seen_at)",
    """
CREATE TABLE notification_setting (
    account_id uuid CONSTRAINT pk_notification_setting PRIMARY KEY,
    language text NOT NULL DEFAULT 'vi',
    quiet_from time NOT NULL DEFAULT '21:00',
    quiet_until time NOT NULL DEFAULT '07:00',
    opened text NOT NULL DEFAULT 'first' CONSTRAINT ck_notification_setting_opened
        CHECK (opened IN ('every', 'first', 'emergency')),
    remind_day_before boolean NOT NULL DEFAULT true,
    remind_two_hours boolean NOT NULL DEFAULT true,
    sms_phone text,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL
)
""",
    """
CREATE TABLE notification_preference (
    account_id uuid,
    category text,
    channel text CONSTRAINT ck_notification_preference_channel CHECK (channel IN ('push', 'sms')),
    is_on boolean NOT NULL,
    CONSTRAINT pk_notification_preference PRIMARY KEY (account_id, category, channel)
)
""",
    """
CREATE TABLE delivery (
    id uuid CONSTRAINT pk_delivery PRIMARY KEY,
    notification_id uuid NOT NULL,
    account_id uuid NOT NULL,
    token_id uuid,
    channel text NOT NULL CONSTRAINT ck_delivery_channel CHECK (channel IN ('push', 'sms')),
    state text NOT NULL CONSTRAINT ck_delivery_state
        CHECK (state IN ('due', 'handed', 'expired', 'dead')),
    collapse_id text NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    reason text,
    handed_at timestamptz,
    updated_at timestamptz NOT NULL,
    CONSTRAINT uq_delivery_notification_id_account_id_channel_token_id
        UNIQUE NULLS NOT DISTINCT (notification_id, account_id, channel, token_id)
)
""",
    "CREATE INDEX ix_delivery_due ON delivery (due_at) WHERE state = 'due'",
    """
CREATE TABLE phone_proof (
    account_id uuid CONSTRAINT pk_phone_proof PRIMARY KEY
        CONSTRAINT fk_phone_proof_account_id_account REFERENCES account (id),
    phone text NOT NULL,
    verified_at timestamptz NOT NULL
)
""",
)

# A person's in scope, or one's own; of a phone's account what came since its number was proven.
INBOX = (
    f"({PERSON_AND_CLASSES}) OR (profile_id IS NULL AND account_id = {ACCOUNT}"
    f" AND (NOT via_phone OR {PHONE}))"
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    protect_notification()
    for table in (
        "inbox_mark",
        "inbox_state",
        "push_token",
        "notification_setting",
        "notification_preference",
    ):
        protect_account_table(op, table, web=ALL_VERBS, worker="SELECT, DELETE")
        let_worker(op, table)
    protect_by_role(op, "delivery", worker=ALL_VERBS)
    protect_account_table(op, "phone_proof", web="SELECT", worker="")
    notification_functions.create(op)


def protect_notification() -> None:
    force_rls(op, "notification")
    op.execute(f"CREATE POLICY inbox ON notification FOR SELECT TO phr_web USING ({INBOX})")
    # a cause may tell anybody: the row says nothing back to who wrote it
    op.execute("CREATE POLICY told ON notification FOR INSERT TO phr_web WITH CHECK (true)")
    let_worker(op, "notification")
    grant(op, "notification", web="SELECT, INSERT", worker=ALL_VERBS)
