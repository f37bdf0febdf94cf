"""SQL functions of revision 0002 that say whose a number is: by a document, a provider, a file.

They return ids, outcomes and names of fields, never another person's values (RIGHTS R10, R11).
"""

# A value that is missing or unlimited proves nobody: it is refused, whoever sends it. A birth with
# unknown parts is a year at most.
CHECK_PROOF = """
CREATE FUNCTION check_proof(p_missing integer, p_earliest date, p_latest date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF p_missing > 0 OR p_earliest IS NULL OR p_latest IS NULL THEN
        RAISE EXCEPTION 'a value is missing' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF p_latest - p_earliest NOT BETWEEN 0 AND 365 THEN
        RAISE EXCEPTION 'a birth is within one year' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$"""

# All numbers of a person, sorted, until the transaction ends (FINDINGS 8).
LOCK_NUMBERS = """
CREATE FUNCTION lock_numbers(p_numbers text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
DECLARE
    number text;
BEGIN
    FOR number IN SELECT DISTINCT unnest(p_numbers) ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('person ' || number, 0));
    END LOOP;
END $$"""

# A document or a trusted provider says who this is: find that person, or make them.
ENSURE_PERSON = """
CREATE FUNCTION ensure_person(
    p_new uuid, p_identifier uuid, p_number text, p_full_name text, p_name_key text,
    p_search_key text, p_sex text, p_birth text, p_earliest date, p_latest date, p_at timestamptz,
    OUT person uuid, OUT reasons text[]
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    known uuid[];
    who profile;
BEGIN
    reasons := '{}';
    PERFORM check_proof(
        num_nulls(p_new, p_identifier, p_number, p_full_name, p_name_key, p_search_key, p_sex,
                  p_birth, p_at), p_earliest, p_latest);
    PERFORM lock_numbers(ARRAY['citizen-id:' || p_number]);
    SELECT coalesce(array_agg(DISTINCT i.profile_id), '{}') INTO known FROM profile_identifier i
        WHERE i.system = 'citizen-id' AND i.value = p_number
          AND i.assurance <> 'declared' AND i.ended_at IS NULL;
    IF cardinality(known) > 1 THEN
        reasons := '{ambiguous}';
        RETURN;
    END IF;
    IF cardinality(known) = 0 THEN
        INSERT INTO profile (id, full_name, name_key, search_key, sex, birth, birth_earliest,
                             birth_latest, created_at, updated_at)
            VALUES (p_new, p_full_name, p_name_key, p_search_key, p_sex, p_birth, p_earliest,
                    p_latest, p_at, p_at);
        person := p_new;
    ELSE
        SELECT * INTO who FROM profile p WHERE p.id = known[1];
        IF who.name_key IS DISTINCT FROM p_name_key THEN
            reasons := reasons || 'name'::text;
        END IF;
        IF (who.birth_earliest <= p_latest AND who.birth_latest >= p_earliest) IS NOT TRUE THEN
            reasons := reasons || 'birth'::text;
        END IF;
        IF cardinality(reasons) > 0 THEN
            RETURN;
        END IF;
        person := who.id;
    END IF;
    INSERT INTO profile_identifier (profile_id, id, system, value, assurance, seen_at)
        VALUES (person, p_identifier, 'citizen-id', p_number, 'verified', p_at)
        ON CONFLICT (profile_id, system, value, assurance) WHERE ended_at IS NULL DO NOTHING;
END $$"""

# R10-R12: verified or received numbers match, declared ones never; names of fields, no values.
# `without`: systems of identifiers that are not this person's, or not if somebody decides so.
MATCH_PERSON = """
CREATE FUNCTION match_person(
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
        JOIN profile_identifier i ON i.system = n.system AND i.value = n.value
        WHERE i.assurance <> 'declared' AND i.ended_at IS NULL;
    SELECT coalesce(array_agg(DISTINCT i.profile_id), '{}') INTO by_card
        FROM profile_identifier i
        WHERE i.system = 'bhxh' AND i.value = ANY (p_cards)
          AND i.assurance <> 'declared' AND i.ended_at IS NULL;
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
    SELECT bool_and(i.value <> n.value) INTO other_number
        FROM unnest(p_systems, p_values) AS n (system, value)
        JOIN profile_identifier i ON i.system = n.system AND i.profile_id = person
        WHERE n.system = 'citizen-id' AND i.assurance <> 'declared' AND i.ended_at IS NULL
          AND NOT n.system = ANY (without);
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
