"""Numbers and sent bytes are found by an index of their own, whatever the tables held when planned.

Revision ID: 0020
"""

from alembic import op

from phr_api.migrations import intake_functions as functions

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    for index in ("ix_profile_identifier_value", "ix_received_visit_raw"):
        op.execute(f"DROP INDEX {index}")
    op.execute(functions.NUMBERS)
    op.execute(functions.SENT_BYTES)
    op.execute(functions.MATCH_PERSON)
    op.execute(functions.KNOWN_PERSON)
