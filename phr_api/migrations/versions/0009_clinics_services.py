"""What clinics offer and when: services, practitioners, schedules, slots and their seats.

Revision ID: 0009
"""

from alembic import op

from phr_api.migrations import appointment_functions as functions
from phr_api.migrations.sql import (
    ACCOUNT,
    ALL_VERBS,
    FACILITY,
    PERSON,
    force_rls,
    grant,
    invoker,
    let_worker,
    protect_directory_table,
)

revision = "0009"
down_revision = "0008"

TABLES = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """
ALTER TABLE facility ADD COLUMN latitude numeric(9,6), ADD COLUMN longitude numeric(9,6),
    ADD COLUMN remote_licence text
""",
    "ALTER TABLE membership DROP CONSTRAINT ck_membership_role",
    """
ALTER TABLE membership ADD CONSTRAINT ck_membership_role
    CHECK (role IN ('desk', 'doctor', 'viewer'))
""",
    """
CREATE TABLE practitioner (
    id uuid CONSTRAINT pk_practitioner PRIMARY KEY,
    facility_code text NOT NULL CONSTRAINT fk_practitioner_facility_code_facility
        REFERENCES facility (code),
    full_name text NOT NULL,
    title text,
    licence_number text NOT NULL,
    specialty text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT uq_practitioner_facility_code_licence_number
        UNIQUE (facility_code, licence_number)
)
""",
    """
CREATE TABLE clinic_queue (
    id uuid CONSTRAINT pk_clinic_queue PRIMARY KEY,
    facility_code text NOT NULL CONSTRAINT fk_clinic_queue_facility_code_facility
        REFERENCES facility (code),
    name text NOT NULL,
    prefix text NOT NULL CONSTRAINT ck_clinic_queue_prefix CHECK (prefix ~ '^[A-Z]{0,2}$'),
    rooms text[] NOT NULL DEFAULT '{}',
    screen_key text NOT NULL CONSTRAINT uq_clinic_queue_screen_key UNIQUE,
    minutes_each integer NOT NULL DEFAULT 8,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
)
""",
    """
CREATE TABLE clinic_service (
    id uuid CONSTRAINT pk_clinic_service PRIMARY KEY,
    facility_code text NOT NULL CONSTRAINT fk_clinic_service_facility_code_facility
        REFERENCES facility (code),
    code text NOT NULL,
    name text NOT NULL,
    name_en text,
    search_key text NOT NULL,
    kind text NOT NULL CONSTRAINT ck_clinic_service_kind CHECK (kind IN ('on-site', 'remote')),
    minutes integer NOT NULL CONSTRAINT ck_clinic_service_minutes
        CHECK (minutes BETWEEN 1 AND 480),
    price_vnd bigint CONSTRAINT ck_clinic_service_price_vnd CHECK (price_vnd >= 0),
    preparation text,
    classes text[] NOT NULL DEFAULT '{}',
    questions jsonb NOT NULL DEFAULT '[]',
    queue_id uuid CONSTRAINT fk_clinic_service_queue_id_clinic_queue REFERENCES clinic_queue (id),
    confirms_itself boolean NOT NULL DEFAULT false,
    respond_minutes integer NOT NULL DEFAULT 240 CONSTRAINT ck_clinic_service_respond_minutes
        CHECK (respond_minutes BETWEEN 1 AND 20160),
    when_unanswered text NOT NULL DEFAULT 'decline' CONSTRAINT ck_clinic_service_when_unanswered
        CHECK (when_unanswered IN ('confirm', 'decline')),
    lead_minutes integer NOT NULL DEFAULT 60,
    cancel_minutes integer NOT NULL DEFAULT 120,
    most_open integer NOT NULL DEFAULT 2,
    has_waitlist boolean NOT NULL DEFAULT true,
    offer_minutes integer NOT NULL DEFAULT 30,
    asks_still_coming boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT uq_clinic_service_facility_code_code UNIQUE (facility_code, code)
)
""",
    "CREATE INDEX ix_clinic_service_code ON clinic_service (code) WHERE ended_at IS NULL",
    """
CREATE TABLE holiday (
    on_date date,
    country text NOT NULL DEFAULT 'VN',
    name_vi text NOT NULL,
    name_en text NOT NULL,
    CONSTRAINT pk_holiday PRIMARY KEY (country, on_date)
)
""",
    """
CREATE TABLE schedule (
    id uuid CONSTRAINT pk_schedule PRIMARY KEY,
    facility_code text NOT NULL,
    service_id uuid NOT NULL CONSTRAINT fk_schedule_service_id_clinic_service
        REFERENCES clinic_service (id),
    practitioner_id uuid CONSTRAINT fk_schedule_practitioner_id_practitioner
        REFERENCES practitioner (id),
    room text,
    name text NOT NULL,
    pattern text NOT NULL CONSTRAINT ck_schedule_pattern
        CHECK (pattern IN ('weekly', 'month-day', 'nth-weekday', 'dates')),
    weekdays integer[] NOT NULL DEFAULT '{}',
    month_days integer[] NOT NULL DEFAULT '{}',
    nths integer[] NOT NULL DEFAULT '{}',
    starts time NOT NULL,
    ends time NOT NULL,
    slot_minutes integer NOT NULL,
    capacity integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    works_on_holidays boolean NOT NULL DEFAULT false,
    release_days integer NOT NULL DEFAULT 30,
    release_time time NOT NULL DEFAULT '07:00',
    made_until date,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT ck_schedule_hours CHECK (starts < ends),
    CONSTRAINT ck_schedule_slot_minutes CHECK (slot_minutes BETWEEN 5 AND 480),
    CONSTRAINT ck_schedule_capacity CHECK (capacity BETWEEN 1 AND 5000),
    CONSTRAINT ck_schedule_release_days CHECK (release_days BETWEEN 0 AND 180),
    CONSTRAINT ck_schedule_weekdays CHECK (weekdays <@ ARRAY[1,2,3,4,5,6,7]),
    CONSTRAINT ck_schedule_nths CHECK (nths <@ ARRAY[1,2,3,4,5,-1])
)
""",
    "CREATE INDEX ix_schedule_due_at ON schedule (due_at) WHERE ended_at IS NULL",
    "CREATE INDEX ix_schedule_service_id ON schedule (service_id)",
    """
CREATE TABLE schedule_exception (
    id uuid CONSTRAINT pk_schedule_exception PRIMARY KEY,
    facility_code text NOT NULL,
    schedule_id uuid CONSTRAINT fk_schedule_exception_schedule_id_schedule
        REFERENCES schedule (id),
    practitioner_id uuid CONSTRAINT fk_schedule_exception_practitioner_id_practitioner
        REFERENCES practitioner (id),
    kind text NOT NULL CONSTRAINT ck_schedule_exception_kind CHECK (kind IN ('closed', 'extra')),
    from_on date NOT NULL,
    until_on date NOT NULL,
    starts time,
    ends time,
    capacity integer,
    reason text,
    created_by uuid,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT ck_schedule_exception_period CHECK (from_on <= until_on),
    CONSTRAINT ck_schedule_exception_extra
        CHECK (kind = 'closed' OR (schedule_id IS NOT NULL AND starts < ends))
)
""",
    """
CREATE INDEX ix_schedule_exception_facility_code_until_on
    ON schedule_exception (facility_code, until_on)
""",
    """
CREATE TABLE slot (
    id uuid CONSTRAINT pk_slot PRIMARY KEY,
    schedule_id uuid NOT NULL CONSTRAINT fk_slot_schedule_id_schedule REFERENCES schedule (id),
    facility_code text NOT NULL,
    province text,
    service_id uuid NOT NULL,
    service_code text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    capacity integer NOT NULL,
    status text NOT NULL CONSTRAINT ck_slot_status CHECK (status IN ('open', 'closed')),
    created_at timestamptz NOT NULL,
    CONSTRAINT uq_slot_schedule_id_starts_at UNIQUE (schedule_id, starts_at),
    CONSTRAINT ck_slot_period CHECK (starts_at < ends_at)
)
""",
    """
CREATE INDEX ix_slot_service_id_starts_at ON slot (service_id, starts_at) WHERE status = 'open'
""",
    """
CREATE INDEX ix_slot_province_service_code_starts_at ON slot (province, service_code, starts_at)
    WHERE status = 'open'
""",
    "CREATE INDEX ix_slot_facility_code_starts_at ON slot (facility_code, starts_at)",
    """
CREATE TABLE seat (
    slot_id uuid,
    seat_no integer,
    facility_code text NOT NULL,
    booking_id uuid,
    profile_id uuid,
    account_id uuid,
    during tstzrange,
    for_waitlist boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_seat PRIMARY KEY (slot_id, seat_no),
    CONSTRAINT ck_seat_taken CHECK ((booking_id IS NULL) = (during IS NULL)),
    CONSTRAINT ck_seat_owner
        CHECK (booking_id IS NOT NULL OR (profile_id IS NULL AND account_id IS NULL)),
    CONSTRAINT ex_seat_person EXCLUDE USING gist (profile_id WITH =, booking_id WITH <>, during
        WITH &&) WHERE (booking_id IS NOT NULL)
) WITH (fillfactor = 70)
""",
    """
CREATE INDEX ix_seat_free ON seat (slot_id, seat_no)
    WHERE booking_id IS NULL AND NOT for_waitlist
""",
    """
CREATE INDEX ix_seat_for_waitlist ON seat (slot_id) WHERE booking_id IS NULL AND for_waitlist
""",
    "",
)

# A free seat is everybody's; a taken one is its account's, its person's and its facility's.
SEEN = (
    f"booking_id IS NULL OR account_id = {ACCOUNT} OR profile_id = {PERSON}"
    f" OR facility_code = {FACILITY}"
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    grant(op, "holiday", web="SELECT", worker=ALL_VERBS)
    op.execute("GRANT SELECT ON holiday TO phr_definer")
    for table in (
        "practitioner",
        "clinic_queue",
        "clinic_service",
        "schedule",
        "schedule_exception",
    ):
        protect_directory_table(op, table)
    # a desk that changes its plan closes slots at once; new ones are the worker's
    protect_directory_table(op, "slot", web="SELECT, UPDATE (status)")
    protect_seat()
    for sql, signature in functions.SEATS:
        invoker(op, sql, signature, to=("phr_web", "phr_worker"))


def protect_seat() -> None:
    force_rls(op, "seat")
    op.execute(f"CREATE POLICY seen ON seat TO phr_web USING ({SEEN}) WITH CHECK ({SEEN})")
    let_worker(op, "seat")
    changed = "booking_id, profile_id, account_id, during, for_waitlist"
    grant(op, "seat", web=f"SELECT, UPDATE ({changed})", worker=ALL_VERBS)
    # a seat of a wanted slot changes hands often: its dead rows go before a search meets them
    op.execute("ALTER TABLE seat SET (autovacuum_vacuum_scale_factor = 0.02)")
