"""SQL functions of revision 0002: who is live, linking and activation, and the list of them all.

Those that look across people run as phr_definer and return ids, outcomes and names of fields,
never another person's values (RIGHTS R10, R11). They change only by a new revision.
"""

from phr_api.migrations.identity_matching import (
    CHECK_PROOF,
    ENSURE_PERSON,
    LOCK_NUMBERS,
    MATCH_PERSON,
)
from phr_api.migrations.sql import Executes, definer, own_function

# Read in the same statement as a right, so that a cached token opens nothing afterwards (R5).
LIVE_SESSION = """
CREATE FUNCTION live_session(p_account uuid, p_session uuid, p_at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT s.assurance FROM session s JOIN account a ON a.id = s.account_id
    WHERE s.id = p_session AND s.account_id = p_account
      AND s.ended_at IS NULL AND p_at < s.expires_at AND a.closed_at IS NULL
$$"""

# Roles at a facility, held by a session with a second factor (R7).
LIVE_MEMBERSHIP = """
CREATE FUNCTION live_membership(
    p_account uuid, p_session uuid, p_facility text, p_at timestamptz
) RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT array_agg(m.role ORDER BY m.role)
    FROM session s
    JOIN account a ON a.id = s.account_id
    JOIN membership m ON m.account_id = a.id
    WHERE s.id = p_session AND s.account_id = p_account AND s.kind = 'staff'
      AND s.has_second_factor AND s.ended_at IS NULL AND p_at < s.expires_at
      AND a.closed_at IS NULL AND m.facility_code = p_facility AND m.ended_at IS NULL
$$"""

LIVE_CLIENT = """
CREATE FUNCTION live_client(p_client uuid, p_facility text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM client c JOIN client_facility f ON f.client_id = c.id
        WHERE c.id = p_client AND c.ended_at IS NULL AND f.facility_code = p_facility)
$$"""


# Find or make the account of (issuer, subject).
FIND_ACCOUNT = """
CREATE FUNCTION find_account(p_id uuid, p_issuer text, p_subject text, p_at timestamptz)
RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    found uuid;
BEGIN
    INSERT INTO account (id, issuer, subject, created_at)
        VALUES (p_id, p_issuer, p_subject, p_at) ON CONFLICT (issuer, subject) DO NOTHING;
    SELECT a.id INTO found FROM account a
        WHERE a.issuer = p_issuer AND a.subject = p_subject AND a.closed_at IS NULL;
    RETURN found;
END $$"""

STAFF_ACCOUNT = """
CREATE FUNCTION staff_account(p_id uuid, p_issuer text, p_subject text, p_at timestamptz)
RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT find_account(p_id, p_issuer, p_subject, p_at)
$$"""

# An attempt that was used just now names one account, here alone: the proof of link_by_claims.
SIGN_IN_ACCOUNT = """
CREATE FUNCTION sign_in_account(
    p_id uuid, p_attempt uuid, p_issuer text, p_subject text, p_at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    signed_in uuid := find_account(p_id, p_issuer, p_subject, p_at);
BEGIN
    UPDATE sign_in_attempt a SET account_id = signed_in
        WHERE a.id = p_attempt AND a.account_id IS NULL
          AND a.used_at <= p_at AND p_at < a.used_at + interval '5 minutes';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no sign-in proves this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN signed_in;
END $$"""


FIND_REFRESH = """
CREATE FUNCTION find_refresh(
    p_hash bytea, OUT account_id uuid, OUT session_id uuid, OUT generation integer
) RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
    SELECT t.account_id, t.session_id, t.generation FROM refresh_token t WHERE t.token_hash = p_hash
$$"""

TRIM_SESSIONS = """
CREATE FUNCTION trim_sessions(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM refresh_token t USING session s
        WHERE t.session_id = s.id AND least(s.ended_at, s.expires_at) < p_before;
    DELETE FROM session s WHERE least(s.ended_at, s.expires_at) < p_before;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$"""

# Once a day is enough to be told of the same thing.
NOTIFY_ACCOUNT = """
CREATE FUNCTION notify_account(p_account uuid, p_notice uuid, p_kind text, p_at timestamptz)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, public AS $$
    INSERT INTO account_notice (id, account_id, kind, at)
    SELECT p_notice, p_account, p_kind, p_at
    WHERE NOT EXISTS (
        SELECT 1 FROM account_notice n
        WHERE n.account_id = p_account AND n.kind = p_kind
          AND n.at > p_at - interval '24 hours')
$$"""

# linked | taken (the first account is told) | has-other (this account has another person)
LINK_ACCOUNT = """
CREATE FUNCTION link_account(
    p_account uuid, p_person uuid, p_method text, p_notice uuid, p_at timestamptz
) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    holder uuid;
    own uuid;
BEGIN
    INSERT INTO profile_link (account_id, profile_id, method, linked_at)
        VALUES (p_account, p_person, p_method, p_at) ON CONFLICT DO NOTHING;
    SELECT l.account_id INTO holder FROM profile_link l WHERE l.profile_id = p_person;
    IF holder = p_account THEN
        -- what staff sign in with opens no record, nor their own
        UPDATE session s SET assurance = 'account'
            WHERE s.account_id = p_account AND s.kind = 'staff';
        RETURN 'linked';
    END IF;
    IF holder IS NOT NULL THEN
        PERFORM notify_account(holder, p_notice, 'second-account-refused', p_at);
        RETURN 'taken';
    END IF;
    RETURN 'has-other';
END $$"""

# linked | taken | disagrees; an account that is linked already stays with its person. Only a
# sign-in of this account, a moment ago, and claims that leave nothing open link (R1).
LINK_BY_CLAIMS = """
CREATE FUNCTION link_by_claims(
    p_attempt uuid, p_account uuid, p_notice uuid, p_new uuid, p_identifier uuid, p_number text,
    p_full_name text, p_name_key text, p_search_key text, p_sex text, p_birth text,
    p_earliest date, p_latest date, p_at timestamptz, OUT outcome text, OUT person uuid
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    reasons text[];
BEGIN
    PERFORM check_proof(num_nulls(p_attempt, p_account, p_notice, p_at), p_earliest, p_latest);
    IF p_earliest <> p_latest THEN
        RAISE EXCEPTION 'a provider gives a whole birth' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM sign_in_attempt a WHERE a.id = p_attempt AND a.account_id = p_account
          AND a.used_at <= p_at AND p_at < a.used_at + interval '5 minutes') THEN
        RAISE EXCEPTION 'no sign-in proves this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT l.profile_id INTO person FROM profile_link l WHERE l.account_id = p_account;
    IF person IS NOT NULL THEN
        outcome := 'linked';
        RETURN;
    END IF;
    SELECT e.person, e.reasons INTO person, reasons
        FROM ensure_person(p_new, p_identifier, p_number, p_full_name, p_name_key, p_search_key,
                           p_sex, p_birth, p_earliest, p_latest, p_at) e;
    IF person IS NULL THEN
        PERFORM notify_account(p_account, p_notice, 'identity-disagrees', p_at);
        outcome := 'disagrees';
        RETURN;
    END IF;
    outcome := link_account(p_account, person, 'provider', p_notice, p_at);
END $$"""

# issued | disagrees; nobody's number is an oracle: an unknown person is made from the document.
ISSUE_ACTIVATION = """
CREATE FUNCTION issue_activation(
    p_account uuid, p_session uuid, p_facility text, p_code uuid, p_hash bytea, p_document text,
    p_new uuid, p_identifier uuid, p_number text, p_full_name text, p_name_key text,
    p_search_key text, p_sex text, p_birth text, p_earliest date, p_latest date, p_at timestamptz,
    OUT outcome text, OUT person uuid, OUT reasons text[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM check_proof(
        num_nulls(p_account, p_session, p_facility, p_code, p_hash, p_document, p_at),
        p_earliest, p_latest);
    IF NOT coalesce('desk' = ANY (live_membership(p_account, p_session, p_facility, p_at)), false)
    THEN
        outcome := 'not-allowed';
        RETURN;
    END IF;
    SELECT e.person, e.reasons INTO person, reasons
        FROM ensure_person(p_new, p_identifier, p_number, p_full_name, p_name_key, p_search_key,
                           p_sex, p_birth, p_earliest, p_latest, p_at) e;
    IF person IS NULL THEN
        outcome := 'disagrees';
        RETURN;
    END IF;
    INSERT INTO activation_code (id, code_hash, facility_code, profile_id, document, created_by,
                                 created_at, expires_at)
        VALUES (p_code, p_hash, p_facility, person, p_document, p_account, p_at,
                p_at + interval '24 hours');
    outcome := 'issued';
END $$"""

# linked | taken | has-other | unknown; whatever the outcome, a known code is used up.
USE_ACTIVATION = """
CREATE FUNCTION use_activation(
    p_account uuid, p_session uuid, p_hash bytea, p_notice uuid, p_at timestamptz,
    OUT outcome text, OUT person uuid
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    code activation_code;
BEGIN
    IF live_session(p_account, p_session, p_at) IS NULL THEN
        outcome := 'not-signed-in';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM session s WHERE s.id = p_session AND s.kind = 'citizen') THEN
        outcome := 'not-allowed';
        RETURN;
    END IF;
    SELECT * INTO code FROM activation_code c
        WHERE c.code_hash = p_hash AND c.used_at IS NULL AND p_at < c.expires_at FOR UPDATE;
    IF code.id IS NULL THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    UPDATE activation_code c SET used_at = p_at, used_by = p_account WHERE c.id = code.id;
    person := code.profile_id;
    outcome := link_account(p_account, person, 'desk', p_notice, p_at);
END $$"""

# The first key of an installation makes itself; every other comes by `phr-api keys rotate`.
FIRST_SIGNING_KEY = """
CREATE FUNCTION first_signing_key(
    p_kid text, p_public bytea, p_wrapped bytea, p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('first signing key', 0));
    IF EXISTS (SELECT 1 FROM signing_key) THEN
        RETURN false;
    END IF;
    INSERT INTO signing_key (kid, public_key, wrapped_key, created_at, signs_from)
        VALUES (p_kid, p_public, p_wrapped, p_at, p_at);
    RETURN true;
END $$"""

_PERSON = "uuid, uuid, text, text, text, text, text, text, date, date, timestamptz"
_ACCOUNT = "uuid, text, text, timestamptz"

LIVE = (
    (LIVE_SESSION, "live_session(uuid, uuid, timestamptz)"),
    (LIVE_MEMBERSHIP, "live_membership(uuid, uuid, text, timestamptz)"),
    (LIVE_CLIENT, "live_client(uuid, text)"),
)
PARTS = (
    (CHECK_PROOF, "check_proof(integer, date, date)"),
    (FIND_ACCOUNT, f"find_account({_ACCOUNT})"),
    (LOCK_NUMBERS, "lock_numbers(text[])"),
    (ENSURE_PERSON, f"ensure_person({_PERSON})"),
    (NOTIFY_ACCOUNT, "notify_account(uuid, uuid, text, timestamptz)"),
    (LINK_ACCOUNT, "link_account(uuid, uuid, text, uuid, timestamptz)"),
)
CLOSED_LIST = (
    (SIGN_IN_ACCOUNT, "sign_in_account(uuid, uuid, text, text, timestamptz)", "phr_web"),
    (STAFF_ACCOUNT, f"staff_account({_ACCOUNT})", "phr_worker"),
    (FIND_REFRESH, "find_refresh(bytea)", "phr_web"),
    (TRIM_SESSIONS, "trim_sessions(timestamptz)", "phr_worker"),
    (LINK_BY_CLAIMS, f"link_by_claims(uuid, uuid, uuid, {_PERSON})", "phr_web"),
    (
        ISSUE_ACTIVATION,
        f"issue_activation(uuid, uuid, text, uuid, bytea, text, {_PERSON})",
        "phr_web",
    ),
    (USE_ACTIVATION, "use_activation(uuid, uuid, bytea, uuid, timestamptz)", "phr_web"),
    (
        MATCH_PERSON,
        "match_person(text[], text[], text[], text, date, date, boolean, text[])",
        "phr_worker",
    ),
    (FIRST_SIGNING_KEY, "first_signing_key(text, bytea, bytea, timestamptz)", "phr_web"),
)


def create(op: Executes) -> None:
    """Create them all, each for the roles that may call it."""
    for sql, signature in LIVE:
        op.execute(sql)  # as the caller, under the caller's policies
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO phr_web, phr_worker, phr_definer")
    for sql, signature in PARTS:
        op.execute(sql)
        own_function(op, signature, to=())  # only the functions below call them
    for sql, signature, role in CLOSED_LIST:
        definer(op, sql, signature, to=(role,))
