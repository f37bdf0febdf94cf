"""SQL functions that bookings share: idempotency, moments, reminders, words, what is shown.

Rules that SQL and Python both need live here once; Python calls them.
"""

# As kit.idempotency.once does, so that both forms know each other's rows (R22).
IDEMPOTENT_BEGIN = """
CREATE FUNCTION idempotent_begin(p_principal uuid, p_route text, p_key text, p_mac bytea)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known record;
BEGIN
    PERFORM set_config('phr.principal_id', p_principal::text, true);
    IF NOT pg_try_advisory_xact_lock(
        hashtextextended(p_principal || '/' || p_route || '/' || p_key, 0)) THEN
        RAISE EXCEPTION USING ERRCODE = 'PH002', MESSAGE = 'request in progress';
    END IF;
    SELECT i.body_mac, i.reference INTO known FROM idempotency i
    WHERE i.principal_id = p_principal AND i.route = p_route AND i.key = p_key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF known.body_mac <> p_mac THEN
        RAISE EXCEPTION USING ERRCODE = 'PH003', MESSAGE = 'key reused';
    END IF;
    RETURN known.reference;
END $$"""

IDEMPOTENT_END = """
CREATE FUNCTION idempotent_end(
    p_principal uuid, p_route text, p_key text, p_mac bytea, p_reference text, p_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO idempotency
        (principal_id, route, key, body_mac, status, location, reference, created_at)
    VALUES (p_principal, p_route, p_key, p_mac, 201, NULL, p_reference, p_at)
$$"""

WIRE_MOMENT = """
CREATE FUNCTION wire_moment(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(p_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD"T"HH24:MI:SS.US"+07:00"')
$$"""

# Until when the clinic answers: its own time, but never past the middle of what is left.
RESPOND_BY = """
CREATE FUNCTION respond_by(
    p_at timestamptz, p_starts timestamptz, p_minutes integer, p_lead integer
) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(p_at, least(p_at + make_interval(mins => p_minutes),
                                p_starts - make_interval(mins => p_lead / 2)))
$$"""

# What will be due before a booking that starts then; what was planned before is replaced.
PLAN_REMINDERS = """
CREATE FUNCTION plan_reminders(
    p_booking uuid, p_starts timestamptz, p_asks boolean, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM booking_due d WHERE d.booking_id = p_booking;
    INSERT INTO booking_due (booking_id, what, due_at)
    SELECT p_booking, v.what, v.due_at FROM (VALUES
        ('remind-day', p_starts - interval '24 hours', true),
        ('remind-2h', p_starts - interval '2 hours', true),
        ('still-coming', ((p_starts AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - 1 + time '18:00')
            AT TIME ZONE 'Asia/Ho_Chi_Minh', p_asks)) AS v (what, due_at, is_wanted)
    WHERE v.is_wanted AND v.due_at > p_at;
END $$"""

# The parameters of the words of a booking's news.
BOOKING_WORDS = """
CREATE FUNCTION booking_words(p_service uuid, p_starts timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('service', v.name, 'facility', f.name, 'when', wire_moment(p_starts))
    FROM clinic_service v JOIN facility f ON f.code = v.facility_code WHERE v.id = p_service
$$"""

# Whether anybody waits for a time like this one: ids and names stay where they are (R10).
IS_AWAITED = """
CREATE FUNCTION is_awaited(p_service uuid, p_starts timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT FROM waitlist_entry w, (SELECT p_starts AT TIME ZONE 'Asia/Ho_Chi_Minh' AS local) l
        WHERE w.service_id = p_service AND w.state = 'waiting'
          AND l.local::date BETWEEN w.from_on AND w.until_on
          AND (w.part_of_day = 'any' OR
               (w.part_of_day = 'morning') = (l.local::time < time '12:00')))
$$"""

WAITLIST_PLACE = """
CREATE FUNCTION waitlist_place(p_entry uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT 1 + (SELECT count(*) FROM waitlist_entry w
                WHERE w.service_id = e.service_id AND w.state = 'waiting' AND w.place < e.place)
    FROM waitlist_entry e WHERE e.id = p_entry
$$"""

# A booking as it is shown. The QR's secret is the person's; where the card has run out, who comes
# and since when, is the desk's. `whole`: with answers and history. One plan for all: a plan of its
# own for each call looks cheaper to the planner and costs four times as much.
BOOKING_WIRE = """
CREATE FUNCTION booking_wire(b booking, p_is_desk boolean, p_is_whole boolean, p_at timestamptz)
RETURNS jsonb LANGUAGE sql STABLE SET plan_cache_mode = 'force_generic_plan' AS $$
    SELECT jsonb_build_object(
        'id', b.id, 'state', b.state, 'version', b.version, 'source', b.source,
        'facility', jsonb_build_object('code', f.code, 'name', f.name),
        'service', jsonb_build_object('id', v.id, 'code', v.code, 'name', v.name, 'kind', v.kind,
            'preparation', v.preparation, 'priceVnd', v.price_vnd, 'questions', v.questions),
        'startsAt', wire_moment(b.starts_at), 'endsAt', wire_moment(b.ends_at),
        'slotId', b.slot_id,
        'person', CASE WHEN NOT p_is_desk
            THEN jsonb_build_object('profileId', b.profile_id, 'name', b.person_name)
            ELSE (SELECT jsonb_build_object('name', coalesce(b.person_name, g.full_name),
                      'birth', coalesce(b.person_birth, g.birth),
                      'sex', coalesce(b.person_sex, g.sex),
                      'phone', coalesce(b.person_phone, g.phone))
                  FROM (SELECT 1) one LEFT JOIN guest g ON g.id = b.guest_id) END,
        'reason', b.reason,
        'card', CASE WHEN b.card_number IS NOT NULL THEN jsonb_build_object(
            'number', b.card_number, 'validUntil', b.card_valid_until, 'isExpired',
            coalesce(b.card_valid_until < (b.starts_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
                     false)) END,
        'respondBy', CASE WHEN b.state = 'requested' THEN wire_moment(b.respond_by) END,
        'proposal', CASE WHEN b.proposal_until IS NOT NULL THEN jsonb_build_object(
            'startsAt', wire_moment(b.proposed_starts_at),
            'endsAt', wire_moment(b.proposed_ends_at), 'until', wire_moment(b.proposal_until)) END,
        'alternatives', (SELECT coalesce(jsonb_agg(jsonb_build_object('slotId', s.id, 'startsAt',
            wire_moment(s.starts_at), 'endsAt', wire_moment(s.ends_at)) ORDER BY s.starts_at), '[]')
            FROM slot s WHERE s.id = ANY (b.alternatives)),
        'declinedReason', b.declined_reason, 'cancelledBy', b.cancelled_by, 'isLate', b.is_late,
        'stillComing', b.still_coming, 'showsNames', b.shows_names)
    || CASE WHEN p_is_desk THEN jsonb_build_object(
        'requestedAt', wire_moment(b.created_at),
        'waitingMinutes', CASE WHEN b.state = 'requested'
            THEN greatest(0, floor(extract(epoch FROM p_at - b.created_at) / 60)::integer) END,
        'isOverdue', b.state = 'requested' AND b.desk_reminded_at IS NOT NULL)
       ELSE jsonb_build_object('qr', CASE WHEN b.qr_secret IS NOT NULL
            AND b.state IN ('requested', 'confirmed', 'arrived')
            THEN 'PHRB1.' || b.id || '.' || b.qr_secret END) END
    || CASE WHEN p_is_whole THEN jsonb_build_object('answers', b.answers, 'history',
        (SELECT coalesce(jsonb_agg(jsonb_build_object('at', wire_moment(e.at), 'what', e.what,
             'by', e.actor_name, 'note', e.note) ORDER BY e.id), '[]')
         FROM booking_event e WHERE e.booking_id = b.id)) ELSE '{}' END
    FROM clinic_service v JOIN facility f ON f.code = v.facility_code WHERE v.id = b.service_id
$$"""

HELD_WIRE = """
CREATE FUNCTION held_wire(b booking) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', b.id, 'profileId', b.profile_id, 'state', b.state, 'slot',
        jsonb_build_object('id', b.slot_id, 'startsAt', wire_moment(b.starts_at),
                           'endsAt', wire_moment(b.ends_at)))
$$"""

# Opens one of a hold's people (NULL: a phone's account) for booking, or says why not.
OPEN_FOR_BOOKING = """
CREATE FUNCTION open_for_booking(
    p_account uuid, p_session uuid, p_person uuid, p_at timestamptz,
    OUT relation text, OUT classes text[]
) LANGUAGE plpgsql AS $$
DECLARE
    opened record;
BEGIN
    IF p_person IS NULL THEN
        PERFORM set_config('phr.account_id', p_account::text, true),
                set_config('phr.session_id', p_session::text, true);
        IF live_session(p_account, p_session, p_at) IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'PH001', MESSAGE = 'not signed in';
        END IF;
        PERFORM FROM session s JOIN phone_proof p ON p.account_id = s.account_id
        WHERE s.id = p_session AND s.account_id = p_account AND s.provider = 'firebase-phone';
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PH006', MESSAGE = 'not a phone session';
        END IF;
        relation := 'phone';
        classes := '{}';
        RETURN;
    END IF;
    SELECT * INTO opened FROM open_record(p_account, p_session, p_person, 'book', p_at);
    IF NOT opened.is_live THEN
        RAISE EXCEPTION USING ERRCODE = 'PH001', MESSAGE = 'not signed in';
    ELSIF opened.assurance <> 'record' THEN
        RAISE EXCEPTION USING ERRCODE = 'PH005', MESSAGE = 'record sign-in needed';
    ELSIF opened.relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'not found';
    END IF;
    relation := opened.relation;
    classes := opened.classes;
END $$"""

TRACE_BOOKING = """
CREATE FUNCTION trace_booking(
    p_event uuid, p_account uuid, p_person uuid, p_action text, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_event (id, at, actor_kind, actor_id, facility_code, action, reason, details)
    VALUES (p_event, p_at, 'citizen', p_account, NULL, p_action, NULL, '{}');
    INSERT INTO audit_subject (profile_id, event_id, at) VALUES (p_person, p_event, p_at);
END $$"""
