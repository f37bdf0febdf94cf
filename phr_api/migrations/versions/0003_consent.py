"""Carers, and the one function that opens a person's record.

Revision ID: 0003
"""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from phr_api.migrations.sql import ACCOUNT, FACILITY, PERSON, definer, force_rls, grant

revision = "0003"
down_revision = "0002"

SECTIONS = (
    "profile,coverage,encounters,medications,results,procedures,notes,programmes,papers,"
    "immunizations,allergies,conditions,measurements"
)
CLASSES = "hiv,tb,mental,reproductive"
POWERS = "see,book,join,share"

# The right is one statement: session, account, assurance and relation together (R5), after the
# settings its policies read are in place, before the scope is set (R9). Always one row.
OPEN_RECORD = f"""
CREATE FUNCTION open_record(
    p_account uuid, p_session uuid, p_profile uuid, p_power text, p_at timestamptz,
    OUT is_live boolean, OUT assurance text, OUT relation text, OUT powers text[],
    OUT classes text[]
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true),
            set_config('phr.session_id', p_session::text, true),
            set_config('phr.principal_id', p_account::text, true),
            set_config('phr.profile_id', '', true);
    SELECT live.assurance,
           CASE WHEN own.profile_id IS NOT NULL THEN 'self'
                WHEN cared.profile_id IS NOT NULL THEN 'carer' END,
           CASE WHEN own.profile_id IS NOT NULL THEN string_to_array('{POWERS}', ',')
                ELSE cared.powers END
    INTO assurance, relation, powers
    FROM (SELECT live_session(p_account, p_session, p_at) AS assurance) live
    LEFT JOIN profile_link own
        ON own.profile_id = p_profile AND own.account_id = p_account
    LEFT JOIN carer cared
        ON cared.profile_id = p_profile AND cared.account_id = p_account
        AND cared.ended_at IS NULL AND cared.suspended_at IS NULL
        AND cared.starts_at <= p_at AND p_at < cared.ends_at;
    is_live := assurance IS NOT NULL;
    IF assurance IS DISTINCT FROM 'record' OR relation IS NULL OR NOT p_power = ANY (powers) THEN
        relation := NULL;
        RETURN;
    END IF;
    PERFORM set_config('phr.profile_id', p_profile::text, true),
            set_config('phr.sections', '{SECTIONS}', true),
            set_config('phr.classes', '', true);
    classes := string_to_array('{CLASSES}', ',');
    IF relation = 'carer' AND carer_age_reached(p_profile, 'sensitive-hidden', p_at) THEN
        classes := '{{}}';
    END IF;
    PERFORM set_config('phr.classes', array_to_string(classes, ','), true);
END $$"""

# Two people by all that a document says of them; ids only (R10), never by a declared number.
FIND_CARER_PAIR = """
CREATE FUNCTION {name}(
    child_system text, child_value text, child_name text, birth_of_child text,
    carer_system text, carer_value text, carer_name text, birth_of_carer text
) RETURNS TABLE (child_id uuid, child_birth date, account_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT child.id, child.birth_earliest, link.account_id
    FROM profile child
    JOIN profile_identifier child_number ON child_number.profile_id = child.id
        AND child_number.system = child_system AND child_number.value = child_value
        AND child_number.assurance IN ('verified', 'received') AND child_number.ended_at IS NULL
    JOIN profile_identifier carer_number ON carer_number.system = carer_system
        AND carer_number.value = carer_value AND carer_number.assurance = 'verified'
        AND carer_number.ended_at IS NULL
    JOIN profile carer ON carer.id = carer_number.profile_id
    JOIN profile_link link ON link.profile_id = carer.id
    WHERE child.name_key = child_name AND child.birth = birth_of_child
      AND carer.name_key = carer_name AND carer.birth = birth_of_carer
    LIMIT 1
$$"""

# Session, account, membership and client in one statement (R5, R7); always one row.
OPEN_FACILITY = """
CREATE FUNCTION open_facility(
    p_account uuid, p_session uuid, p_client uuid, p_facility text, p_at timestamptz,
    OUT is_live boolean, OUT roles text[]
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM set_config('phr.account_id', coalesce(p_account::text, ''), true),
            set_config('phr.session_id', coalesce(p_session::text, ''), true),
            set_config('phr.principal_id', coalesce(p_account, p_client)::text, true),
            set_config('phr.facility_id', '', true);
    IF p_client IS NOT NULL THEN
        SELECT true, CASE WHEN live_client(c.id, p_facility) THEN '{system}'::text[] END
        INTO is_live, roles FROM client c WHERE c.id = p_client AND c.ended_at IS NULL;
    ELSE
        SELECT live_session(p_account, p_session, p_at) IS NOT NULL,
               live_membership(p_account, p_session, p_facility, p_at)
        INTO is_live, roles;
    END IF;
    is_live := coalesce(is_live, false);
    IF roles IS NOT NULL THEN
        PERFORM set_config('phr.facility_id', p_facility, true);
    END IF;
END $$"""

# A birth with unknown parts counts from its earliest day: hidden too early rather than too late.
AGE_REACHED = """
CREATE FUNCTION carer_age_reached(p_profile uuid, p_rule text, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT (p_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
           >= p.birth_earliest + make_interval(years => r.years)
    FROM profile p, age_rule r WHERE p.id = p_profile AND r.name = p_rule
$$"""


def upgrade() -> None:
    op.create_table(
        "carer",
        Column("id", Uuid),
        Column("profile_id", Uuid, ForeignKey("profile.id"), nullable=False),
        Column("account_id", Uuid, ForeignKey("account.id"), nullable=False),
        Column("relation", Text, nullable=False),
        Column("powers", ARRAY(Text), nullable=False, server_default="{}"),
        Column("starts_at", DateTime(timezone=True), nullable=False),
        Column("ends_at", DateTime(timezone=True), nullable=False),
        Column("recorded_by", Uuid),
        Column("facility_code", Text),
        Column("reason", Text, nullable=False),
        Column("suspended_at", DateTime(timezone=True)),
        Column("ended_at", DateTime(timezone=True)),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("profile_id", "id"),
        CheckConstraint("powers <@ ARRAY['see', 'book', 'join', 'share']", name="powers"),
        CheckConstraint("starts_at < ends_at", name="period"),
        Index("ix_carer_account_id", "account_id"),
        Index(
            "uq_carer_live",
            "profile_id",
            "account_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    op.create_table(
        "age_rule",
        Column("name", Text, primary_key=True),
        Column("years", Integer, nullable=False),
    )
    op.execute("INSERT INTO age_rule VALUES ('sensitive-hidden', 15), ('carer-ends', 18)")
    op.execute("GRANT SELECT ON age_rule TO phr_web, phr_worker")
    protect_carer()
    op.execute(AGE_REACHED)
    op.execute(OPEN_RECORD)
    op.execute(OPEN_FACILITY)
    # one role each (R10): the desk's in the web process, the operator's at the command line
    for name, role in (("find_carer_pair", "phr_web"), ("find_carer_pair_seen", "phr_worker")):
        signature = f"{name}(text, text, text, text, text, text, text, text)"
        definer(op, FIND_CARER_PAIR.format(name=name), signature, to=(role,))
    for signature in (
        "open_facility(uuid, uuid, uuid, text, timestamptz)",
        "carer_age_reached(uuid, text, timestamptz)",
        "open_record(uuid, uuid, uuid, text, timestamptz)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_web, phr_worker")


def protect_carer() -> None:
    """A carer sees their own rows, the person theirs, a facility what it recorded."""
    force_rls(op, "carer")
    op.execute(f"CREATE POLICY own ON carer FOR SELECT USING (account_id = {ACCOUNT})")
    op.execute(f"CREATE POLICY person ON carer FOR SELECT USING (profile_id = {PERSON})")
    recorded = f"facility_code = {FACILITY}"
    op.execute(
        f"CREATE POLICY facility ON carer TO phr_web USING ({recorded}) WITH CHECK ({recorded})"
    )
    # operators work at the command line with the worker's role, on the person they set
    person = f"profile_id = {PERSON}"
    op.execute(
        f"CREATE POLICY operator ON carer TO phr_worker USING ({person}) WITH CHECK ({person})"
    )
    grant(op, "carer", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
