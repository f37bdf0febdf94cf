"""SQL functions of revision 0005: the two hot reads, each one round trip (FINDINGS 12).

Both run as the caller, under the caller's policies: open_record sets the scope in a statement of
its own, and what is read afterwards is what that scope shows. They change only by a new revision.
"""

# Sections that hospitals fill; what the person enters is not news to them.
NEWS = "'encounters', 'results', 'papers', 'immunizations'"

# No body: the tag is known to the caller, or nothing is stored. No tag: not the caller's own book.
# p_shape is the hash of the statement that builds the book; p_known the If-None-Match header.
READ_BOOK = """
CREATE FUNCTION read_book(
    p_account uuid, p_session uuid, p_profile uuid, p_at timestamptz, p_shape text, p_known text,
    OUT tag text, OUT is_known boolean, OUT body bytea
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    opened text;
    v_version bigint;
    v_shape text;
BEGIN
    opened := (open_record(p_account, p_session, p_profile, 'see', p_at)).relation;
    IF opened IS DISTINCT FROM 'self' THEN
        RETURN;
    END IF;
    SELECT r.version, p_shape || '.' || c.version || '.' || d.version INTO v_version, v_shape
        FROM record r, reference_version c, reference_version d
        WHERE r.profile_id = p_profile AND c.name = 'codes' AND d.name = 'directory';
    tag := '"' || v_version || '.' || v_shape || '"';
    is_known := strpos(p_known, tag) > 0;
    IF NOT is_known THEN
        SELECT s.body INTO body FROM record_snapshot s
            WHERE s.profile_id = p_profile AND s.version = v_version AND s.shape = v_shape;
    END IF;
END $$"""

# One entry a person: what is new since this account last looked, and the last change that this
# account may see; `reference` ends the tag of a book. A person's rows are read under that
# person's scope, one after the other.
READ_HOME = f"""
CREATE FUNCTION read_home(
    p_account uuid, p_session uuid, p_at timestamptz,
    OUT is_live boolean, OUT reference text, OUT people jsonb
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    who uuid[];
    person uuid;
    opened record;
    v_seen bigint;
    entry jsonb;
    v_assurance text;
BEGIN
    PERFORM set_config('phr.account_id', p_account::text, true),
            set_config('phr.session_id', p_session::text, true),
            set_config('phr.profile_id', '', true);
    v_assurance := live_session(p_account, p_session, p_at);
    is_live := v_assurance IS NOT NULL;
    people := '[]';
    IF v_assurance IS DISTINCT FROM 'record' THEN
        RETURN;
    END IF;
    SELECT c.version || '.' || d.version INTO reference
        FROM reference_version c, reference_version d
        WHERE c.name = 'codes' AND d.name = 'directory';
    SELECT array_agg(x.profile_id ORDER BY x.place, x.profile_id) INTO who FROM (
        SELECT l.profile_id, 0 AS place FROM profile_link l WHERE l.account_id = p_account
        UNION ALL
        SELECT c.profile_id, 1 FROM carer c
        WHERE c.account_id = p_account AND c.ended_at IS NULL AND c.suspended_at IS NULL
          AND c.starts_at <= p_at AND p_at < c.ends_at
    ) x;
    FOREACH person IN ARRAY coalesce(who, '{{}}') LOOP
        SELECT * INTO opened FROM open_record(p_account, p_session, person, 'see', p_at);
        CONTINUE WHEN opened.relation IS NULL;
        SELECT coalesce(max(h.seq), 0) INTO v_seen FROM home_seen h
            WHERE h.account_id = p_account AND h.profile_id = person;
        SELECT jsonb_build_object(
            'id', p.id, 'name', p.full_name, 'relation', opened.relation,
            'powers', opened.powers, 'classes', opened.classes,
            'version', r.version,
            'last', coalesce((SELECT max(c.seq) FROM record_change c
                              WHERE c.profile_id = person), 0),
            'new', coalesce((
                SELECT jsonb_object_agg(n.section, n.count) FROM (
                    SELECT latest.section, count(*) AS count FROM (
                        SELECT DISTINCT ON (c.id) c.section, c.op FROM record_change c
                        WHERE c.profile_id = person AND c.seq > v_seen AND c.section IN ({NEWS})
                        ORDER BY c.id, c.seq DESC
                    ) latest WHERE latest.op = 'upsert' GROUP BY latest.section
                ) n), '{{}}'))
            INTO entry
            FROM profile p JOIN record r ON r.profile_id = p.id WHERE p.id = person;
        IF entry IS NOT NULL THEN
            people := people || entry;
        END IF;
    END LOOP;
END $$"""

# Names for the access log of the person in scope: of events that concern this person, and of no
# others. Runs as phr_definer, since staff, systems and carers are not the caller's rows (R10).
ACCESS_NAMES = """
CREATE FUNCTION access_names(p_events uuid[]) RETURNS TABLE (event_id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT e.id, CASE e.actor_kind
        WHEN 'staff' THEN (SELECT m.display_name FROM membership m
            WHERE m.account_id = e.actor_id AND m.facility_code = e.facility_code
            ORDER BY m.ended_at DESC NULLS FIRST LIMIT 1)
        WHEN 'system' THEN (SELECT c.name FROM client c WHERE c.id = e.actor_id)
        WHEN 'citizen' THEN (SELECT p.full_name FROM profile_link l
            JOIN profile p ON p.id = l.profile_id WHERE l.account_id = e.actor_id)
        END
    FROM audit_event e
    WHERE e.id = ANY (p_events) AND EXISTS (
        SELECT 1 FROM audit_subject s WHERE s.event_id = e.id
        AND s.profile_id = nullif(current_setting('phr.profile_id', true), '')::uuid)
$$"""

CALLERS = (
    (READ_BOOK, "read_book(uuid, uuid, uuid, timestamptz, text, text)"),
    (READ_HOME, "read_home(uuid, uuid, timestamptz)"),
)
