"""SQL functions of revision 0008: a visit that arrives, in two round trips.

`arrive_visit` takes the locks and says what is known of the visit and whose it is; `write_visit`
writes what it says into that person's book. Both run as the caller, under the caller's policies
and search path: setting one costs more than looking up all the tables.
"""

from phr_api.migrations.sql import PERSON

CLASSES = "hiv,tb,mental,reproductive"
SECTIONS = (
    "profile,coverage,encounters,medications,results,procedures,notes,programmes,papers,"
    "immunizations,allergies,conditions,measurements"
)

# The tables of a book that one arriving visit may write into, in the order of their keys.
BOOK_TABLES = (
    "profile",
    "profile_identifier",
    "profile_address",
    "coverage",
    "encounter",
    "medication",
    "procedure",
    "result",
    "note",
    "programme",
    "paper",
)

# R10-R12: verified or received numbers match, declared ones never; names of fields, no values.
# `without`: systems of identifiers that are not this person's, or not if somebody decides so.
# Each number and each person is looked up by itself (OFFSET 0), so that the index is used whatever
# the table's size was when the plan was made. (The worker plans once: see migrations/roles.py.)
MATCH_PERSON = """
CREATE OR REPLACE FUNCTION match_person(
    p_systems text[], p_values text[], p_cards text[], p_name_key text, p_earliest date,
    p_latest date, p_is_newborn boolean, p_locks text[],
    OUT outcome text, OUT person uuid, OUT reasons text[], OUT without text[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    by_number uuid[];
    by_card uuid[];
    other_number boolean;
    who profile;
    agrees boolean;
BEGIN
    reasons := '{}';
    without := '{}';
    PERFORM check_proof(
        num_nulls(p_systems, p_values, p_cards, p_name_key, p_is_newborn, p_locks),
        p_earliest, p_latest);
    PERFORM lock_numbers(p_locks);
    SELECT coalesce(array_agg(DISTINCT i.profile_id), '{}') INTO by_number
        FROM unnest(p_systems, p_values) AS n (system, value)
        CROSS JOIN LATERAL (SELECT h.profile_id FROM profile_identifier h
            WHERE h.system = n.system AND h.value = n.value
              AND h.assurance <> 'declared' AND h.ended_at IS NULL OFFSET 0) i;
    SELECT coalesce(array_agg(DISTINCT i.profile_id), '{}') INTO by_card
        FROM unnest(p_cards) AS n (value)
        CROSS JOIN LATERAL (SELECT h.profile_id FROM profile_identifier h
            WHERE h.system = 'bhxh' AND h.value = n.value
              AND h.assurance <> 'declared' AND h.ended_at IS NULL OFFSET 0) i;
    IF cardinality(by_number) > 1 THEN
        outcome := 'needs-review'; reasons := '{ambiguous}'; without := p_systems;
        RETURN;
    END IF;
    IF cardinality(by_number) = 1 THEN
        SELECT * INTO who FROM profile p WHERE p.id = by_number[1];
        agrees := who.birth_earliest <= p_latest AND who.birth_latest >= p_earliest;
        IF p_is_newborn AND NOT agrees THEN
            without := p_systems; -- the mother's number: the child is a person of its own
        ELSE
            person := who.id;
        END IF;
    END IF;
    IF person IS NULL AND cardinality(by_card) > 0 THEN
        IF cardinality(by_card) > 1 THEN
            outcome := 'needs-review'; reasons := '{ambiguous}';
            without := without || '{bhyt-card,bhxh}'::text[];
            RETURN;
        END IF;
        SELECT * INTO who FROM profile p WHERE p.id = by_card[1];
        agrees := who.birth_earliest <= p_latest AND who.birth_latest >= p_earliest;
        IF p_is_newborn AND NOT agrees THEN
            without := without || '{bhyt-card,bhxh}'::text[];
        ELSE
            person := who.id;
            -- a card matches by a full birth only
            agrees := agrees AND p_earliest = p_latest AND who.birth_earliest = who.birth_latest;
        END IF;
    END IF;
    IF person IS NULL THEN
        outcome := 'new';
        RETURN;
    END IF;
    IF who.name_key IS DISTINCT FROM p_name_key THEN
        reasons := reasons || 'name'::text;
    END IF;
    IF agrees IS NOT TRUE THEN
        reasons := reasons || 'birth'::text;
    END IF;
    -- a different citizen number is known of this person (of a child of its own: none is)
    SELECT bool_and(i.value <> n.value) FILTER (WHERE i.assurance <> 'declared') INTO other_number
        FROM unnest(p_systems, p_values) AS n (system, value)
        JOIN (SELECT h.system, h.value, h.assurance FROM profile_identifier h
            WHERE h.profile_id = person AND h.ended_at IS NULL OFFSET 0) i
            ON i.system = n.system
        WHERE n.system = 'citizen-id' AND NOT n.system = ANY (without);
    IF other_number THEN
        reasons := reasons || 'citizen-id'::text;
    END IF;
    IF EXISTS (SELECT 1 FROM unnest(by_card) AS c (id) WHERE c.id <> person)
       AND NOT 'bhxh' = ANY (without) THEN
        reasons := reasons || 'card'::text;
    END IF;
    IF cardinality(reasons) = 0 THEN
        outcome := 'matched';
        RETURN;
    END IF;
    outcome := 'needs-review';
    without := CASE WHEN reasons = '{card}' OR cardinality(by_number) = 0
                    THEN without || '{bhyt-card,bhxh}'::text[] ELSE p_systems END;
END $$"""

# What is kept of a person, as far as a file may add to it.
KNOWN_PERSON = """
CREATE OR REPLACE FUNCTION known_person(p_person uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'birth', p.birth, 'sex', p.sex, 'phone', p.phone, 'ethnicity', p.ethnicity,
        'nationality', p.nationality, 'occupation', p.occupation, 'blood_group', p.blood_group,
        'identifiers', (
            SELECT json_agg(i.system || ':' || i.value) FILTER (WHERE i.assurance <> 'declared')
            FROM profile_identifier i WHERE i.profile_id = p.id AND i.ended_at IS NULL),
        'addresses', (
            SELECT json_agg(json_build_array(a.id, a.scheme, a.list_version, a.province_code,
                                             a.district_code, a.commune_code, a.line))
            FROM profile_address a WHERE a.profile_id = p.id AND a.ended_at IS NULL),
        'coverage', (
            SELECT json_agg(json_build_array(c.id, c.card_number, c.valid_from, c.valid_until,
                                             c.registered_facility_code))
            FROM coverage c WHERE c.profile_id = p.id AND c.ended_at IS NULL))
    FROM profile p WHERE p.id = p_person
$$"""

# While a table is small, all its indexes of one width cost the planner the same but for conditions
# that are left to check. So all that a look-up asks for stands in the WHERE of its index (a current
# visit has not ended: it says so all the same). What is asked of one person must not imply that
# WHERE, or this index would be read whole: hence a FILTER where a person's numbers are read.
NUMBERS = """
CREATE INDEX ix_profile_identifier_value ON profile_identifier (system, value)
    INCLUDE (profile_id, assurance) WHERE ended_at IS NULL AND assurance <> 'declared'
"""
SENT_BYTES = """
CREATE INDEX ix_received_visit_raw ON received_visit (facility_code, raw_sha256)
    WHERE state = 'current' AND ended_at IS NULL
"""

# The scope in which intake writes one person's record (consent.open_for_intake).
OPEN_INTAKE = f"""
CREATE FUNCTION open_intake(p_facility text, p_principal uuid, p_person uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('phr.facility_id', p_facility, true),
            set_config('phr.principal_id', coalesce(p_principal::text, ''), true),
            set_config('phr.profile_id', p_person::text, true),
            set_config('phr.classes', '{CLASSES}', true),
            set_config('phr.sections', '{SECTIONS}', true);
END $$"""

# The head of a visit's transaction. Of a visit that this facility never sent, the person is matched
# at once (`p_new` is who it becomes if nobody is found) and the scope of that person set; of any
# other the caller looks first whether it says anything new. Nobody is matched for a sender with
# `p_most` disagreements today (R11; NULL: no limit).
ARRIVE_VISIT = """
CREATE FUNCTION arrive_visit(
    p_facility text, p_ma_lk text, p_submission uuid, p_ordinal integer, p_sender uuid, p_day date,
    p_most integer, p_principal uuid, p_new uuid, p_systems text[], p_values text[],
    p_cards text[], p_name_key text, p_earliest date, p_latest date, p_is_newborn boolean,
    p_locks text[],
    OUT is_entered boolean, OUT last_version integer, OUT current_visit jsonb,
    OUT waiting_visit jsonb, OUT withdrawn_contents bytea[], OUT has_open_refusals boolean,
    OUT disagreements integer,
    OUT outcome text, OUT person uuid, OUT reasons text[], OUT without text[], OUT known json
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT b.is_entered, b.last_version, b.current_visit, b.waiting_visit, b.withdrawn_contents,
           b.has_open_refusals, b.disagreements
        INTO is_entered, last_version, current_visit, waiting_visit, withdrawn_contents,
             has_open_refusals, disagreements
        FROM begin_visit(p_facility, p_ma_lk, p_submission, p_ordinal, p_sender, p_day) b;
    IF is_entered OR last_version > 0 OR disagreements >= p_most THEN
        RETURN;
    END IF;
    SELECT m.outcome, m.person, m.reasons, m.without INTO outcome, person, reasons, without
        FROM match_person(p_systems, p_values, p_cards, p_name_key, p_earliest, p_latest,
                          p_is_newborn, p_locks) m;
    IF outcome = 'new' THEN
        PERFORM open_intake(p_facility, p_principal, p_new);
    ELSIF outcome = 'matched' THEN
        PERFORM open_intake(p_facility, p_principal, person);
        known := known_person(person);
    END IF;
END $$"""

ARRIVE_VISIT_SIGNATURE = (
    "arrive_visit(text, text, uuid, integer, uuid, date, integer, uuid, uuid, text[], text[],"
    " text[], text, date, date, boolean, text[])"
)

# New rows of the person in scope, told to the feed once for all of them; `write_visit` alone calls
# it. As definer, since app roles write no versions (FINDINGS 2).
TELL_TOGETHER = f"""
CREATE FUNCTION tell_together(
    p_person uuid, p_count bigint, p_kinds text[], p_sections text[], p_ids uuid[],
    p_classes text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    last_seq bigint;
    told bigint;
BEGIN
    IF p_person IS DISTINCT FROM {PERSON} THEN
        RAISE EXCEPTION 'not the person in scope' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO record AS r (profile_id, version, oldest_seq) VALUES (p_person, p_count, 1)
        ON CONFLICT (profile_id) DO UPDATE SET version = r.version + EXCLUDED.version
        RETURNING r.version INTO last_seq;
    INSERT INTO record_change (profile_id, seq, kind, id, op, classes, section)
        SELECT p_person, last_seq - p_count + t.n, t.kind, t.id, 'upsert', t.classes::text[],
               t.section
        FROM unnest(p_kinds, p_sections, p_ids, p_classes) WITH ORDINALITY
            AS t (kind, section, id, classes, n);
    GET DIAGNOSTICS told = ROW_COUNT;
    IF told <> p_count THEN
        RAISE EXCEPTION 'the change feed was told of % of % rows', told, p_count;
    END IF;
END $$"""
TELL_TOGETHER_SIGNATURE = "tell_together(uuid, bigint, text[], text[], uuid[], text[])"


def _insert(table: str) -> str:
    return f"""
    IF p_{table} IS NOT NULL THEN
        INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, p_{table});
        GET DIAGNOSTICS part = ROW_COUNT;
        total := total + part;
    END IF;"""


# Rows come whole, as JSON by the names of their columns; NULL for a table that gets none. The
# feed's triggers leave these rows to one telling; each row's kind, id and classes come as lists
# joined by `;`, as text that is parsed here.
WRITE_VISIT = f"""
CREATE FUNCTION write_visit(
    p_person uuid, p_event uuid, p_at timestamptz, p_kinds text, p_sections text, p_ids text,
    p_classes text,
    {", ".join(f"p_{table} json" for table in BOOK_TABLES)}
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part bigint;
    total bigint := 0;
BEGIN
    PERFORM set_config('phr.feed', 'together', true);
    {"".join(map(_insert, BOOK_TABLES))}
    PERFORM set_config('phr.feed', '', true);
    PERFORM tell_together(
        p_person, total, string_to_array(p_kinds, ';'), string_to_array(p_sections, ';'),
        string_to_array(p_ids, ';')::uuid[], string_to_array(p_classes, ';'));
    IF p_event IS NOT NULL THEN
        INSERT INTO audit_subject (profile_id, event_id, at) VALUES (p_person, p_event, p_at)
            ON CONFLICT DO NOTHING;
    END IF;
END $$"""
WRITE_VISIT_SIGNATURE = (
    f"write_visit(uuid, uuid, timestamptz, text, text, text, text{', json' * len(BOOK_TABLES)})"
)
