"""When each periodic task of the worker is due.

Revision ID: 0007
"""

from alembic import op
from sqlalchemy import Column, DateTime, Text

from phr_api.migrations.sql import force_rls, grant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "periodic_task",
        Column("name", Text, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
    )
    force_rls(op, "periodic_task")
    op.execute("CREATE POLICY work ON periodic_task TO phr_worker USING (true)")
    grant(op, "periodic_task", worker="SELECT, INSERT, UPDATE")
