"""Revision 0016: an offer of the waitlist is for whoever has the right over the person now.

Not for the account that joined the line: a carer whose right has ended neither sees, takes nor
declines it; the person and others who may book for them do (RIGHTS R5, R17).
"""

from phr_api.migrations.booking_functions import BOOK_HOLD, BOOK_ONE
from phr_api.migrations.sql import ACCOUNT, Executes, definer, invoker

# An offer goes with its place in line, which is the person's; anything else with its account.
HOLD_POLICY = f"""CASE WHEN kind = 'offer'
    THEN EXISTS (SELECT 1 FROM waitlist_entry w WHERE w.id = waitlist_entry_id)
    ELSE account_id = {ACCOUNT} END"""

# To whom an offer was made: an id, for open_record to say whether the caller may book for them.
OFFERED_TO = """
CREATE FUNCTION offered_to(p_hold uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT w.profile_id FROM hold h JOIN waitlist_entry w ON w.id = h.waitlist_entry_id
    WHERE h.id = p_hold AND h.kind = 'offer'
$$"""

# Opens the person whom this offer is for; no offer, or no right: not found.
OPEN_OFFER = """
CREATE FUNCTION open_offer(
    p_account uuid, p_session uuid, p_hold uuid, p_at timestamptz, OUT person uuid,
    OUT relation text
) LANGUAGE plpgsql AS $$
BEGIN
    person := offered_to(p_hold);
    IF person IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such offer';
    END IF;
    relation := (open_for_booking(p_account, p_session, person, p_at)).relation;
END $$"""

# What is offered now to people whom the caller may book for.
LIVE_OFFERS = """
CREATE FUNCTION live_offers(p_account uuid, p_session uuid, p_at timestamptz)
RETURNS TABLE (person uuid, relation text, wire jsonb) LANGUAGE plpgsql AS $$
DECLARE
    opened record;
    offer uuid;
BEGIN
    FOR person IN SELECT i FROM inbox_people(p_account, p_session, p_at) i WHERE i IS NOT NULL LOOP
        SELECT * INTO opened FROM open_record(p_account, p_session, person, 'book', p_at);
        CONTINUE WHEN opened.relation IS NULL;
        FOR offer IN SELECT h.id FROM waitlist_entry w JOIN hold h ON h.id = w.hold_id
            WHERE w.profile_id = person AND w.state = 'offered' AND h.booked_at IS NULL
              AND h.released_at IS NULL AND h.expires_at > p_at
        LOOP
            relation := opened.relation;
            wire := hold_wire(p_account, p_session, offer, p_at);
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$"""

OWN_ONLY = """
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such hold';
    ELSIF known"""
OWN_OR_OFFERED = """
    IF NOT FOUND THEN
        PERFORM open_offer(p_account, p_session, p_hold, p_at);
        SELECT * INTO h FROM hold WHERE id = p_hold FOR UPDATE;
    END IF;
    IF h.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH004', MESSAGE = 'no such hold';
    ELSIF known"""
BOOKS = "        b := book_one(b, v, item, p_at);\n"
# what was nobody's until now is the booking of whoever takes it
TAKES = """        IF h.kind = 'offer' THEN
            UPDATE booking SET account_id = p_account WHERE id = b.id RETURNING * INTO b;
        END IF;
"""

# The id of an answer to nothing that the service asks, or not of the kind that it asks for.
WRONG_ANSWER = """
CREATE FUNCTION wrong_answer(p_questions jsonb, p_answers jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT a.key FROM jsonb_each_text(p_answers) a
    LEFT JOIN jsonb_array_elements(p_questions) q ON q.value ->> 'id' = a.key
    WHERE q.value IS NULL OR a.value <> '' AND CASE q.value ->> 'kind'
        WHEN 'yes-no' THEN a.value NOT IN ('yes', 'no')
        WHEN 'choice' THEN NOT q.value -> 'options' @> to_jsonb(a.value)
        ELSE false END
    ORDER BY a.key LIMIT 1
$$"""
ANSWERED = """    SELECT c.card_number, c.valid_until INTO card FROM coverage c"""
ANSWERED_RIGHT = """    wrong := wrong_answer(v.questions, p_item -> 'answers');
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PH019', MESSAGE = 'wrong answer',
            DETAIL = jsonb_build_object('place', p_item -> 'place', 'question', wrong);
    END IF;
"""

KNOWN_OR_BOOKED = "    ELSIF known IS NOT NULL OR h.booked_at IS NOT NULL THEN\n"
# who comes again with another key may say other things: they are told what it is now
KNOWN_THEN_BOOKED = """    ELSIF h.booked_at IS NOT NULL AND known IS NULL THEN
        PERFORM booked_wire(p_account, p_session, p_hold, p_at);
        SELECT * INTO b FROM booking WHERE hold_id = p_hold ORDER BY starts_at, id LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PH015', MESSAGE = 'booked, and gone';
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'PH020', MESSAGE = 'booked already',
            DETAIL = jsonb_build_object('id', b.id, 'state', b.state, 'version', b.version);
    ELSIF known IS NOT NULL THEN
"""


def replace_once(sql: str, old: str, new: str) -> str:
    """Return a function's text with one part of it changed."""
    assert sql.count(old) == 1  # noqa: S101 - another text is another function
    return sql.replace(old, new)


def let_the_right_take_offers(op: Executes) -> None:
    """Change the policy of holds, and the functions that book and list them; check answers."""
    op.execute("DROP POLICY scope ON hold")
    op.execute(f"CREATE POLICY scope ON hold USING ({HOLD_POLICY}) WITH CHECK ({HOLD_POLICY})")
    definer(op, OFFERED_TO, "offered_to(uuid)", to=("phr_web",))
    opens, lists = (
        "open_offer(uuid, uuid, uuid, timestamptz)",
        "live_offers(uuid, uuid, timestamptz)",
    )
    invoker(op, OPEN_OFFER, opens, to=("phr_web",))
    invoker(op, LIVE_OFFERS, lists, to=("phr_web",))
    book = replace_once(BOOK_HOLD, "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    book = replace_once(book, OWN_ONLY, OWN_OR_OFFERED)
    book = replace_once(book, KNOWN_OR_BOOKED, KNOWN_THEN_BOOKED)
    op.execute(replace_once(book, BOOKS, TAKES + BOOKS))
    invoker(op, WRONG_ANSWER, "wrong_answer(jsonb, jsonb)", to=("phr_web",))
    one = replace_once(BOOK_ONE, "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    one = replace_once(one, "    card record;\n", "    card record;\n    wrong text;\n")
    op.execute(replace_once(one, ANSWERED, ANSWERED_RIGHT + ANSWERED))
