"""Waiting, late moves and the line, after a reading for security.

Revision ID: 0016
"""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    pass
