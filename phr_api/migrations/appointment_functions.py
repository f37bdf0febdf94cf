"""SQL functions of appointments: how a seat is taken and given back.

They work with the rights and the search path of who calls them (setting one costs on a hot path);
the policies of `seat` decide what those are.
"""

# In order of number, as people come through a door; what another transaction is just taking is
# passed by - until none is left: then it waits for who is at the last ones, since they may give
# back what they take (a family whose second person is refused). Each twice, because a parameter in
# place of the constant would hide the partial index from a generic plan. 0: there is no seat left.
TAKE_SEAT = """
CREATE FUNCTION take_seat(
    p_slot uuid, p_booking uuid, p_profile uuid, p_account uuid, p_waitlist boolean
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
BEGIN
    IF p_waitlist THEN
        SELECT s.seat_no INTO taken FROM seat s
        WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND s.for_waitlist
        ORDER BY s.seat_no LIMIT 1 FOR UPDATE SKIP LOCKED;
        WHILE taken IS NULL AND EXISTS (SELECT FROM seat s
            WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND s.for_waitlist)
        LOOP
            SELECT s.seat_no INTO taken FROM seat s
            WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND s.for_waitlist
            ORDER BY s.seat_no LIMIT 1 FOR UPDATE;
        END LOOP;
    ELSE
        SELECT s.seat_no INTO taken FROM seat s
        WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND NOT s.for_waitlist
        ORDER BY s.seat_no LIMIT 1 FOR UPDATE SKIP LOCKED;
        WHILE taken IS NULL AND EXISTS (SELECT FROM seat s
            WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND NOT s.for_waitlist)
        LOOP
            SELECT s.seat_no INTO taken FROM seat s
            WHERE s.slot_id = p_slot AND s.booking_id IS NULL AND NOT s.for_waitlist
            ORDER BY s.seat_no LIMIT 1 FOR UPDATE;
        END LOOP;
    END IF;
    IF taken IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE seat s
    SET booking_id = p_booking, profile_id = p_profile, account_id = p_account,
        for_waitlist = false, during = tstzrange(l.starts_at, l.ends_at)
    FROM slot l WHERE l.id = p_slot AND s.slot_id = p_slot AND s.seat_no = taken;
    RETURN taken;
END $$"""

# A freed seat is the line's first, if anybody waits for such a time (is_awaited, revision 0011).
# False: it was not this booking's.
FREE_SEAT = """
CREATE FUNCTION free_seat(p_slot uuid, p_seat integer, p_booking uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE seat s
    SET booking_id = NULL, profile_id = NULL, account_id = NULL, during = NULL,
        for_waitlist = (SELECT v.has_waitlist AND is_awaited(l.service_id, l.starts_at)
                        FROM slot l JOIN clinic_service v ON v.id = l.service_id
                        WHERE l.id = p_slot)
    WHERE s.slot_id = p_slot AND s.seat_no = p_seat AND s.booking_id = p_booking;
    RETURN FOUND;
END $$"""

SEATS = (
    (TAKE_SEAT, "take_seat(uuid, uuid, uuid, uuid, boolean)"),
    (FREE_SEAT, "free_seat(uuid, integer, uuid)"),
)
