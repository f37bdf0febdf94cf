"""Offers of the waitlist follow the right; follow-ups find their service; facilities by API.

Revision ID: 0016
"""

from alembic import op

from phr_api.migrations.desk_slots import let_desks_make_slots
from phr_api.migrations.facility_writing import let_systems_write_facilities
from phr_api.migrations.offer_functions import let_the_right_take_offers

revision = "0016"
down_revision = "0015"

SERVICES = """
ALTER TABLE clinic_service
    ADD COLUMN visit_kind text NOT NULL DEFAULT 'other'
        CONSTRAINT ck_clinic_service_visit_kind
        CHECK (visit_kind IN ('consultation', 'follow-up', 'other')),
    ADD COLUMN departments text[] NOT NULL DEFAULT '{}'
"""

# Slots are found by province_key from now on; make_slots writes it to those that are there, too.
ALL_DUE = "SELECT facilities_due(array(SELECT DISTINCT facility_code FROM schedule), now())"


def upgrade() -> None:
    op.execute(SERVICES)
    let_systems_write_facilities(op)
    let_desks_make_slots(op)
    op.execute(ALL_DUE)
    let_the_right_take_offers(op)
