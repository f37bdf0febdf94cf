"""Holds, bookings and their history, guests, the waitlist.

Revision ID: 0011
"""

from alembic import op

from phr_api.migrations.booking_functions import create_booking_functions
from phr_api.migrations.sql import (
    ACCOUNT,
    ALL_VERBS,
    FACILITY,
    PERSON_AND_CLASSES,
    PHONE,
    WRITE,
    force_rls,
    grant,
    let_worker,
    protect_by_role,
    protect_facility_table,
    protect_table,
)

revision = "0011"
down_revision = "0010"

TABLES = (
    """
CREATE TABLE guest (
    id uuid CONSTRAINT pk_guest PRIMARY KEY,
    facility_code text NOT NULL,
    full_name text NOT NULL,
    search_key text NOT NULL,
    phone text,
    birth text,
    sex text,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL
)
""",
    "CREATE INDEX ix_guest_facility_code_created_at ON guest (facility_code, created_at)",
    """
CREATE TABLE hold (
    id uuid CONSTRAINT pk_hold PRIMARY KEY,
    account_id uuid,
    session_id uuid,
    facility_code text NOT NULL,
    service_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT ck_hold_kind CHECK (kind IN ('hold', 'offer', 'desk')),
    people uuid[] NOT NULL DEFAULT '{}',
    waitlist_entry_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    booked_at timestamptz,
    released_at timestamptz
)
""",
    """
CREATE INDEX ix_hold_due ON hold (expires_at) WHERE booked_at IS NULL AND released_at IS NULL
""",
    """
CREATE INDEX ix_hold_account_id ON hold (account_id)
    WHERE booked_at IS NULL AND released_at IS NULL
""",
    """
CREATE TABLE booking (
    id uuid CONSTRAINT pk_booking PRIMARY KEY,
    hold_id uuid,
    facility_code text NOT NULL,
    service_id uuid NOT NULL,
    profile_id uuid,
    account_id uuid,
    guest_id uuid CONSTRAINT fk_booking_guest_id_guest REFERENCES guest (id),
    via_phone boolean NOT NULL DEFAULT false,
    person_name text,
    person_birth text,
    person_sex text,
    person_phone text,
    card_number text,
    card_valid_until date,
    slot_id uuid,
    seat_no integer,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    proposed_slot_id uuid,
    proposed_seat_no integer,
    proposed_starts_at timestamptz,
    proposed_ends_at timestamptz,
    proposal_until timestamptz,
    proposal_by text CONSTRAINT ck_booking_proposal_by
        CHECK (proposal_by IN ('clinic', 'replan')),
    state text NOT NULL CONSTRAINT ck_booking_state CHECK (state IN ('held', 'requested',
        'confirmed', 'declined', 'cancelled', 'no-show', 'arrived', 'in-room', 'done')),
    reason text,
    answers jsonb NOT NULL DEFAULT '{}',
    classes text[] NOT NULL DEFAULT '{}',
    source text NOT NULL DEFAULT 'app' CONSTRAINT ck_booking_source
        CHECK (source IN ('app', 'phone', 'desk', 'walk-in', 'waitlist', 'suggestion')),
    respond_by timestamptz,
    desk_reminded_at timestamptz,
    declined_reason text,
    alternatives uuid[] NOT NULL DEFAULT '{}',
    cancelled_by text,
    is_late boolean NOT NULL DEFAULT false,
    still_coming text CONSTRAINT ck_booking_still_coming CHECK (still_coming IN ('asked', 'yes')),
    shows_names boolean NOT NULL DEFAULT false,
    qr_secret text,
    sequence integer NOT NULL DEFAULT 0,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    state_at timestamptz NOT NULL,
    CONSTRAINT ck_booking_seat CHECK ((slot_id IS NULL) = (seat_no IS NULL)),
    CONSTRAINT ck_booking_needs_seat CHECK (slot_id IS NOT NULL OR state NOT IN ('held',
        'requested', 'confirmed') OR source = 'walk-in'),
    CONSTRAINT ck_booking_proposal CHECK (num_nonnulls(proposed_slot_id, proposed_seat_no,
        proposed_starts_at, proposed_ends_at, proposal_until, proposal_by) IN (0, 6)),
    CONSTRAINT ck_booking_whose CHECK (num_nonnulls(profile_id, guest_id) = 1 OR via_phone)
)
""",
    "CREATE UNIQUE INDEX uq_booking_held ON booking (profile_id, service_id) WHERE state = 'held'",
    """
CREATE UNIQUE INDEX uq_booking_seat ON booking (slot_id, seat_no)
    WHERE state IN ('held', 'requested', 'confirmed', 'arrived', 'in-room', 'done', 'no-show')
""",
    "CREATE INDEX ix_booking_profile_id_starts_at ON booking (profile_id, starts_at)",
    "CREATE INDEX ix_booking_facility_code_starts_at ON booking (facility_code, starts_at)",
    """
CREATE INDEX ix_booking_waiting ON booking (facility_code, created_at) WHERE state = 'requested'
""",
    "CREATE INDEX ix_booking_respond_by ON booking (respond_by) WHERE state = 'requested'",
    """
CREATE INDEX ix_booking_proposal_until ON booking (proposal_until)
    WHERE proposal_until IS NOT NULL
""",
    "CREATE INDEX ix_booking_hold_id ON booking (hold_id) WHERE state = 'held'",
    "CREATE INDEX ix_booking_account_id ON booking (account_id) WHERE via_phone",
    """
CREATE TABLE booking_event (
    id uuid CONSTRAINT pk_booking_event PRIMARY KEY,
    booking_id uuid NOT NULL,
    facility_code text NOT NULL,
    profile_id uuid,
    classes text[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    from_state text,
    to_state text NOT NULL,
    what text NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text,
    note text
)
""",
    "CREATE INDEX ix_booking_event_booking_id ON booking_event (booking_id, id)",
    """
CREATE TABLE waitlist_entry (
    id uuid CONSTRAINT pk_waitlist_entry PRIMARY KEY,
    place bigint GENERATED ALWAYS AS IDENTITY,
    profile_id uuid NOT NULL,
    account_id uuid NOT NULL,
    facility_code text NOT NULL,
    service_id uuid NOT NULL,
    from_on date NOT NULL,
    until_on date NOT NULL,
    part_of_day text NOT NULL DEFAULT 'any' CONSTRAINT ck_waitlist_entry_part_of_day
        CHECK (part_of_day IN ('any', 'morning', 'afternoon')),
    classes text[] NOT NULL DEFAULT '{}',
    state text NOT NULL CONSTRAINT ck_waitlist_entry_state
        CHECK (state IN ('waiting', 'offered', 'booked', 'passed', 'left', 'ended')),
    hold_id uuid,
    offer_until timestamptz,
    offers integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    version integer NOT NULL
)
""",
    """
CREATE UNIQUE INDEX uq_waitlist_entry_live ON waitlist_entry (profile_id, service_id)
    WHERE state IN ('waiting', 'offered')
""",
    """
CREATE INDEX ix_waitlist_entry_line ON waitlist_entry (service_id, place) WHERE state = 'waiting'
""",
    """
CREATE TABLE booking_due (
    booking_id uuid,
    what text CONSTRAINT ck_booking_due_what
        CHECK (what IN ('remind-day', 'remind-2h', 'still-coming')),
    due_at timestamptz NOT NULL,
    CONSTRAINT pk_booking_due PRIMARY KEY (booking_id, what)
)
""",
    "CREATE INDEX ix_booking_due_due_at ON booking_due (due_at)",
)

OWN_FACILITY = f"facility_code = {FACILITY}"
# the history of a booking that a phone number's account may see
PHONE_EVENT = (
    "profile_id IS NULL AND EXISTS (SELECT 1 FROM booking b WHERE b.id = booking_id"
    f" AND b.via_phone AND b.account_id = {ACCOUNT})"
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    protect_bookings()
    protect_table(op, "hold", f"account_id = {ACCOUNT}", web=WRITE, worker=ALL_VERBS)
    protect_facility_table(op, "guest", web=WRITE, worker=ALL_VERBS)
    protect_table(op, "waitlist_entry", PERSON_AND_CLASSES, web=WRITE, worker=ALL_VERBS)
    for table in ("hold", "guest", "waitlist_entry"):
        let_worker(op, table)
    # ids and times only; to delete by id, the id has to be readable
    protect_by_role(op, "booking_due", web="SELECT (booking_id), INSERT, DELETE", worker=ALL_VERBS)
    create_booking_functions(op)


def protect_bookings() -> None:
    """Whose it is, the facility's staff, a phone's account; a desk sees no mere hold."""
    for table, state, phone in (
        ("booking", "state", PHONE),
        ("booking_event", "to_state", PHONE_EVENT),
    ):
        force_rls(op, table)
        let_worker(op, table)
        for name, seen, written in (
            ("person", PERSON_AND_CLASSES, PERSON_AND_CLASSES),
            ("facility", f"{OWN_FACILITY} AND {state} <> 'held'", OWN_FACILITY),
            ("phone", phone, phone),
        ):
            op.execute(
                f"CREATE POLICY {name} ON {table} TO phr_web USING ({seen}) WITH CHECK ({written})"
            )
    op.execute(
        "CREATE POLICY only_holds_go ON booking AS RESTRICTIVE FOR DELETE TO phr_web"
        " USING (state = 'held')"
    )
    grant(op, "booking", web=ALL_VERBS, worker=ALL_VERBS)
    grant(op, "booking_event", web="SELECT, INSERT", worker=ALL_VERBS)
