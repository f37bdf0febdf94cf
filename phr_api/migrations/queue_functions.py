"""SQL functions of revision 0012: what the line shows to people who may not read its tickets.

Counts and numbers, and ids of one facility's own bookings; never whose they are (RIGHTS R10, R27).
"""

# How far a ticket is: who is before it, the numbers called last, the usual minutes between two
# calls of today (the median of the last twelve, so that a break does not count).
QUEUE_PLACE = """
CREATE FUNCTION queue_place(
    p_ticket uuid, OUT ahead integer, OUT calling integer[], OUT pace double precision
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (SELECT count(*)::integer FROM ticket o
            WHERE o.queue_id = t.queue_id AND o.on_date = t.on_date AND o.state = 'waiting'
              AND (o.rank, o.turn, o.number) < (t.rank, t.turn, t.number)),
           ARRAY(SELECT c.number FROM ticket c
                 WHERE c.queue_id = t.queue_id AND c.on_date = t.on_date AND c.state = 'called'
                 ORDER BY c.called_at DESC LIMIT 5),
           (SELECT extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY g.gap)) / 60
            FROM (SELECT l.called_at - lag(l.called_at) OVER (ORDER BY l.called_at) AS gap
                  FROM (SELECT c.called_at FROM ticket c
                        WHERE c.queue_id = t.queue_id AND c.on_date = t.on_date
                          AND c.called_at IS NOT NULL
                        ORDER BY c.called_at DESC LIMIT 12) l) g
            WHERE g.gap IS NOT NULL HAVING count(*) >= 3)
    FROM ticket t WHERE t.id = p_ticket
$$"""

# What hangs on the wall: numbers and rooms. One row without a number for a line that is empty, no
# row for a key that is none.
SCREEN = """
CREATE FUNCTION screen(p_key text, p_on date)
RETURNS TABLE (prefix text, number integer, room text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT q.prefix, s.number, s.room, s.state
    FROM clinic_queue q
    LEFT JOIN LATERAL (
        (SELECT c.number, c.room, c.state, 0 AS part, row_number() OVER (ORDER BY c.called_at DESC)
         FROM ticket c
         WHERE c.queue_id = q.id AND c.on_date = p_on AND c.state IN ('called', 'in-room')
         ORDER BY c.called_at DESC LIMIT 8)
        UNION ALL
        (SELECT w.number, NULL, w.state, 1, row_number() OVER (ORDER BY w.rank, w.turn, w.number)
         FROM ticket w
         WHERE w.queue_id = q.id AND w.on_date = p_on AND w.state = 'waiting'
         ORDER BY w.rank, w.turn, w.number LIMIT 5)
    ) s (number, room, state, part, place) ON true
    WHERE q.screen_key = p_key AND q.ended_at IS NULL
    ORDER BY s.part, s.place
$$"""

# A scanned citizen card finds bookings of these hours at this facility by a number that is verified
# or received (R11, R27), for its own desk, and nothing else.
FIND_TODAYS = """
CREATE FUNCTION find_todays(
    p_account uuid, p_session uuid, p_facility text, p_number text,
    p_since timestamptz, p_until timestamptz, p_at timestamptz
) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
    SELECT b.id FROM booking b
    WHERE 'desk' = ANY (live_membership(p_account, p_session, p_facility, p_at))
      AND p_until - p_since <= interval '1 day'
      AND b.facility_code = p_facility AND b.starts_at >= p_since AND b.starts_at < p_until
      AND b.state IN ('requested', 'confirmed', 'arrived', 'in-room', 'done')
      AND EXISTS (SELECT 1 FROM profile_identifier i
                  WHERE i.profile_id = b.profile_id AND i.system = 'citizen-id'
                    AND i.value = p_number AND i.assurance <> 'declared' AND i.ended_at IS NULL)
$$"""

CLOSED_LIST = (
    (QUEUE_PLACE, "queue_place(uuid)"),
    (SCREEN, "screen(text, date)"),
    (
        FIND_TODAYS,
        "find_todays(uuid, uuid, text, text, timestamptz, timestamptz, timestamptz)",
    ),
)
