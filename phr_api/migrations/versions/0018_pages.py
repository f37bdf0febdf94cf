"""The desk page's idle lock is kept by the server.

Revision ID: 0018
"""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    pass
