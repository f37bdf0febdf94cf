"""Pushes of openings, SMS numbers that are proven, positions told.

Revision ID: 0017
"""

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    pass
