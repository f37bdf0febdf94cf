"""SQL functions of revision 0010: who is told, on which devices; the inbox; proven phone numbers.

Those that look across people run as phr_definer (RIGHTS R10). They change only by a new revision.
"""

from phr_api.migrations.sql import Executes, definer, invoker

# Recipients are decided here and nowhere else, when deliveries are made and again when they are
# sent: the person, carers who may see it now, or the one account. A device counts while its
# session lives, for a person's things a session at record level (R2, R5).
TARGETS = """
CREATE FUNCTION notification_targets(p_ids uuid[], p_at timestamptz)
RETURNS TABLE (
    notification_id uuid, account_id uuid, token_id uuid, token text, platform text, language text,
    is_push_on boolean, is_sms_on boolean, quiet_from time, quiet_until time, sms_phone text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH told AS (SELECT n.* FROM notification n WHERE n.id = ANY (p_ids)),
    recipient AS (
        SELECT t.id, l.account_id FROM told t JOIN profile_link l ON l.profile_id = t.profile_id
        UNION
        SELECT t.id, c.account_id FROM told t JOIN carer c ON c.profile_id = t.profile_id
        WHERE c.ended_at IS NULL AND c.suspended_at IS NULL
          AND c.starts_at <= p_at AND p_at < c.ends_at AND 'see' = ANY (c.powers)
          AND (t.classes = '{}' OR NOT carer_age_reached(t.profile_id, 'sensitive-hidden', p_at))
        UNION
        SELECT t.id, t.account_id FROM told t WHERE t.profile_id IS NULL
    )
    SELECT t.id, r.account_id, d.id, d.token, d.platform,
           coalesce(d.language, s.language, 'vi'),
           coalesce(push.is_on, true)
               AND (t.kind <> 'reminder.day' OR coalesce(s.remind_day_before, true))
               AND (t.kind <> 'reminder.two-hours' OR coalesce(s.remind_two_hours, true))
               AND (t.kind <> 'access.opened' OR coalesce(s.opened, 'first') = 'every'
                    OR (coalesce(s.opened, 'first') = 'first' AND NOT EXISTS (
                        SELECT FROM notification e
                        WHERE e.profile_id = t.profile_id AND e.kind = t.kind
                          AND e.ref_id = t.ref_id AND e.id < t.id
                          AND e.created_at > t.created_at - interval '30 days'))),
           coalesce(sms.is_on, true),
           coalesce(s.quiet_from, '21:00'), coalesce(s.quiet_until, '07:00'),
           CASE WHEN t.via_phone THEN proof.phone ELSE s.sms_phone END
    FROM recipient r
    -- whoever opened a record knows
    JOIN told t ON t.id = r.id AND NOT (t.kind = 'access.opened' AND t.ref_id = r.account_id)
    JOIN account a ON a.id = r.account_id AND a.closed_at IS NULL
    LEFT JOIN notification_setting s ON s.account_id = r.account_id
    LEFT JOIN notification_preference push ON push.account_id = r.account_id
        AND push.category = t.category AND push.channel = 'push'
    LEFT JOIN notification_preference sms ON sms.account_id = r.account_id
        AND sms.category = t.category AND sms.channel = 'sms'
    LEFT JOIN phone_proof proof ON proof.account_id = r.account_id
        AND t.via_phone AND proof.verified_at <= t.created_at
    LEFT JOIN LATERAL (
        SELECT p.id, p.token, p.platform, p.language
        FROM push_token p JOIN session live ON live.id = p.session_id
            AND live.account_id = p.account_id
        WHERE p.account_id = r.account_id AND live.ended_at IS NULL AND p_at < live.expires_at
          AND CASE WHEN t.via_phone
                   THEN live.provider = 'firebase-phone' AND proof.verified_at <= t.created_at
                   WHEN t.profile_id IS NOT NULL THEN live.assurance = 'record'
                   ELSE true END
    ) d ON true
$$"""

# A device is proven by the session it is signed in with; its token leaves whoever had it before.
BIND_DEVICE = """
CREATE FUNCTION bind_push_token(
    p_account uuid, p_session uuid, p_device uuid, p_id uuid, p_token text, p_hash bytea,
    p_platform text, p_language text, p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF live_session(p_account, p_session, p_at) IS NULL OR NOT EXISTS (
        SELECT 1 FROM session s WHERE s.id = p_session AND s.account_id = p_account
          AND s.device_id = p_device) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('push token ' || encode(p_hash, 'hex'), 0));
    DELETE FROM push_token t WHERE t.token_hash = p_hash
        AND (t.account_id, t.device_id) <> (p_account, p_device);
    INSERT INTO push_token AS t (id, account_id, session_id, device_id, token, token_hash,
                                 platform, language, created_at, seen_at)
        VALUES (p_id, p_account, p_session, p_device, p_token, p_hash, p_platform, p_language,
                p_at, p_at)
        ON CONFLICT (account_id, device_id) DO UPDATE SET
            session_id = excluded.session_id, token = excluded.token,
            token_hash = excluded.token_hash, platform = excluded.platform,
            language = excluded.language, seen_at = excluded.seen_at;
    RETURN true;
END $$"""

# The people whose record this session opens, then the account's own: each under its own scope, so
# that a right that ended shows nothing (R5, R8). The caller sorts. p_after and p_before bound the
# ids; with both empty these are the newest.
READ_INBOX = """
CREATE FUNCTION read_inbox(
    p_account uuid, p_session uuid, p_at timestamptz, p_after uuid, p_before uuid, p_only uuid,
    p_unread boolean, p_limit integer
) RETURNS TABLE (
    id uuid, profile_id uuid, category text, kind text, ref_kind text, ref_id uuid, params jsonb,
    created_at timestamptz, expires_at timestamptz, is_read boolean
) LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
    opened record;
    v_before uuid;
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true),
            set_config('phr.session_id', p_session::text, true),
            set_config('phr.profile_id', '', true);
    SELECT s.read_before INTO v_before FROM inbox_state s WHERE s.account_id = p_account;
    FOR person IN SELECT * FROM inbox_people(p_account, p_session, p_at) LOOP
        IF person IS NOT NULL THEN
            SELECT * INTO opened FROM open_record(p_account, p_session, person, 'see', p_at);
            CONTINUE WHEN opened.relation IS NULL;
        ELSE
            PERFORM set_config('phr.profile_id', '', true);
        END IF;
        RETURN QUERY
            SELECT n.id, n.profile_id, n.category, n.kind, n.ref_kind,
                   CASE WHEN n.kind <> 'access.opened' THEN n.ref_id END, n.params,
                   n.created_at, n.expires_at,
                   (m.read_at IS NOT NULL OR coalesce(n.id <= v_before, false))
            FROM notification n
            LEFT JOIN inbox_mark m ON m.account_id = p_account AND m.notification_id = n.id
            WHERE CASE WHEN person IS NOT NULL THEN n.profile_id = person
                       ELSE n.profile_id IS NULL AND n.account_id = p_account END
              AND n.due_at <= p_at
              AND NOT (n.kind = 'access.opened' AND n.ref_id = p_account)
              AND (p_after IS NULL OR n.id > p_after) AND (p_before IS NULL OR n.id < p_before)
              AND (p_only IS NULL OR n.id = p_only)
              AND (NOT p_unread OR (m.read_at IS NULL AND (v_before IS NULL OR n.id > v_before)))
            ORDER BY n.id DESC LIMIT p_limit;
    END LOOP;
END $$"""

# Empty when the session has ended; a NULL among them stands for the account's own messages.
INBOX_PEOPLE = """
CREATE FUNCTION inbox_people(p_account uuid, p_session uuid, p_at timestamptz)
RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT x.profile_id FROM (
        SELECT l.profile_id FROM profile_link l WHERE l.account_id = p_account
        UNION
        SELECT c.profile_id FROM carer c
        WHERE c.account_id = p_account AND c.ended_at IS NULL AND c.suspended_at IS NULL
          AND c.starts_at <= p_at AND p_at < c.ends_at
        UNION ALL SELECT NULL
    ) x
    WHERE live_session(p_account, p_session, p_at) = 'record'
       OR (x.profile_id IS NULL AND live_session(p_account, p_session, p_at) IS NOT NULL)
$$"""

# Whether a session still is what its stream was opened with: which people it may be told of.
STREAM_RIGHTS = """
CREATE FUNCTION stream_rights(p_accounts uuid[], p_sessions uuid[], p_at timestamptz)
RETURNS TABLE (session_id uuid, people uuid[]) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
    SELECT asked.session_id, coalesce((
        SELECT array_agg(x.profile_id ORDER BY x.profile_id) FROM (
            SELECT l.profile_id FROM profile_link l WHERE l.account_id = asked.account_id
            UNION
            SELECT c.profile_id FROM carer c
            WHERE c.account_id = asked.account_id AND c.ended_at IS NULL
              AND c.suspended_at IS NULL AND c.starts_at <= p_at AND p_at < c.ends_at
              AND 'see' = ANY (c.powers)
        ) x WHERE live.assurance = 'record'), '{}')
    FROM unnest(p_accounts, p_sessions) AS asked (account_id, session_id)
    JOIN LATERAL (
        SELECT live_session(asked.account_id, asked.session_id, p_at) AS assurance
    ) live ON live.assurance IS NOT NULL
$$"""

# The account of a number that was proven now. What it was told before is hidden from whoever has
# the number now, and its other phone sessions end (R2).
PHONE_ACCOUNT = """
CREATE FUNCTION phone_account(
    p_id uuid, p_issuer text, p_subject text, p_phone text, p_at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    signed_in uuid := find_account(p_id, p_issuer, p_subject, p_at);
BEGIN
    IF signed_in IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO phone_proof AS p (account_id, phone, verified_at)
        VALUES (signed_in, p_phone, p_at)
        ON CONFLICT (account_id) DO UPDATE
            SET phone = excluded.phone, verified_at = excluded.verified_at;
    UPDATE session s SET ended_at = p_at, end_reason = 'ended'
        WHERE s.account_id = signed_in AND s.provider = 'firebase-phone' AND s.ended_at IS NULL;
    -- a number may have a new owner: what the one before wrote down is not theirs
    UPDATE notification_setting n SET sms_phone = NULL WHERE n.account_id = signed_in;
    RETURN signed_in;
END $$"""


def create(op: Executes) -> None:
    """Create them all, each for the role that may call it."""
    definer(op, TARGETS, "notification_targets(uuid[], timestamptz)", to=("phr_worker",))
    device = "bind_push_token(uuid, uuid, uuid, uuid, text, bytea, text, text, timestamptz)"
    definer(op, BIND_DEVICE, device, to=("phr_web",))
    definer(op, STREAM_RIGHTS, "stream_rights(uuid[], uuid[], timestamptz)", to=("phr_web",))
    phone = "phone_account(uuid, text, text, text, timestamptz)"
    definer(op, PHONE_ACCOUNT, phone, to=("phr_web",))
    op.execute("GRANT EXECUTE ON FUNCTION carer_age_reached TO phr_definer")
    op.execute("GRANT SELECT ON age_rule TO phr_definer")
    invoker(op, INBOX_PEOPLE, "inbox_people(uuid, uuid, timestamptz)", to=("phr_web",))
    inbox = "read_inbox(uuid, uuid, timestamptz, uuid, uuid, uuid, boolean, integer)"
    invoker(op, READ_INBOX, inbox, to=("phr_web",))
