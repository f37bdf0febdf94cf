"""The desk page's idle lock is kept by the server: such a session ends unless somebody acts.

Revision ID: 0018
"""

from alembic import op
from sqlalchemy import Boolean, Column, text

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    # constant default: no table is rewritten (PostgreSQL 11 and later)
    op.add_column(
        "session", Column("is_page", Boolean, nullable=False, server_default=text("false"))
    )
