"""News of a booking made by phone is for whoever owned the number then (RIGHTS R2).

Revision ID: 0015
"""

from alembic import op

from phr_api.migrations.notification_functions import TARGETS
from phr_api.migrations.sql import ACCOUNT, PERSON_AND_CLASSES, PHONE

revision = "0015"
down_revision = "0014"

OF_THIS_OWNER = """
        AND NOT (n.via_phone AND n.ref_kind = 'booking' AND EXISTS (
            SELECT FROM booking b JOIN phone_proof p ON p.account_id = n.account_id
            WHERE b.id = n.ref_id AND b.created_at < p.verified_at))
"""
# what the caller may see of bookings decides what they may see of the news about them
INBOX = (
    f"({PERSON_AND_CLASSES}) OR (profile_id IS NULL AND account_id = {ACCOUNT}"
    f" AND (NOT via_phone OR (({PHONE}) AND (ref_kind IS DISTINCT FROM 'booking'"
    " OR EXISTS (SELECT 1 FROM booking b WHERE b.id = ref_id)))))"
)


def upgrade() -> None:
    told = "WHERE n.id = ANY (p_ids)"
    op.execute(
        TARGETS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
            told, told + OF_THIS_OWNER
        )
    )
    op.execute("DROP POLICY inbox ON notification")
    op.execute(f"CREATE POLICY inbox ON notification FOR SELECT TO phr_web USING ({INBOX})")
