"""SQL functions of revision 0017: who is told now, openings, how far one's numbers are.

Those that look across people run as phr_definer (RIGHTS R10). They change only by a new revision.
"""

# As of revision 0010 and 0015, and: a number for SMS counts once it was proven.
TARGETS = """
CREATE OR REPLACE FUNCTION notification_targets(p_ids uuid[], p_at timestamptz)
RETURNS TABLE (
    notification_id uuid, account_id uuid, token_id uuid, token text, platform text, language text,
    is_push_on boolean, is_sms_on boolean, quiet_from time, quiet_until time, sms_phone text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH told AS (
        SELECT n.* FROM notification n WHERE n.id = ANY (p_ids)
        AND NOT (n.via_phone AND n.ref_kind = 'booking' AND EXISTS (
            SELECT FROM booking b JOIN phone_proof p ON p.account_id = n.account_id
            WHERE b.id = n.ref_id AND b.created_at < p.verified_at))
    ),
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
                          AND e.ref_id IS NOT DISTINCT FROM t.ref_id AND e.id < t.id
                          AND e.created_at > t.created_at - interval '30 days'))),
           coalesce(sms.is_on, true),
           coalesce(s.quiet_from, '21:00'), coalesce(s.quiet_until, '07:00'),
           CASE WHEN t.via_phone THEN proof.phone
                WHEN s.sms_proven_at IS NOT NULL OR own.phone = s.sms_phone THEN s.sms_phone END
    FROM recipient r
    -- whoever opened a record knows
    JOIN told t ON t.id = r.id
        AND (t.category <> 'access' OR t.ref_id IS DISTINCT FROM r.account_id)
    JOIN account a ON a.id = r.account_id AND a.closed_at IS NULL
    LEFT JOIN notification_setting s ON s.account_id = r.account_id
    LEFT JOIN notification_preference push ON push.account_id = r.account_id
        AND push.category = t.category AND push.channel = 'push'
    LEFT JOIN notification_preference sms ON sms.account_id = r.account_id
        AND sms.category = t.category AND sms.channel = 'sms'
    LEFT JOIN phone_proof own ON own.account_id = r.account_id
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

READ_INBOX = """
CREATE OR REPLACE FUNCTION read_inbox(
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
                   CASE WHEN n.category <> 'access' THEN n.ref_id END, n.params,
                   n.created_at, n.expires_at,
                   (m.read_at IS NOT NULL OR coalesce(n.id <= v_before, false))
            FROM notification n
            LEFT JOIN inbox_mark m ON m.account_id = p_account AND m.notification_id = n.id
            WHERE CASE WHEN person IS NOT NULL THEN n.profile_id = person
                       ELSE n.profile_id IS NULL AND n.account_id = p_account END
              AND n.due_at <= p_at
              AND (n.category <> 'access' OR n.ref_id IS DISTINCT FROM p_account)
              AND (p_after IS NULL OR n.id > p_after) AND (p_before IS NULL OR n.id < p_before)
              AND (p_only IS NULL OR n.id = p_only)
              AND (NOT p_unread OR (m.read_at IS NULL AND (v_before IS NULL OR n.id > v_before)))
            ORDER BY n.id DESC LIMIT p_limit;
    END LOOP;
END $$"""

# Staff and operators open records in scopes that do not show the news of the person they open, and
# a second opening by the same one within a while is no news. Only an opening that the access log
# has just got (R15) is told of, with who it was as it stands there.
_IS_TOLD = """EXISTS (
        SELECT FROM notification n
        WHERE n.profile_id = p_person AND n.kind = v_kind
          AND n.ref_id IS NOT DISTINCT FROM p_actor
          AND n.created_at > p_at - interval '15 minutes')"""
TELL_OPENED = f"""
CREATE FUNCTION tell_opened(
    p_id uuid, p_person uuid, p_actor uuid, p_is_emergency boolean, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    v_kind text := CASE WHEN p_is_emergency THEN 'access.emergency' ELSE 'access.opened' END;
BEGIN
    IF {_IS_TOLD} THEN
        RETURN;
    END IF;
    -- who opens it at the same time waits, and then sees that it is told
    PERFORM pg_advisory_xact_lock(hashtextextended(format('opening %s %s', p_person, p_actor), 0));
    INSERT INTO notification (id, profile_id, category, kind, ref_kind, ref_id, params, classes,
                              is_urgent, created_at, due_at, expires_at)
    SELECT p_id, p_person, 'access', v_kind, 'actor', p_actor,
           jsonb_build_object(
               'who', CASE e.actor_kind WHEN 'citizen' THEN 'carer' ELSE e.actor_kind END,
               'when', p_at),
           ARRAY['hiv', 'mental', 'reproductive', 'tb'], p_is_emergency,
           p_at, p_at, p_at + interval '2 days'
    FROM audit_subject s JOIN audit_event e ON e.id = s.event_id
    WHERE s.profile_id = p_person AND s.at BETWEEN p_at - interval '1 minute' AND p_at
      AND e.actor_id IS NOT DISTINCT FROM p_actor AND e.actor_kind <> 'system'
      AND e.action NOT LIKE '%.refused'
      AND NOT {_IS_TOLD}
    LIMIT 1;
END $$"""

# Whatever changes a line says so here, for the relay; a row without a lock that others wait for.
LINE_CHANGED = """
CREATE FUNCTION line_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO line_change (queue_id, on_date, ticket_id)
        VALUES (NEW.queue_id, NEW.on_date, NEW.id);
    IF TG_OP = 'UPDATE' AND OLD.queue_id <> NEW.queue_id THEN
        INSERT INTO line_change (queue_id, on_date, ticket_id)
            VALUES (OLD.queue_id, OLD.on_date, OLD.id);
    END IF;
    RETURN NULL;
END $$"""
LINE_TRIGGERS = (
    """
CREATE TRIGGER line_insert AFTER INSERT ON ticket
    FOR EACH ROW EXECUTE FUNCTION line_changed()
""",
    """
CREATE TRIGGER line_update AFTER UPDATE ON ticket FOR EACH ROW
    WHEN ((OLD.queue_id, OLD.number, OLD.state, OLD.room, OLD.rank, OLD.turn) IS DISTINCT FROM
          (NEW.queue_id, NEW.number, NEW.state, NEW.room, NEW.rank, NEW.turn))
    EXECUTE FUNCTION line_changed()
""",
)

# Whose streams are woken after these lines changed: those who wait in them, and whose tickets they
# were. What each may see is read under its own right.
LINE_ACCOUNTS = """
CREATE FUNCTION line_accounts(
    p_queues uuid[], p_days date[], p_tickets uuid[], p_at timestamptz
) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
    WITH concerned AS (
        SELECT t.id, t.profile_id, t.account_id, t.via_phone FROM ticket t
        WHERE t.id = ANY (p_tickets)
        UNION
        SELECT t.id, t.profile_id, t.account_id, t.via_phone
        FROM (SELECT DISTINCT * FROM unnest(p_queues, p_days)) line (queue_id, on_date)
        JOIN ticket t ON t.queue_id = line.queue_id AND t.on_date = line.on_date
        WHERE t.state = 'waiting'
    )
    SELECT l.account_id FROM concerned c JOIN profile_link l ON l.profile_id = c.profile_id
    UNION
    SELECT r.account_id FROM concerned c JOIN carer r ON r.profile_id = c.profile_id
    WHERE r.ended_at IS NULL AND r.suspended_at IS NULL
      AND r.starts_at <= p_at AND p_at < r.ends_at AND 'see' = ANY (r.powers)
    UNION
    SELECT c.account_id FROM concerned c WHERE c.via_phone AND c.account_id IS NOT NULL
$$"""

# The numbers of a day of the people whose record this session opens, then of its phone's bookings:
# each under its own scope, as the inbox is read (R5, R8).
READ_POSITIONS = """
CREATE FUNCTION read_positions(p_account uuid, p_session uuid, p_on date, p_at timestamptz)
RETURNS TABLE (
    ticket_id uuid, booking_id uuid, profile_id uuid, prefix text, number integer, state text,
    room text, minutes_each integer, ahead integer, pace double precision
) LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
    opened record;
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true),
            set_config('phr.session_id', p_session::text, true),
            set_config('phr.facility_id', '', true),
            set_config('phr.profile_id', '', true);
    FOR person IN SELECT * FROM inbox_people(p_account, p_session, p_at) LOOP
        IF person IS NOT NULL THEN
            SELECT * INTO opened FROM open_record(p_account, p_session, person, 'see', p_at);
            CONTINUE WHEN opened.relation IS NULL;
        ELSE
            PERFORM set_config('phr.profile_id', '', true);
        END IF;
        -- the booking is joined for its policy: one of the number's owner before is not shown
        RETURN QUERY
            SELECT t.id, t.booking_id, t.profile_id, q.prefix, t.number, t.state, t.room,
                   q.minutes_each, place.ahead, place.pace
            FROM ticket t
            JOIN booking b ON b.id = t.booking_id
            JOIN clinic_queue q ON q.id = t.queue_id
            CROSS JOIN LATERAL queue_place(t.id) place
            WHERE t.on_date = p_on
              AND CASE WHEN person IS NOT NULL THEN t.profile_id = person
                       ELSE t.via_phone AND t.account_id = p_account END;
    END LOOP;
END $$"""
