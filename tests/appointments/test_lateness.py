"""A seat given up late counts, unless the clinic itself had closed the time."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.appointments.asking import act, mine
from tests.factories.appointments import make_booking, make_service, make_slot
from tests.factories.people import make_citizen


@pytest.mark.parametrize(("status", "late"), [("open", True), ("closed", False)])
@pytest.mark.parametrize("how", ["reschedule", "cancellation"])
def test_leaving_a_time_that_the_clinic_closed_is_not_late(
    client: FlaskClient, session: Session, how: str, status: str, *, late: bool
) -> None:
    citizen, service = make_citizen(session), make_service(session, cancel_minutes=1440)
    slot = make_slot(session, service=service, starts_in=timedelta(hours=5))
    booking = make_booking(session, citizen=citizen, slot=slot)
    other = make_slot(session, service=service, starts_in=timedelta(days=2))
    slot.status = status
    session.commit()
    body = {"slotId": str(other.id)} if how == "reschedule" else {}
    done = act(client, mine(citizen, str(booking.id)), how, citizen, body)
    assert (done.status_code, done.get_json()["isLate"]) == (200, late)
