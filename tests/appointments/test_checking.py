"""The nightly look at what foreign keys would forbid."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.queries.checks import Differences, find_differences
from phr_api.appointments.service.checking import check_seats
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.factories.appointments import make_booking

Bound = Callable[[], AbstractContextManager[None]]
pytestmark = pytest.mark.usefixtures("app")  # make_citizen signs in

_FREE = text(
    "UPDATE seat SET booking_id = NULL, profile_id = NULL, account_id = NULL, during = NULL"
    " WHERE booking_id = :id"
)


def test_a_lost_seat_and_a_lost_booking_are_counted(
    session: Session, as_worker: Bound, caplog: pytest.LogCaptureFixture
) -> None:
    cancelled, seatless = make_booking(session), make_booking(session)

    def counted() -> Differences:
        with as_worker(), unit_of_work() as worker:
            check_seats(worker, clock.now())
            return find_differences(worker, clock.now())

    before = counted()
    session.execute(
        text("UPDATE booking SET state = 'cancelled' WHERE id = :id"), {"id": cancelled.id}
    )
    session.execute(_FREE, {"id": seatless.id})
    session.commit()
    now = counted()
    assert (now.seats, now.bookings) == (before.seats + 1, before.bookings + 1)
    assert "seats and bookings differ" in caplog.text
