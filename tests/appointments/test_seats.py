"""Seats: one booking each, one time a person."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from phr_api.appointments import find_next_free, free_seat, get_slot, take_seat
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import NotFound
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.people import make_citizen
from tests.factories.waiting import make_entry

pytestmark = pytest.mark.usefixtures("app")  # make_citizen signs in


def test_seats_are_taken_in_order_until_there_is_none(session: Session) -> None:
    slot = make_slot(session, capacity=2)
    first = make_booking(session, slot=slot)
    second = make_booking(session, slot=slot)
    assert seats_of(session, slot.id) == {1: first.id, 2: second.id}
    assert take_seat(session, slot.id, new_row_id(), profile_id=None, account_id=None) is None
    assert free_seat(session, slot.id, 1, first.id)
    assert not free_seat(session, slot.id, 1, first.id)
    assert get_slot(session, slot.id).left == 1


def test_a_person_has_one_place_at_a_time(session: Session) -> None:
    citizen = make_citizen(session)
    slot = make_slot(session)
    make_booking(session, citizen=citizen, slot=slot)
    same_time = make_slot(session, starts_at=slot.starts_at + timedelta(minutes=5))
    with pytest.raises(IntegrityError, match="ex_seat_person"):
        make_booking(session, citizen=citizen, slot=same_time)


def test_a_freed_seat_is_the_waitlists_first(session: Session) -> None:
    slot = make_slot(session, service=make_service(session, has_waitlist=True))
    booking = make_booking(session, slot=slot)
    make_entry(session, slot=slot)
    free_seat(session, slot.id, 1, booking.id)
    for from_waitlist, taken in ((False, None), (True, 1)):
        seat = take_seat(
            session,
            slot.id,
            new_row_id(),
            profile_id=None,
            account_id=None,
            from_waitlist=from_waitlist,
        )
        assert seat == taken


def test_the_next_free_slots_are_found(session: Session) -> None:
    service = make_service(session)
    slots = [make_slot(session, service=service, starts_in=timedelta(days=n)) for n in (2, 3, 4)]
    make_booking(session, slot=slots[1])
    at = clock.now()
    found = find_next_free(session, service.id, after=at, at=at)
    assert [row.id for row in found] == [slots[0].id, slots[2].id]
    with pytest.raises(NotFound):
        get_slot(session, new_row_id())


def test_a_taken_seat_is_seen_by_those_it_concerns_alone(
    session: Session, web_connection: Connection
) -> None:
    slot = make_slot(session, capacity=2)
    booking = make_booking(session, slot=slot)
    count = text("SELECT count(*) FROM seat WHERE slot_id = :slot")
    for settings, seen in (
        ({}, 1),
        ({"phr.account_id": booking.account_id}, 2),
        ({"phr.profile_id": booking.profile_id}, 2),
        ({"phr.facility_id": slot.facility_code}, 2),
        ({"phr.facility_id": "99002"}, 1),
    ):
        with web_connection.begin():
            for name, value in settings.items():
                set_it = text("SELECT set_config(:name, :value, true)")
                web_connection.execute(set_it, {"name": name, "value": str(value)})
            assert web_connection.scalar(count, {"slot": slot.id}) == seen
