"""Which news of a booking goes by SMS: what changes it, and no other; through the application."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Slot
from phr_api.appointments.service.due import answer_unanswered, send_due
from phr_api.clinics.models import ClinicService
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.models import Notification
from tests.appointments.asking import act, book, hold, hold_by_phone
from tests.factories.appointments import make_service, make_slot
from tests.factories.people import SignedIn, make_citizen, make_phone, make_staff
from tests.notifications.conftest import FakeSender
from tests.notifications.test_choices import hour, with_sms

AsWorker = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def daytime() -> Generator[None]:
    """Out of quiet hours, which hold an SMS back as a push."""
    with hour(10):
        yield


class Walk:
    """Somebody with a proven number who books, a desk, and the SMS that each step leaves."""

    def __init__(
        self, client: FlaskClient, session: Session, push: FakeSender, as_worker: AsWorker, by: str
    ) -> None:
        self.client, self.session, self.as_worker = client, session, as_worker
        self.sms: FakeSender = push.sms  # type: ignore[attr-defined]
        self.made: set[UUID] = set()
        if by == "phone":
            self.who: SignedIn = make_phone(session)
            self.mine = "/v1/me/phone-bookings"
        else:
            citizen = make_citizen(session)
            with_sms(session, citizen)
            self.who, self.people = citizen, [citizen.profile.id]
            self.mine = f"/v1/profiles/{citizen.profile.id}/bookings"

    def slot(self, service: ClinicService, days: int) -> Slot:
        return make_slot(self.session, service=service, starts_in=timedelta(days=days))

    def book(self, slot: Slot) -> str:
        """Book the slot; the booking's id."""
        if self.mine.startswith("/v1/me"):
            held = hold_by_phone(self.client, self.who, slot)
        else:
            held = hold(self.client, self.who, slot, self.people)
        assert held.status_code == 201, held.get_json()
        made = book(self.client, self.who, held.get_json())
        assert made.status_code == 201, made.get_json()
        booking = str(made.get_json()["items"][0]["id"])
        self.made.add(UUID(booking))
        return booking

    def do(self, booking: str, action: str, body: Any = None) -> list[str]:
        """Let the person do it; the kinds of the SMS that it leaves."""
        done = act(self.client, f"{self.mine}/{booking}", action, self.who, body)
        assert done.status_code == 200, done.get_json()
        return self.left()

    def desk(
        self, service: ClinicService, booking: str, action: str, body: Any = None
    ) -> list[str]:
        """Let the desk do it; the kinds of the SMS that it leaves."""
        clerk = make_staff(self.session, facility_code=service.facility_code)
        path = f"/v1/facilities/{service.facility_code}/bookings/{booking}"
        done = act(self.client, path, action, clerk, body)
        assert done.status_code == 200, done.get_json()
        return self.left()

    def work(self, step: Callable[[Session, datetime], bool]) -> list[str]:
        """Let the worker do all that is due, others' too; the kinds of the SMS that it leaves."""
        with self.as_worker():
            for _ in range(20):
                with unit_of_work() as session:
                    if not step(session, clock.now()):
                        return self.left()
        raise AssertionError("it never ends")

    def left(self) -> list[str]:
        """The kinds of the SMS of these bookings since the last time."""
        with self.as_worker():
            while drain_once():
                pass
            while deliver_once():
                pass
        kinds = [one.kind for one in self.sms.sent if one.ref_id in self.made]
        self.sms.sent.clear()
        return kinds


@pytest.fixture(params=["citizen", "phone"])
def walk(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: AsWorker,
    request: pytest.FixtureRequest,
) -> Walk:
    return Walk(client, session, push, as_worker, request.param)


def test_a_request_is_no_sms_its_confirmation_and_its_end_by_the_desk_are(walk: Walk) -> None:
    service = make_service(walk.session)
    booking = walk.book(walk.slot(service, 2))
    assert walk.left() == []
    assert walk.desk(service, booking, "confirmation") == ["booking.confirmed"]
    ended = walk.desk(service, booking, "cancellation", {"reason": "Bác sĩ nghỉ"})
    assert ended == ["booking.cancelled-by-clinic"]


def test_a_refusal_is_an_sms_by_the_desk_and_by_the_rule(walk: Walk) -> None:
    service = make_service(walk.session, most_open=5)
    booking = walk.book(walk.slot(service, 2))
    assert walk.desk(service, booking, "decline", {"reason": "Hết chỗ"}) == ["booking.declined"]
    walk.book(walk.slot(service, 3))
    assert walk.left() == []
    with clock.moved(timedelta(days=1)):  # at the same time of the day
        assert walk.work(answer_unanswered) == ["booking.declined"]


def test_another_time_is_an_sms_when_it_is_proposed_and_when_it_is_sure(walk: Walk) -> None:
    service = make_service(walk.session)
    first, second, third = (walk.slot(service, days) for days in (2, 3, 4))
    booking = walk.book(first)
    assert walk.left() == []
    body = {"slotId": str(second.id)}
    assert walk.desk(service, booking, "proposal", body) == ["booking.proposed"]
    assert walk.do(booking, "proposal-answer", {"accept": True}) == ["booking.moved"]
    # who moves it has asked anew
    assert walk.do(booking, "reschedule", {"slotId": str(third.id)}) == []
    assert walk.desk(service, booking, "proposal", body) == ["booking.proposed"]
    assert walk.do(booking, "proposal-answer", {"accept": False}) == []
    assert walk.do(booking, "cancellation", {}) == []  # they know


def test_a_service_that_confirms_by_itself_is_an_sms_at_booking_and_at_each_move(
    walk: Walk,
) -> None:
    service = make_service(walk.session, confirms_itself=True)
    first, second = (walk.slot(service, days) for days in (2, 3))
    booking = walk.book(first)
    assert walk.left() == ["booking.confirmed"]
    assert walk.do(booking, "reschedule", {"slotId": str(second.id)}) == ["booking.moved"]


def test_reminders_and_a_visit_that_was_missed_are_no_sms(walk: Walk) -> None:
    service = make_service(walk.session, confirms_itself=True)
    booking = walk.book(walk.slot(service, 2))
    assert walk.left() == ["booking.confirmed"]
    with clock.moved(timedelta(days=1, hours=23)):
        assert walk.work(send_due) == []
        told = select(Notification.kind).where(Notification.ref_id == UUID(booking))
        assert "reminder.day" in walk.session.scalars(told).all()
        walk.session.rollback()
    with clock.moved(timedelta(days=2, minutes=5)):
        assert walk.desk(service, booking, "no-show") == []
