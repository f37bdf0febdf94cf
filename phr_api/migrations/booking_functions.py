"""SQL functions of bookings: the two hot writes, and the rules that they share with Python.

`take_hold` and `book_hold` are one round trip each: right, scope, idempotency, work, notification,
committed by the statement itself. They work with the caller's rights, under its policies and its
search path. What they refuse leaves as SQLSTATE PH0nn (appointments/service/refusals.py).
A change of the order of locks is a deadlock: idempotency, people, hold, booking, seats, the rest.
"""

from phr_api.migrations.booking_parts import (
    BOOKING_WIRE,
    BOOKING_WORDS,
    HELD_WIRE,
    IDEMPOTENT_BEGIN,
    IDEMPOTENT_END,
    IS_AWAITED,
    OPEN_FOR_BOOKING,
    PLAN_REMINDERS,
    RESPOND_BY,
    TRACE_BOOKING,
    WAITLIST_PLACE,
    WIRE_MOMENT,
)
from phr_api.migrations.sql import ACCOUNT, Executes, definer, invoker

# A hold with what it still holds, person by person under their own scope.
HOLD_WIRE = """
CREATE FUNCTION hold_wire(p_account uuid, p_session uuid, p_hold uuid, p_at timestamptz)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    h hold;
    person uuid;
    lines jsonb := '[]';
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true);
    SELECT * INTO h FROM hold WHERE id = p_hold;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'not found';
    END IF;
    FOREACH person IN ARRAY CASE WHEN h.people = '{}' THEN ARRAY[NULL::uuid] ELSE h.people END LOOP
        PERFORM open_for_booking(p_account, p_session, person, p_at);
        lines := lines || coalesce((SELECT jsonb_agg(held_wire(b)) FROM booking b
            WHERE b.hold_id = p_hold AND b.profile_id IS NOT DISTINCT FROM person), '[]');
    END LOOP;
    RETURN jsonb_build_object('id', h.id, 'kind', h.kind, 'expiresAt', wire_moment(h.expires_at),
        'isBooked', h.booked_at IS NOT NULL,
        'isOver', h.released_at IS NOT NULL OR (h.booked_at IS NULL AND h.expires_at <= p_at),
        'bookings', lines);
END $$"""

# Their hold for the same service gives way to the new one; a waitlist's offer does not.
REPLACE_HELD = """
CREATE FUNCTION replace_held(
    p_account uuid, p_person uuid, p_service uuid, p_slot uuid, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old record;
BEGIN
    FOR old IN DELETE FROM booking b
        WHERE b.service_id = p_service AND b.account_id = p_account AND b.state = 'held'
          AND b.profile_id IS NOT DISTINCT FROM p_person AND b.source <> 'waitlist'
        RETURNING b.id, b.hold_id, b.slot_id, b.seat_no
    LOOP
        PERFORM free_seat(old.slot_id, old.seat_no, old.id);
        IF old.slot_id = p_slot THEN  -- the same time once more: their seat is not the line's
            UPDATE seat s SET for_waitlist = false
            WHERE s.slot_id = old.slot_id AND s.seat_no = old.seat_no;
        END IF;
        UPDATE hold h SET
            people = CASE WHEN h.people = ARRAY[p_person] THEN h.people
                          ELSE array_remove(h.people, p_person) END,
            released_at = CASE WHEN p_person IS NULL OR h.people = ARRAY[p_person] THEN p_at END
        WHERE h.id = old.hold_id;
    END LOOP;
END $$"""

# Of a number, whoever owned it when they were made: a fresh proof hides bookings, not their seats.
PHONE_COUNTS = f"""
CREATE FUNCTION phone_counts(
    p_account uuid, p_service uuid, p_facility text, p_at timestamptz,
    OUT open_now integer, OUT missed integer
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*) FILTER (WHERE b.service_id = p_service
               AND b.state IN ('requested', 'confirmed') AND b.starts_at > p_at)::integer,
           count(*) FILTER (WHERE b.facility_code = p_facility
               AND (b.state = 'no-show' OR b.is_late))::integer
    FROM booking b
    WHERE b.via_phone AND b.account_id = p_account AND p_account = {ACCOUNT}
      AND b.starts_at > p_at - interval '180 days'
$$"""

# Quota per person and service; one only, after three late cancellations or absences in 180 days.
CHECK_QUOTA = """
CREATE FUNCTION check_quota(
    p_account uuid, p_person uuid, p_service clinic_service, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    open_now integer;
    missed integer;
    most integer;
BEGIN
    -- two statements: one condition for both would hide the indexes
    IF p_person IS NULL THEN
        SELECT c.open_now, c.missed INTO open_now, missed
        FROM phone_counts(p_account, p_service.id, p_service.facility_code, p_at) c;
    ELSE
        SELECT count(*) FILTER (WHERE b.service_id = p_service.id
                   AND b.state IN ('requested', 'confirmed') AND b.starts_at > p_at),
               count(*) FILTER (WHERE b.facility_code = p_service.facility_code
                   AND (b.state = 'no-show' OR b.is_late))
        INTO open_now, missed FROM booking b
        WHERE b.profile_id = p_person AND b.starts_at > p_at - interval '180 days';
    END IF;
    most := p_service.most_open;
    IF missed >= 3 THEN
        most := least(1, most);
    END IF;
    IF open_now >= most THEN
        RAISE EXCEPTION USING ERRCODE = 'PH013', MESSAGE = 'quota reached';
    END IF;
END $$"""

# One seat for one person, in the slot or, for a family, in the next ones of the same schedule that
# start before the one before has ended. Returns the slot; NULL when all are full.
SEAT_NEXT = """
CREATE FUNCTION seat_next(
    p_slot slot, p_booking uuid, p_person uuid, p_account uuid, p_is_first boolean,
    p_at timestamptz, OUT taken slot, OUT seat_no integer
) LANGUAGE plpgsql AS $$
DECLARE
    following slot;
BEGIN
    seat_no := take_seat(p_slot.id, p_booking, p_person, p_account, false);
    taken := p_slot;
    IF seat_no > 0 OR p_is_first THEN
        RETURN;
    END IF;
    FOR following IN SELECT s.* FROM slot s
        WHERE s.schedule_id = p_slot.schedule_id AND s.starts_at > p_slot.starts_at
          AND s.starts_at <= p_slot.ends_at AND s.status = 'open' AND s.opens_at <= p_at
        ORDER BY s.starts_at
    LOOP
        seat_no := take_seat(following.id, p_booking, p_person, p_account, false);
        taken := following;
        IF seat_no > 0 THEN
            RETURN;
        END IF;
    END LOOP;
END $$"""

TAKE_HOLD = """
CREATE FUNCTION take_hold(
    p_account uuid, p_session uuid, p_hold uuid, p_service uuid, p_slot uuid,
    p_people text, p_bookings text, p_traces text, p_person text,
    p_route text, p_key text, p_mac bytea, p_at timestamptz, p_expires timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known text := idempotent_begin(p_account, p_route, p_key, p_mac);
    people uuid[] := coalesce(string_to_array(nullif(p_people, ''), ',')::uuid[],
                              ARRAY[NULL::uuid]);
    bookings uuid[] := string_to_array(p_bookings, ',')::uuid[];
    traces uuid[] := string_to_array(p_traces, ',')::uuid[];
    v clinic_service;
    s slot;
    seated record;
    opened record;
    b booking;
    live integer;
    lines jsonb := '[]';
BEGIN
    IF known IS NOT NULL THEN
        RETURN hold_wire(p_account, p_session, known::uuid, p_at);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('booking/' || who, 0))
    FROM (SELECT coalesce(u.who, p_account) AS who FROM unnest(people) u (who) ORDER BY 1) sorted;
    -- the right first: a stranger learns nothing of the slot from the order of refusals
    SELECT * INTO opened FROM open_for_booking(p_account, p_session, people[1], p_at);
    SELECT * INTO s FROM slot WHERE id = p_slot AND service_id = p_service;
    SELECT * INTO v FROM clinic_service WHERE id = p_service AND ended_at IS NULL;
    IF s.id IS NULL OR v.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such slot';
    ELSIF s.status <> 'open' OR p_at < s.opens_at OR p_at >= s.closes_at THEN
        RAISE EXCEPTION USING ERRCODE = 'PH011', MESSAGE = 'slot not open';
    END IF;
    PERFORM FROM hold h WHERE h.account_id = p_account AND h.booked_at IS NULL
        AND h.released_at IS NULL ORDER BY h.id FOR UPDATE;
    GET DIAGNOSTICS live = ROW_COUNT;
    IF live >= 10 THEN
        RAISE EXCEPTION USING ERRCODE = 'PH016', MESSAGE = 'too many holds';
    END IF;
    FOR i IN 1 .. array_length(people, 1) LOOP
        IF i > 1 THEN
            SELECT * INTO opened FROM open_for_booking(p_account, p_session, people[i], p_at);
        END IF;
        IF NOT v.classes <@ opened.classes AND opened.relation <> 'phone' THEN
            RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'not for this view';
        END IF;
        PERFORM replace_held(p_account, people[i], p_service, p_slot, p_at);
        PERFORM check_quota(p_account, people[i], v, p_at);
        SELECT * INTO seated
        FROM seat_next(s, bookings[i], people[i], p_account, i = 1, p_at);
        IF seated.seat_no = 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'PH014', MESSAGE = 'slot full';
        END IF;
        s := seated.taken;
        INSERT INTO booking (id, hold_id, facility_code, service_id, profile_id, account_id,
            via_phone, person_name, person_birth, person_sex, person_phone, slot_id, seat_no,
            starts_at, ends_at, state, classes, source, version, created_at, state_at)
        SELECT bookings[i], p_hold, s.facility_code, p_service, people[i], p_account,
            people[i] IS NULL, w.full_name, w.birth, w.sex, w.phone, s.id, seated.seat_no,
            s.starts_at, s.ends_at, 'held', v.classes, CASE WHEN people[i] IS NULL THEN 'phone'
            ELSE 'app' END, 1, p_at, p_at
        FROM (SELECT p.full_name, p.birth, p.sex, NULL::text AS phone FROM profile p
              WHERE p.id = people[i]
              UNION ALL
              SELECT t.full_name, t.birth, t.sex, q.phone
              FROM json_to_record(p_person::json) AS t(full_name text, birth text, sex text),
                   phone_proof q WHERE people[i] IS NULL AND q.account_id = p_account) w
        RETURNING * INTO b;
        IF opened.relation = 'carer' THEN
            PERFORM trace_booking(traces[i], p_account, people[i], 'booking.hold', p_at);
        END IF;
        lines := lines || held_wire(b);
    END LOOP;
    INSERT INTO hold (id, account_id, session_id, facility_code, service_id, kind, people,
        created_at, expires_at)
    VALUES (p_hold, p_account, p_session, v.facility_code, p_service, 'hold',
        array_remove(people, NULL), p_at, p_expires);
    PERFORM idempotent_end(p_account, p_route, p_key, p_mac, p_hold::text, p_at);
    RETURN jsonb_build_object('id', p_hold, 'kind', 'hold', 'expiresAt', wire_moment(p_expires),
        'isBooked', false, 'isOver', false, 'bookings', lines);
END $$"""

# What a hold became, for a second attempt with the same key or another.
BOOKED_WIRE = """
CREATE FUNCTION booked_wire(p_account uuid, p_session uuid, p_hold uuid, p_at timestamptz)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h hold;
    person uuid;
    lines jsonb := '[]';
BEGIN
    SELECT * INTO h FROM hold WHERE id = p_hold;
    FOREACH person IN ARRAY CASE WHEN h.people = '{}' THEN ARRAY[NULL::uuid] ELSE h.people END LOOP
        PERFORM open_for_booking(p_account, p_session, person, p_at);
        lines := lines || coalesce((SELECT jsonb_agg(booking_wire(b, false, false, p_at))
            FROM booking b WHERE b.hold_id = p_hold
              AND b.profile_id IS NOT DISTINCT FROM person), '[]');
    END LOOP;
    RETURN jsonb_build_object('items', lines);
END $$"""

BOOK_ONE = """
CREATE FUNCTION book_one(
    b booking, v clinic_service, p_item jsonb, p_at timestamptz, OUT booked booking
) LANGUAGE plpgsql AS $$
DECLARE
    card record;
BEGIN
    IF EXISTS (SELECT FROM jsonb_array_elements(v.questions) q
               WHERE coalesce((q ->> 'isRequired')::boolean, false)
                 AND coalesce(p_item -> 'answers' ->> (q ->> 'id'), '') = '') THEN
        RAISE EXCEPTION USING ERRCODE = 'PH017', MESSAGE = 'answers needed';
    END IF;
    SELECT c.card_number, c.valid_until INTO card FROM coverage c
    WHERE c.profile_id = b.profile_id AND c.ended_at IS NULL
      AND (p_item ->> 'card_number' IS NULL OR c.card_number = p_item ->> 'card_number')
    ORDER BY c.valid_until DESC NULLS LAST, c.seen_at DESC LIMIT 1;
    UPDATE booking SET
        state = CASE WHEN v.confirms_itself THEN 'confirmed' ELSE 'requested' END,
        respond_by = CASE WHEN NOT v.confirms_itself
            THEN respond_by(p_at, b.starts_at, v.respond_minutes, v.lead_minutes) END,
        reason = p_item ->> 'reason', answers = p_item -> 'answers',
        card_number = coalesce(card.card_number,
            CASE WHEN NOT b.via_phone THEN p_item ->> 'card_number' END),
        card_valid_until = card.valid_until,
        shows_names = (p_item ->> 'shows_names')::boolean, qr_secret = p_item ->> 'qr_secret',
        created_at = p_at, state_at = p_at, version = version + 1
    WHERE id = b.id RETURNING * INTO booked;
    INSERT INTO booking_event (id, booking_id, facility_code, profile_id, classes, at, from_state,
        to_state, what, actor_kind, actor_id)
    VALUES ((p_item ->> 'event')::uuid, b.id, b.facility_code, b.profile_id, b.classes, p_at,
        'held', booked.state, booked.state, 'citizen', b.account_id);
    PERFORM plan_reminders(b.id, b.starts_at, v.asks_still_coming, p_at);
    INSERT INTO notification (id, profile_id, account_id, via_phone, category, kind, ref_kind,
        ref_id, params, classes, is_urgent, wants_sms, created_at, due_at, expires_at)
    VALUES ((p_item ->> 'notice')::uuid, b.profile_id,
        CASE WHEN b.via_phone THEN b.account_id END, b.via_phone, 'booking',
        'booking.' || booked.state, 'booking', b.id, booking_words(b.service_id, b.starts_at),
        b.classes, false, booked.state = 'confirmed', p_at, p_at, b.starts_at);
END $$"""

BOOK_HOLD = """
CREATE FUNCTION book_hold(
    p_account uuid, p_session uuid, p_hold uuid, p_items text,
    p_route text, p_key text, p_mac bytea, p_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known text := idempotent_begin(p_account, p_route, p_key, p_mac);
    items jsonb := p_items::jsonb;
    h hold;
    v clinic_service;
    b booking;
    person uuid;
    item jsonb;
    opened record;
    done integer := 0;
    lines jsonb := '[]';
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true);
    SELECT * INTO h FROM hold WHERE id = p_hold AND account_id = p_account FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such hold';
    ELSIF known IS NOT NULL OR h.booked_at IS NOT NULL THEN
        RETURN booked_wire(p_account, p_session, p_hold, p_at);
    END IF;
    SELECT * INTO v FROM clinic_service WHERE id = h.service_id;
    FOREACH person IN ARRAY CASE WHEN h.people = '{}' THEN ARRAY[NULL::uuid] ELSE h.people END LOOP
        SELECT * INTO opened FROM open_for_booking(p_account, p_session, person, p_at);
        IF h.released_at IS NOT NULL OR p_at >= h.expires_at THEN
            RAISE EXCEPTION USING ERRCODE = 'PH015', MESSAGE = 'hold expired';
        END IF;
        SELECT * INTO b FROM booking WHERE hold_id = p_hold AND state = 'held'
            AND profile_id IS NOT DISTINCT FROM person FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PH015', MESSAGE = 'hold expired';
        END IF;
        IF NOT EXISTS (SELECT FROM slot WHERE id = b.slot_id AND status = 'open') THEN
            RAISE EXCEPTION USING ERRCODE = 'PH011', MESSAGE = 'slot closed meanwhile';
        END IF;
        SELECT value INTO item FROM jsonb_array_elements(items) WHERE value ->> 'id' = b.id::text;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PH018', MESSAGE = 'not what is held';
        END IF;
        b := book_one(b, v, item, p_at);
        IF h.waitlist_entry_id IS NOT NULL THEN
            UPDATE waitlist_entry SET state = 'booked', version = version + 1
            WHERE id = h.waitlist_entry_id;
        END IF;
        IF opened.relation = 'carer' THEN
            PERFORM trace_booking((item ->> 'trace')::uuid, p_account, person, 'booking.create',
                                  p_at);
        END IF;
        done := done + 1;
        lines := lines || booking_wire(b, false, false, p_at);
    END LOOP;
    IF done <> jsonb_array_length(items) THEN
        RAISE EXCEPTION USING ERRCODE = 'PH018', MESSAGE = 'not what is held';
    END IF;
    UPDATE hold SET booked_at = p_at WHERE id = p_hold;
    PERFORM idempotent_end(p_account, p_route, p_key, p_mac, p_hold::text, p_at);
    RETURN jsonb_build_object('items', lines);
END $$"""

INVOKERS = (
    (IDEMPOTENT_BEGIN, "idempotent_begin(uuid, text, text, bytea)"),
    (IDEMPOTENT_END, "idempotent_end(uuid, text, text, bytea, text, timestamptz)"),
    (WIRE_MOMENT, "wire_moment(timestamptz)"),
    (RESPOND_BY, "respond_by(timestamptz, timestamptz, integer, integer)"),
    (PLAN_REMINDERS, "plan_reminders(uuid, timestamptz, boolean, timestamptz)"),
    (BOOKING_WORDS, "booking_words(uuid, timestamptz)"),
    (BOOKING_WIRE, "booking_wire(booking, boolean, boolean, timestamptz)"),
    (HELD_WIRE, "held_wire(booking)"),
    (OPEN_FOR_BOOKING, "open_for_booking(uuid, uuid, uuid, timestamptz)"),
    (TRACE_BOOKING, "trace_booking(uuid, uuid, uuid, text, timestamptz)"),
    (HOLD_WIRE, "hold_wire(uuid, uuid, uuid, timestamptz)"),
    (REPLACE_HELD, "replace_held(uuid, uuid, uuid, uuid, timestamptz)"),
    (CHECK_QUOTA, "check_quota(uuid, uuid, clinic_service, timestamptz)"),
    (SEAT_NEXT, "seat_next(slot, uuid, uuid, uuid, boolean, timestamptz)"),
    (
        TAKE_HOLD,
        (
            "take_hold(uuid, uuid, uuid, uuid, uuid, text, text, text, text, text, text, bytea,"
            " timestamptz, timestamptz)"
        ),
    ),
    (BOOKED_WIRE, "booked_wire(uuid, uuid, uuid, timestamptz)"),
    (BOOK_ONE, "book_one(booking, clinic_service, jsonb, timestamptz)"),
    (BOOK_HOLD, "book_hold(uuid, uuid, uuid, text, text, text, bytea, timestamptz)"),
)


def create_booking_functions(op: Executes) -> None:
    """Create them all; the three definers are on R10's closed list."""
    counts = "phone_counts(uuid, uuid, text, timestamptz)"
    definer(op, PHONE_COUNTS, counts, to=("phr_web", "phr_worker"))
    definer(op, IS_AWAITED, "is_awaited(uuid, timestamptz)", to=("phr_web", "phr_worker"))
    definer(op, WAITLIST_PLACE, "waitlist_place(uuid)", to=("phr_web",))
    for sql, signature in INVOKERS:
        invoker(op, sql, signature, to=("phr_web", "phr_worker"))
