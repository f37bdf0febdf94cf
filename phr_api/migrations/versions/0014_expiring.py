"""Cards and papers that end soon, for the notification of whom they concern.

Revision ID: 0014
"""

from alembic import op

from phr_api.migrations.sql import definer

revision = "0014"
down_revision = "0013"

# Only of people whose book somebody reads, each end once. A card that a later one follows is no
# news, nor the end of a paper of a few days.
EXPIRING = """
CREATE FUNCTION expiring(p_today date, p_at timestamptz)
RETURNS TABLE (kind text, profile_id uuid, ref_id uuid, ends_on date, facility text, classes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH ending AS (
        SELECT 'account.card-expiring' AS kind, c.profile_id, c.id, c.valid_until AS ends_on,
               NULL::text AS facility_code, c.classes
        FROM coverage c
        WHERE c.ended_at IS NULL AND c.valid_until BETWEEN p_today + 1 AND p_today + 30
          AND NOT EXISTS (SELECT FROM coverage later WHERE later.profile_id = c.profile_id
                          AND later.ended_at IS NULL AND later.valid_until > c.valid_until)
        UNION ALL
        SELECT 'account.paper-expiring', p.profile_id, p.id, p.to_on, e.facility_code, p.classes
        FROM paper p JOIN encounter e ON e.profile_id = p.profile_id AND e.id = p.encounter_id
        WHERE p.status = 'current' AND p.to_on BETWEEN p_today + 1 AND p_today + 3
          AND p.to_on - coalesce(p.from_on, p.issued_on) >= 7
    )
    SELECT g.kind, g.profile_id, g.id, g.ends_on, f.name, g.classes
    FROM ending g LEFT JOIN facility f ON f.code = g.facility_code
    WHERE (EXISTS (SELECT FROM profile_link l WHERE l.profile_id = g.profile_id)
           OR EXISTS (SELECT FROM carer c WHERE c.profile_id = g.profile_id
                      AND c.ended_at IS NULL AND c.starts_at <= p_at AND p_at < c.ends_at))
      AND NOT EXISTS (SELECT FROM notification n WHERE n.profile_id = g.profile_id
                      AND n.ref_id = g.id AND n.kind = g.kind)
    ORDER BY g.ends_on, g.id
    LIMIT 1000
$$"""


def upgrade() -> None:
    definer(op, EXPIRING, "expiring(date, timestamptz)", to=("phr_worker",))
