"""Which time is suggested: one that the person can take, and rather a late one than none."""

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.appointments.asking import key
from tests.appointments.test_suggestions import (  # noqa: F401 - a fixture
    at_nine,
    citizen,
    free,
    read,
    soon,
    visit,
)
from tests.factories.appointments import make_booking, make_slot
from tests.factories.healthbook import make_visit
from tests.factories.people import Citizen


def test_a_time_at_which_the_person_is_booked_elsewhere_is_not_suggested(
    client: FlaskClient,
    session: Session,
    citizen: Citizen,  # noqa: F811
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    make_booking(session, citizen=citizen, slot=make_slot(session, starts_at=at_nine(5)))
    free(session, 5)
    later = free(session, 6)
    (one,) = read(client, citizen)
    assert one["slot"]["id"] == str(later.id)
    held = client.post("/v1/holds", json=one["hold"], headers=citizen.headers | key())
    assert held.status_code == 201, held.get_json()


def test_medicines_that_end_before_any_free_time_get_the_first_after(
    client: FlaskClient,
    session: Session,
    citizen: Citizen,  # noqa: F811
) -> None:
    make_visit(session, citizen.profile, visit(until=soon(2)))
    first = free(session, 3, "consultation")
    free(session, 4, "consultation")
    (one,) = read(client, citizen)
    assert (one["why"], one["slot"]["id"]) == ("medicines-end", str(first.id))
