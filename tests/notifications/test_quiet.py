"""Quiet hours: what is told at night waits for the morning, unless somebody needs it before."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.service.due import answer_unanswered
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import drain_once
from phr_api.notifications.models import Delivery, Notification
from tests.appointments.asking import act, booked, mine
from tests.factories.appointments import make_booking, make_service, make_slot
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import Citizen, make_citizen, make_staff

pytestmark = pytest.mark.usefixtures("empty_outbox")

AsWorker = Callable[[], AbstractContextManager[None]]


@contextmanager
def night(hour: int) -> Generator[datetime]:
    """Let it be this hour of tomorrow; yields the midnight before it."""
    now = clock.now().astimezone(clock.VIETNAM)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), clock.VIETNAM)
    with clock.moved(midnight + timedelta(hours=hour) - now):
        yield midnight


def a_phone(session: Session) -> Citizen:
    citizen = make_citizen(session)
    make_token(session, citizen)
    return citizen


def waits_until(
    session: Session, as_worker: AsWorker, midnight: datetime, to: Citizen | None = None
) -> dict[str, float]:
    """Until which hour after `midnight` the pushes wait that are told now, by kind; 0: not at all.

    None of them is too late when it comes. `to`: those of this person alone.
    """
    with as_worker():
        drain_once()
    told = select(Notification.kind, Delivery.due_at, Delivery.state).join(
        Delivery, Delivery.notification_id == Notification.id
    )
    if to is not None:
        told = told.where(Notification.profile_id == to.profile.id)
    rows = session.execute(told).all()
    session.rollback()
    assert {state for _, _, state in rows} <= {"due"}
    now = clock.now()
    return {
        kind: (due - midnight) / timedelta(hours=1) if due > now else 0 for kind, due, _ in rows
    }


@pytest.mark.parametrize(
    ("kind", "starts", "until"),
    [
        ("booking.declined", 14, 7),
        ("booking.declined", 10, 0),  # who has far to go sets out before it is morning
        ("booking.cancelled", 9, 0),
        ("booking.moved", 8, 0),
        ("booking.proposed", 9, 0),
        ("booking.proposed", 24, 7),
        ("booking.confirmed", 8, 7),
        ("booking.confirmed", 7, 0),
        ("booking.requested", 6, 0),
        ("booking.no-show", 51, 7),
    ],
)
def test_news_of_a_booking_waits_unless_its_time_does_not(
    session: Session, as_worker: AsWorker, kind: str, starts: int, until: float
) -> None:
    with night(3) as midnight:
        make_notification(
            session,
            profile_id=a_phone(session).profile.id,
            kind=kind,
            is_urgent=False,
            expires_at=midnight + timedelta(hours=starts),
        )
        assert waits_until(session, as_worker, midnight) == {kind: until}


@pytest.mark.parametrize(("category", "kind"), [("offer", "offer.made"), ("queue", "queue.near")])
def test_what_ends_soon_does_not_wait(
    session: Session, as_worker: AsWorker, category: str, kind: str
) -> None:
    with night(3) as midnight:
        whose = {"profile_id": a_phone(session).profile.id, "is_urgent": False}
        make_notification(session, **whose, category=category, kind=kind)
        assert waits_until(session, as_worker, midnight) == {kind: 0}


@pytest.mark.parametrize(
    ("rule", "starts", "until"),
    [("decline", 15, 7), ("decline", 8, 0), ("confirm", 15, 7), ("confirm", 8, 7)],
)
def test_an_answer_by_the_rule_at_three_does_not_wake_who_need_not_know(
    session: Session, as_worker: AsWorker, rule: str, starts: int, until: float
) -> None:
    with night(3) as midnight:
        service = make_service(session, when_unanswered=rule)
        slot = make_slot(session, service=service, starts_at=midnight + timedelta(hours=starts))
        citizen, passed = a_phone(session), clock.now() - timedelta(seconds=1)
        make_booking(session, citizen=citizen, slot=slot, state="requested", respond_by=passed)
        with as_worker(), unit_of_work() as worker:
            assert answer_unanswered(worker, clock.now())
        kind = {"decline": "booking.declined", "confirm": "booking.confirmed"}[rule]
        # what other tests left unanswered is answered, too
        assert waits_until(session, as_worker, midnight, citizen) == {kind: until}


def test_who_is_answered_by_the_desk_hears_it_at_once_and_who_did_not_come_in_the_morning(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    with night(22) as midnight:
        waiting = make_booking(session, citizen=a_phone(session), state="requested")
        missed = make_booking(session, citizen=a_phone(session))
        missed.starts_at = clock.now() - timedelta(hours=1)
        session.commit()

        def answer(booking: Booking, action: str) -> int:
            clerk = make_staff(session, facility_code=booking.facility_code)
            path = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
            return act(client, path, action, clerk).status_code

        assert (answer(waiting, "confirmation"), answer(missed, "no-show")) == (200, 200)
        next_morning = 24 + 7
        told = {"booking.confirmed": 0, "booking.no-show": next_morning}
        assert waits_until(session, as_worker, midnight) == told


def test_the_receipt_of_ones_own_booking_waits_and_its_cancellation_does_not(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    with night(22) as midnight:
        citizen = a_phone(session)
        made = booked(client, citizen, make_slot(session, starts_in=timedelta(days=3)))
        assert waits_until(session, as_worker, midnight) == {"booking.requested": 24 + 7}
        gone = act(client, mine(citizen, made["id"]), "cancellation", citizen, {})
        assert gone.status_code == 200
        assert waits_until(session, as_worker, midnight)["booking.cancelled"] == 0


def test_news_of_a_proposal_ends_with_it(client: FlaskClient, session: Session) -> None:
    service, citizen = make_service(session), make_citizen(session)
    old, new = (make_slot(session, service=service, starts_in=timedelta(days=d)) for d in (9, 10))
    booking = make_booking(session, citizen=citizen, slot=old)
    clerk = make_staff(session, facility_code=booking.facility_code)
    path = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
    proposed = act(client, path, "proposal", clerk, {"slotId": str(new.id)}).get_json()
    ends = session.scalars(select(Notification.expires_at)).one()
    until = datetime.fromisoformat(proposed["proposal"]["until"])
    assert abs(ends - until) < timedelta(seconds=1)
    assert ends < booking.starts_at
