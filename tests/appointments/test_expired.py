"""Holds whose time is over, before the worker has come by."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.appointments.service.lapsing import lapse_holds
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import book, hold, later, slug
from tests.factories.appointments import make_booking, make_slot, seats_of
from tests.factories.consent import make_carer
from tests.factories.people import make_citizen, make_profile

Bound = Callable[[], AbstractContextManager[None]]


def test_a_hold_whose_time_is_over_is_in_nobodys_way(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    child, (first, second) = make_profile(session), (make_citizen(session) for _ in range(2))
    for carer in (first, second):
        make_carer(session, account=carer.account, child=child)
    slot = make_slot(session, capacity=2)
    old = hold(client, first, slot, [child.id]).get_json()
    assert hold(client, second, slot, [child.id]).status_code == 409
    with clock.moved(timedelta(minutes=10)):
        first, second = later(first), later(second)
        held = hold(client, second, slot, [child.id])
        assert held.status_code == 201, held.get_json()
        taken = {UUID(held.get_json()["bookings"][0]["id"]), None}
        assert set(seats_of(session, slot.id).values()) == taken
        with as_worker(), unit_of_work() as work:
            assert lapse_holds(work, clock.now())
        session.rollback()
        assert set(seats_of(session, slot.id).values()) == taken
        gone = book(client, first, old)
        assert (gone.status_code, slug(gone)) == (409, "appointments/hold-expired")
        assert book(client, second, held.get_json()).status_code == 201


def test_ones_own_hold_whose_time_is_over_is_not_in_the_way_of_another_service(
    client: FlaskClient, session: Session
) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    other = make_slot(session, starts_at=slot.starts_at)
    assert hold(client, citizen, slot, [citizen.profile.id]).status_code == 201
    with clock.moved(timedelta(minutes=10)):
        assert hold(client, later(citizen), other, [citizen.profile.id]).status_code == 201
        assert seats_of(session, slot.id) == {1: None}


def test_a_hold_that_is_refused_frees_nothing(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    full = make_slot(session, starts_at=slot.starts_at)
    make_booking(session, slot=full)
    held = hold(client, citizen, slot, [citizen.profile.id]).get_json()
    with clock.moved(timedelta(minutes=10)):
        refused = hold(client, later(citizen), full, [citizen.profile.id])
        assert (refused.status_code, slug(refused)) == (409, "appointments/slot-full")
        assert seats_of(session, slot.id) == {1: UUID(held["bookings"][0]["id"])}
