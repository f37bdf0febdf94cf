"""What becomes due for bookings, with the clock moved."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments import By, work_once
from phr_api.appointments.models import Booking, BookingDue
from phr_api.appointments.service import moving
from phr_api.appointments.service.due import (
    answer_unanswered,
    lapse_proposals,
    remind_desks,
    send_due,
)
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import act, booked, hold, mine, seats_by, slug
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.people import make_citizen, make_staff

pytestmark = pytest.mark.usefixtures("app")  # make_citizen signs in

CLINIC = "99034"  # of this module alone: the desk's list is the whole facility's
Bound = Callable[[], AbstractContextManager[None]]
Step = Callable[[Session, datetime], bool]


def run(as_worker: Bound, step: Step) -> None:
    """Run the step until there is nothing left, as the worker's role."""
    for _ in range(20):
        with as_worker(), unit_of_work() as session:
            if not step(session, clock.now()):
                return
    raise AssertionError("it never ends")


def now_of(session: Session, booking: Booking) -> Booking:
    session.expire_all()
    return session.get_one(Booking, booking.id, populate_existing=True)


def kinds_told(session: Session, booking: Booking) -> list[str]:
    query = text("SELECT kind FROM notification WHERE ref_id = :id ORDER BY id")
    return list(session.scalars(query, {"id": booking.id}))


def test_half_way_the_desk_is_reminded(session: Session, as_worker: Bound) -> None:
    at = clock.now()
    early = make_booking(session, state="requested", respond_by=at + timedelta(hours=4))
    late = make_booking(
        session,
        state="requested",
        created_at=at - timedelta(hours=3),
        respond_by=at + timedelta(hours=1),
    )
    run(as_worker, remind_desks)
    assert now_of(session, early).desk_reminded_at is None
    assert now_of(session, late).desk_reminded_at is not None


def test_the_desk_sees_that_an_answer_is_due(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    at, service = clock.now(), make_service(session, facility_code=CLINIC)
    times = {
        "half of its time is over": (timedelta(hours=3), timedelta(hours=3) - timedelta(minutes=1)),
        "not half": (timedelta(hours=3), timedelta(hours=3) + timedelta(minutes=1)),
        "late, but answered": (timedelta(hours=3), timedelta(hours=1)),
    }
    made = {
        name: make_booking(
            session,
            slot=make_slot(session, service=service),
            state="requested",
            created_at=at - waited,
            respond_by=at + left,
        )
        for name, (waited, left) in times.items()
    }
    clerk = make_staff(session, facility_code=CLINIC)
    desk = f"/v1/facilities/{CLINIC}/bookings"

    def overdue() -> set[str]:
        listed = client.get(f"{desk}?state=requested", headers=clerk.headers).get_json()["items"]
        marked = {one["id"] for one in listed if one["isOverdue"]}
        read = {
            name: client.get(f"{desk}/{booking.id}", headers=clerk.headers).get_json()
            for name, booking in made.items()
        }
        assert marked == {one["id"] for one in read.values() if one["isOverdue"]}
        return {name for name, one in read.items() if one["isOverdue"]}

    assert overdue() == set()
    run(as_worker, remind_desks)
    assert overdue() == {"half of its time is over", "late, but answered"}
    act(client, f"{desk}/{made['late, but answered'].id}", "confirmation", clerk)
    assert overdue() == {"half of its time is over"}


def test_without_an_answer_the_service_answers(session: Session, as_worker: Bound) -> None:
    generous = make_service(session, when_unanswered="confirm")
    strict = make_service(session)
    free = [
        make_slot(session, service=strict, starts_in=timedelta(days=days)) for days in range(3, 8)
    ]
    bookings = [
        make_booking(
            session,
            slot=make_slot(session, service=service),
            state="requested",
            respond_by=clock.now() - timedelta(seconds=1),
        )
        for service in (generous, strict)
    ]
    waiting = make_booking(session, state="requested")
    run(as_worker, answer_unanswered)
    confirmed, declined = (now_of(session, each) for each in bookings)
    assert confirmed.state == "confirmed"
    assert declined.state == "declined"
    assert declined.alternatives == [slot.id for slot in free[:3]]
    assert seats_by(session, declined) == {1: None}
    assert kinds_told(session, confirmed) == ["booking.confirmed"]
    assert kinds_told(session, declined) == ["booking.declined"]
    assert now_of(session, waiting).state == "requested"


def test_the_three_alternatives_of_no_answer_are_the_citizens_to_see(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    free = [
        make_slot(session, service=service, starts_in=timedelta(days=days)) for days in range(3, 8)
    ]
    booking = make_booking(
        session,
        citizen=citizen,
        slot=make_slot(session, service=service),
        state="requested",
        respond_by=clock.now() - timedelta(seconds=1),
    )
    run(as_worker, answer_unanswered)
    seen = client.get(mine(citizen, str(booking.id)), headers=citizen.headers).get_json()
    assert (seen["state"], seen["respondBy"]) == ("declined", None)
    assert [each["slotId"] for each in seen["alternatives"]] == [str(slot.id) for slot in free[:3]]
    assert hold(client, citizen, free[0], [citizen.profile.id]).status_code == 201


def test_a_request_that_waits_keeps_its_seat(client: FlaskClient, session: Session) -> None:
    slot = make_slot(session)
    booked(client, make_citizen(session), slot)
    other = make_citizen(session)
    assert slug(hold(client, other, slot, [other.profile.id])) == "appointments/slot-full"


def test_an_unanswered_proposal_lapses_and_the_booking_stays(
    session: Session, as_worker: Bound
) -> None:
    service = make_service(session)
    old = make_slot(session, service=service)
    new = make_slot(session, service=service, starts_in=timedelta(days=3))
    booking = make_booking(session, slot=old)
    until = clock.now() + timedelta(hours=1)
    moving.propose(session, booking.id, new.id, until=until, expected=1, actor=By(kind="worker"))
    session.commit()
    run(as_worker, lapse_proposals)
    assert seats_of(session, new.id) == {1: booking.id}
    with clock.moved(timedelta(hours=2)):
        run(as_worker, lapse_proposals)
    assert seats_of(session, new.id) == {1: None}
    assert seats_of(session, old.id) == {1: booking.id}
    assert now_of(session, booking).proposal_until is None
    assert now_of(session, booking).state == "confirmed"


@pytest.mark.parametrize("when_unanswered", ["confirm", "decline"])
@pytest.mark.parametrize("ends", ["lapses", "refused"])
def test_a_proposal_is_the_clinics_answer(
    when_unanswered: str, ends: str, client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    """Both seats are kept until the person answers; then the clinic is asked anew."""
    answered = {"confirm": "confirmed", "decline": "declined"}
    service = make_service(session, when_unanswered=when_unanswered)
    old = make_slot(session, service=service, starts_in=timedelta(days=6))
    new = make_slot(session, service=service, starts_in=timedelta(days=7))
    citizen = make_citizen(session)
    booking = make_booking(session, citizen=citizen, slot=old, state="requested")
    until = clock.now() + timedelta(hours=20)
    moving.propose(session, booking.id, new.id, until=until, expected=1, actor=By(kind="staff"))
    session.commit()
    with clock.moved(timedelta(hours=5)):
        run(as_worker, answer_unanswered)
        run(as_worker, remind_desks)
    waits = client.get(mine(citizen, str(booking.id)), headers=citizen.headers).get_json()
    assert (waits["state"], waits["respondBy"]) == ("requested", None)
    assert now_of(session, booking).desk_reminded_at is None
    assert seats_of(session, new.id) == seats_of(session, old.id) == {1: booking.id}
    with clock.moved(timedelta(hours=21 if ends == "lapses" else 19)):
        if ends == "refused":
            person = By(kind="citizen", id=citizen.account.id)
            moving.answer_proposal(session, booking.id, accept=False, expected=None, actor=person)
            session.commit()
        run(as_worker, lapse_proposals)
        run(as_worker, answer_unanswered)
        asked = now_of(session, booking)
        assert asked.state == "requested"
        assert asked.state_at > booking.created_at + timedelta(hours=18)
        assert asked.respond_by is not None
        assert asked.respond_by > clock.now() + timedelta(minutes=30)
    assert seats_of(session, new.id) == {1: None}
    with clock.moved(timedelta(days=3)):
        run(as_worker, answer_unanswered)
    assert now_of(session, booking).state == answered[when_unanswered]


def test_a_closed_time_confirms_itself_for_nobody(session: Session, as_worker: Bound) -> None:
    service = make_service(session, when_unanswered="confirm")
    slot = make_slot(session, service=service)
    free = make_slot(session, service=service, starts_in=timedelta(days=5))
    due_now = clock.now() - timedelta(seconds=1)
    booking = make_booking(session, slot=slot, state="requested", respond_by=due_now)
    slot.status = "closed"
    session.commit()
    run(as_worker, answer_unanswered)
    assert now_of(session, booking).state == "declined"
    assert now_of(session, booking).alternatives == [free.id]


def test_a_time_that_has_begun_confirms_itself_for_nobody(
    session: Session, as_worker: Bound
) -> None:
    """A proposal ends at the latest with the old time: nobody is confirmed into what is over."""
    service = make_service(session, when_unanswered="confirm")
    old = make_slot(session, service=service, starts_in=timedelta(hours=6))
    new = make_slot(session, service=service, starts_in=timedelta(hours=30))
    booking = make_booking(session, slot=old, state="requested")
    moving.propose(session, booking.id, new.id, until=None, expected=1, actor=By(kind="staff"))
    session.commit()
    with clock.moved(timedelta(hours=6, seconds=5)):
        run(as_worker, lapse_proposals)
        run(as_worker, answer_unanswered)
    assert now_of(session, booking).state == "declined"


def test_a_moved_request_waits_from_its_move(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    service = make_service(session)
    old = make_slot(session, service=service, starts_in=timedelta(days=20))
    new = make_slot(session, service=service, starts_in=timedelta(days=21))
    citizen = make_citizen(session)
    booking = make_booking(
        session, citizen=citizen, slot=old, created_at=clock.now() - timedelta(days=8)
    )
    moved = act(
        client, mine(citizen, str(booking.id)), "reschedule", citizen, {"slotId": str(new.id)}
    )
    assert moved.get_json()["state"] == "requested"
    run(as_worker, remind_desks)
    clerk = make_staff(session, facility_code=booking.facility_code)
    seen = client.get(
        f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}", headers=clerk.headers
    ).get_json()
    assert (seen["waitingMinutes"], seen["isOverdue"]) == (0, False)


def test_reminders_are_sent_once_for_confirmed_bookings(session: Session, as_worker: Bound) -> None:
    confirmed, requested = make_booking(session), make_booking(session, state="requested")
    cancelled = make_booking(session, state="cancelled")
    past = clock.now() - timedelta(minutes=1)
    for booking in (confirmed, requested, cancelled):
        session.add_all(
            BookingDue(booking_id=booking.id, what=what, due_at=past)
            for what in ("remind-day", "remind-2h", "still-coming")
        )
    later = make_booking(session)
    session.add(
        BookingDue(booking_id=later.id, what="remind-2h", due_at=clock.now() + timedelta(hours=1))
    )
    session.commit()
    run(as_worker, send_due)
    assert sorted(kinds_told(session, confirmed)) == [
        "reminder.day",
        "reminder.still-coming",
        "reminder.two-hours",
    ]
    assert now_of(session, confirmed).still_coming == "asked"
    for booking in (requested, cancelled, later):
        assert kinds_told(session, booking) == []
    left = session.query(BookingDue).where(BookingDue.booking_id == later.id).count()
    assert left == 1


def test_one_round_of_the_worker_does_it_all(session: Session, as_worker: Bound) -> None:
    booking = make_booking(
        session, state="requested", respond_by=clock.now() - timedelta(seconds=1)
    )
    with as_worker():
        work_once()
    assert now_of(session, booking).state == "declined"
