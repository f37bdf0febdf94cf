"""Numbers are found by their index from the first visit on, whatever the tables held when planned.

Revision ID: 0020
"""

from alembic import op

from phr_api.migrations import intake_functions as functions

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("DROP INDEX ix_profile_identifier_value")
    op.execute(functions.NUMBERS)
    op.execute(functions.MATCH_PERSON)
