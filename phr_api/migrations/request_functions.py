"""Revision 0019: `book_hold` and `booking_wire` as they are now, each in one piece.

An offer of the waitlist counts in the quota; a request is asked from when it became one, and waits
for nobody at the desk while its person has a proposal to answer.
"""

from phr_api.migrations.sql import Executes

# One round trip: right, idempotency, work, notification. The order of locks: booking_functions.py.
BOOK_HOLD = """
CREATE OR REPLACE FUNCTION book_hold(
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
        PERFORM open_offer(p_account, p_session, p_hold, p_at);
        SELECT * INTO h FROM hold WHERE id = p_hold FOR UPDATE;
    END IF;
    IF h.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such hold';
    ELSIF h.booked_at IS NOT NULL AND known IS NULL THEN
        PERFORM booked_wire(p_account, p_session, p_hold, p_at);
        SELECT * INTO b FROM booking WHERE hold_id = p_hold ORDER BY starts_at, id LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PH015', MESSAGE = 'booked, and gone';
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'PH020', MESSAGE = 'booked already',
            DETAIL = jsonb_build_object('id', b.id, 'state', b.state, 'version', b.version);
    ELSIF known IS NOT NULL THEN
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
        IF h.kind = 'offer' THEN
            -- of a hold it was checked when it was made; to whom this was offered may have booked
            PERFORM check_quota(p_account, person, v, p_at);
            UPDATE booking SET account_id = p_account WHERE id = b.id RETURNING * INTO b;
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

# A booking as it is shown. The QR's secret is the person's; where the card has run out, who comes
# and since when, is the desk's. `whole`: with answers and history. One plan for all: a plan of its
# own for each call looks cheaper to the planner and costs four times as much.
BOOKING_WIRE = """
CREATE OR REPLACE FUNCTION booking_wire(
    b booking, p_is_desk boolean, p_is_whole boolean, p_at timestamptz
) RETURNS jsonb LANGUAGE sql STABLE SET plan_cache_mode = 'force_generic_plan' AS $$
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
        'respondBy', CASE WHEN b.state = 'requested' AND b.proposal_until IS NULL
            THEN wire_moment(b.respond_by) END,
        'proposal', CASE WHEN b.proposal_until IS NOT NULL THEN jsonb_build_object(
            'startsAt', wire_moment(b.proposed_starts_at),
            'endsAt', wire_moment(b.proposed_ends_at), 'until', wire_moment(b.proposal_until)) END,
        'alternatives', (SELECT coalesce(jsonb_agg(jsonb_build_object('slotId', s.id, 'startsAt',
            wire_moment(s.starts_at), 'endsAt', wire_moment(s.ends_at)) ORDER BY s.starts_at), '[]')
            FROM slot s WHERE s.id = ANY (b.alternatives)),
        'declinedReason', b.declined_reason, 'cancelledBy', b.cancelled_by, 'isLate', b.is_late,
        'stillComing', b.still_coming, 'showsNames', b.shows_names)
    || CASE WHEN p_is_desk THEN jsonb_build_object(
        'requestedAt', wire_moment(CASE WHEN b.state = 'requested' THEN b.state_at
            ELSE b.created_at END),
        'waitingMinutes', CASE WHEN b.state = 'requested'
            THEN greatest(0, floor(extract(epoch FROM p_at - b.state_at) / 60)::integer) END,
        'isOverdue', b.state = 'requested' AND b.desk_reminded_at IS NOT NULL
            AND b.proposal_until IS NULL,
        'isStranded', b.state IN ('requested', 'confirmed') AND EXISTS (
            SELECT FROM slot s WHERE s.id = b.slot_id AND s.status = 'closed'))
       ELSE jsonb_build_object('qr', CASE WHEN b.qr_secret IS NOT NULL
            AND b.state IN ('requested', 'confirmed', 'arrived')
            THEN 'PHRB1.' || b.id || '.' || b.qr_secret END) END
    || CASE WHEN p_is_whole THEN jsonb_build_object('answers', b.answers, 'history',
        (SELECT coalesce(jsonb_agg(jsonb_build_object('at', wire_moment(e.at), 'what', e.what,
             'by', e.actor_name, 'note', e.note) ORDER BY e.id), '[]')
         FROM booking_event e WHERE e.booking_id = b.id)) ELSE '{}' END
    FROM clinic_service v JOIN facility f ON f.code = v.facility_code WHERE v.id = b.service_id
$$"""

ORDERED = (
    "CREATE INDEX ix_booking_waiting ON booking (facility_code, state_at) WHERE state = 'requested'"
)
QUOTA = "check_quota(uuid, uuid, clinic_service, timestamptz)"


def let_offers_count_and_requests_wait(op: Executes) -> None:
    """Put both functions in the place of those of older revisions; the index follows the order."""
    op.execute(BOOK_HOLD)
    op.execute(BOOKING_WIRE)
    op.execute(f"GRANT EXECUTE ON FUNCTION {QUOTA} TO phr_worker")
    op.execute("DROP INDEX ix_booking_waiting")
    op.execute(ORDERED)
