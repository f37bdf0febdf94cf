"""The line at the clinic: numbers, who is next, blocks for a desk offline, the closing of a day.

Revision ID: 0012
"""

from alembic import op

from phr_api.migrations import queue_functions as functions
from phr_api.migrations.sql import (
    ALL_VERBS,
    FACILITY,
    PERSON_AND_CLASSES,
    PHONE,
    READ,
    WRITE,
    definer,
    force_rls,
    grant,
    let_worker,
    protect_directory_table,
    protect_facility_table,
)

revision = "0012"
down_revision = "0011"

TABLES = (
    """
CREATE TABLE priority_class (
    code text CONSTRAINT pk_priority_class PRIMARY KEY,
    rank integer NOT NULL,
    display_vi text NOT NULL,
    display_en text NOT NULL,
    min_years integer,
    max_years integer,
    source text NOT NULL
)
""",
    """
INSERT INTO priority_class VALUES
    ('emergency', 0, 'Cấp cứu', 'Emergency', NULL, NULL, 'Luật 15/2023/QH15'),
    ('under-6', 1, 'Trẻ em dưới 6 tuổi', 'Child under 6', NULL, 6, 'Luật 15/2023/QH15'),
    ('pregnant', 1, 'Phụ nữ có thai', 'Pregnant', NULL, NULL, 'Luật 15/2023/QH15'),
    ('severe-disability', 1, 'Người khuyết tật nặng, đặc biệt nặng', 'Severe disability',
     NULL, NULL, 'Luật 15/2023/QH15'),
    ('aged-75', 1, 'Người từ đủ 75 tuổi', 'Aged 75 or more', 75, NULL, 'Luật 15/2023/QH15'),
    ('merit', 1, 'Người có công với cách mạng', 'Person of merit', NULL, NULL,
     'Luật 15/2023/QH15'),
    ('none', 9, 'Không ưu tiên', 'No priority', NULL, NULL, '')
""",
    """
CREATE TABLE queue_day (
    queue_id uuid,
    on_date date,
    facility_code text NOT NULL,
    next_number integer NOT NULL DEFAULT 1,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_queue_day PRIMARY KEY (queue_id, on_date)
)
""",
    """
CREATE TABLE ticket (
    id uuid CONSTRAINT pk_ticket PRIMARY KEY,
    facility_code text NOT NULL,
    queue_id uuid NOT NULL,
    on_date date NOT NULL,
    number integer NOT NULL,
    booking_id uuid,
    profile_id uuid,
    guest_id uuid,
    via_phone boolean NOT NULL DEFAULT false,
    account_id uuid,
    classes text[] NOT NULL DEFAULT '{}',
    priority text NOT NULL DEFAULT 'none' CONSTRAINT fk_ticket_priority_priority_class
        REFERENCES priority_class (code),
    rank integer NOT NULL DEFAULT 9,
    state text NOT NULL CONSTRAINT ck_ticket_state
        CHECK (state IN ('waiting', 'called', 'skipped', 'in-room', 'done', 'left')),
    room text,
    source text NOT NULL CONSTRAINT ck_ticket_source
        CHECK (source IN ('qr', 'card', 'desk', 'walk-in', 'offline')),
    turn numeric NOT NULL,
    created_at timestamptz NOT NULL,
    called_at timestamptz,
    done_at timestamptz,
    calls integer NOT NULL DEFAULT 0,
    by_name text,
    version integer NOT NULL,
    CONSTRAINT uq_ticket_queue_id_on_date_number UNIQUE (queue_id, on_date, number)
)
""",
    """
CREATE UNIQUE INDEX uq_ticket_booking_id ON ticket (booking_id)
    WHERE booking_id IS NOT NULL AND state <> 'left'
""",
    """
CREATE INDEX ix_ticket_line ON ticket (queue_id, on_date, rank, turn) WHERE state = 'waiting'
""",
    "CREATE INDEX ix_ticket_facility_code_on_date ON ticket (facility_code, on_date)",
    """
CREATE TABLE number_block (
    id uuid CONSTRAINT pk_number_block PRIMARY KEY,
    facility_code text NOT NULL,
    queue_id uuid NOT NULL,
    on_date date NOT NULL,
    first integer NOT NULL,
    last integer NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_number_block_range CHECK (first <= last)
)
""",
    """
CREATE TABLE day_closing (
    id uuid CONSTRAINT pk_day_closing PRIMARY KEY,
    facility_code text NOT NULL,
    on_date date NOT NULL,
    closed_by uuid NOT NULL,
    by_name text NOT NULL,
    closed_at timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by_name text,
    changes jsonb NOT NULL
)
""",
    """
CREATE UNIQUE INDEX uq_day_closing_live ON day_closing (facility_code, on_date)
    WHERE undone_at IS NULL
""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    grant(op, "priority_class", web=READ, worker=ALL_VERBS)
    op.execute("GRANT SELECT ON priority_class TO phr_definer")
    # numbers only: how far the line is may be seen by everybody in it
    protect_directory_table(op, "queue_day")
    protect_ticket()
    for table, worker in (("number_block", ALL_VERBS), ("day_closing", READ)):
        protect_facility_table(op, table, web=WRITE, worker=worker)
        let_worker(op, table)
    for sql, signature in functions.CLOSED_LIST:
        definer(op, sql, signature, to=("phr_web",))


def protect_ticket() -> None:
    """The facility works with it; the person and a phone's account look at theirs."""
    force_rls(op, "ticket")
    own = f"facility_code = {FACILITY}"
    op.execute(f"CREATE POLICY facility ON ticket TO phr_web USING ({own}) WITH CHECK ({own})")
    for name, seen in (("person", PERSON_AND_CLASSES), ("phone", PHONE)):
        op.execute(f"CREATE POLICY {name} ON ticket FOR SELECT TO phr_web USING ({seen})")
    let_worker(op, "ticket")
    grant(op, "ticket", web=WRITE, worker="SELECT, UPDATE, DELETE")
