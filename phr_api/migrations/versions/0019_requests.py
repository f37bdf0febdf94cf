"""Offers count in the quota; requests wait from when they became one, and not for their person.

Revision ID: 0019
"""

from alembic import op

from phr_api.migrations.request_functions import let_offers_count_and_requests_wait

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    let_offers_count_and_requests_wait(op)
