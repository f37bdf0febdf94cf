"""Live positions, openings by anybody, numbers for SMS that were proven, a ceiling of SMS a day.

Revision ID: 0017
"""

from alembic import op

from phr_api.migrations import telling_functions as functions
from phr_api.migrations.sql import (
    ALL_VERBS,
    definer,
    invoker,
    let_worker,
    protect_account_table,
    protect_by_role,
)

revision = "0017"
down_revision = "0016"

TABLES = (
    """
CREATE TABLE line_change (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_line_change PRIMARY KEY,
    queue_id uuid NOT NULL,
    on_date date NOT NULL,
    ticket_id uuid NOT NULL
)
""",
    """
CREATE TABLE sms_code (
    account_id uuid CONSTRAINT pk_sms_code PRIMARY KEY,
    phone text NOT NULL,
    code_hash bytea NOT NULL,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    proven_at timestamptz
)
""",
    """
CREATE TABLE sms_day (
    key bytea,
    on_date date,
    count integer NOT NULL,
    CONSTRAINT pk_sms_day PRIMARY KEY (key, on_date)
)
""",
    # numbers from before were never proven: they get nothing until they are
    "ALTER TABLE notification_setting ADD COLUMN sms_proven_at timestamptz",
    "ALTER TABLE notification DROP CONSTRAINT ck_notification_category",
    """
ALTER TABLE notification ADD CONSTRAINT ck_notification_category CHECK (category IN ('booking',
    'reminder', 'offer', 'record', 'correction', 'access', 'queue', 'account'))
""",
    # whose numbers of today there are is asked at each change of a line
    """
CREATE INDEX ix_ticket_profile_id_on_date ON ticket (profile_id, on_date)
    WHERE profile_id IS NOT NULL
""",
    "CREATE INDEX ix_ticket_account_id_on_date ON ticket (account_id, on_date) WHERE via_phone",
    # whether something newer has a push's place on the phone is asked when it is claimed
    """
CREATE INDEX ix_delivery_token_id_collapse_id ON delivery (token_id, collapse_id)
    WHERE token_id IS NOT NULL
""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    protect_by_role(op, "line_change", worker="SELECT, DELETE, UPDATE")
    protect_by_role(op, "sms_day", worker=ALL_VERBS)
    protect_account_table(op, "sms_code", web=ALL_VERBS, worker="SELECT, DELETE")
    let_worker(op, "sms_code")
    op.execute(functions.TARGETS)
    op.execute(functions.READ_INBOX)
    opened = "tell_opened(uuid, uuid, uuid, boolean, timestamptz)"
    definer(op, functions.TELL_OPENED, opened, to=("phr_web", "phr_worker"))
    accounts = "line_accounts(uuid[], date[], uuid[], timestamptz)"
    definer(op, functions.LINE_ACCOUNTS, accounts, to=("phr_worker",))
    definer(op, functions.LINE_CHANGED, "line_changed()", to=())
    for trigger in functions.LINE_TRIGGERS:
        op.execute(trigger)
    positions = "read_positions(uuid, uuid, date, timestamptz)"
    invoker(op, functions.READ_POSITIONS, positions, to=("phr_web",))
