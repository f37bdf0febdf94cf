"""What staff see again within a quarter of an hour is not traced again (RIGHTS R7).

Revision ID: 0013
"""

from alembic import op

from phr_api.migrations.sql import FACILITY, PRINCIPAL, definer

revision = "0013"
down_revision = "0012"

# Of these people, those whom the caller was not shown by this list at this facility since then.
# It looks at the caller's own events alone, whatever is asked.
NOT_YET_SHOWN = f"""
CREATE FUNCTION not_yet_shown(p_action text, p_people uuid[], p_since timestamptz) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT person.id), '{{}}')
    FROM unnest(p_people) AS person (id)
    WHERE NOT EXISTS (
        SELECT 1 FROM audit_subject s JOIN audit_event e ON e.id = s.event_id
        WHERE s.profile_id = person.id AND s.at >= p_since
          AND e.actor_id = {PRINCIPAL} AND e.action = p_action
          AND e.facility_code = {FACILITY})
$$"""


def upgrade() -> None:
    definer(op, NOT_YET_SHOWN, "not_yet_shown(text, uuid[], timestamptz)", to=("phr_web",))
