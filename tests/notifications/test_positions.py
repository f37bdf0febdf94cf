"""`queue.position` on /v1/events: every change of a line reaches those whose place it changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.identity.models import PhoneProof
from phr_api.kit import clock
from phr_api.notifications import drain_once
from phr_api.notifications.models import LineChange
from phr_api.notifications.service import outbox
from tests.appointments.conftest import noon
from tests.appointments.line import Desk, make_desk
from tests.appointments.test_checkin import book, code_of, scan
from tests.factories.appointments import make_queue
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, SignedIn, make_citizen, make_phone, make_profile
from tests.notifications.test_streams import Reader, offered, tell

__all__ = ["noon", "offered"]
pytestmark = pytest.mark.usefixtures("noon", "offered")
Relay = Callable[[], None]


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    return make_desk(client, session)


@pytest.fixture
def relay(session: Session) -> Relay:
    """What the worker does within fifty milliseconds of the commit."""

    def work() -> None:
        outbox.wake_lines(session, clock.now())
        session.commit()

    return work


def arrive(session: Session, desk: Desk, citizen: Citizen, **given: Any) -> Booking:
    booking = book(session, desk, citizen, **given)
    scan(desk, code_of(booking))
    return booking


def position(reader: Reader) -> tuple[str, str, int | None]:
    """The next position that the stream tells: label, state, how many before it."""
    while (event := reader.next()) is not None:
        if event["event"] == "queue.position":
            assert "id" not in event
            return event["data"]["label"], event["data"]["state"], event["data"]["ahead"]
    raise AssertionError("the stream ended")


def test_a_place_is_told_first_and_at_each_change(
    client: FlaskClient, session: Session, desk: Desk, relay: Relay
) -> None:
    citizen = make_citizen(session)
    first, second = desk.give(), desk.give()
    booking = arrive(session, desk, citizen)
    relay()
    reader = Reader(client, citizen)
    event = reader.next()
    assert event is not None
    when = datetime.fromisoformat(event["data"].pop("estimatedAt"))
    assert clock.now() < when <= clock.now() + timedelta(minutes=24)
    assert event == {
        "event": "queue.position",
        "data": {
            "bookingId": str(booking.id),
            "profileId": str(citizen.profile.id),
            "label": "A003",
            "state": "waiting",
            "room": None,
            "ahead": 2,
        },
    }
    called = desk.next()
    relay()
    assert position(reader) == ("A003", "waiting", 1)
    skipped = desk.act("skip", called).get_json()
    desk.act("leave", second)
    relay()
    assert position(reader) == ("A003", "waiting", 0)
    desk.give(priority="emergency")
    relay()
    assert position(reader) == ("A003", "waiting", 1)
    desk.act("return", skipped)  # behind the next three: nothing changes for this one
    desk.next()
    relay()
    assert position(reader) == ("A003", "waiting", 0)
    desk.next("102")
    relay()
    assert position(reader) == ("A003", "called", None)
    reader.close()
    assert first["label"] == "A001"


def test_seen_and_gone_to_another_line(
    client: FlaskClient, session: Session, desk: Desk, relay: Relay
) -> None:
    citizen = make_citizen(session)
    reader = Reader(client, citizen)
    arrive(session, desk, citizen)
    relay()
    assert position(reader) == ("A001", "waiting", 0)
    other = make_queue(session, prefix="B")
    ticket = desk.next()
    relay()
    assert position(reader) == ("A001", "called", None)
    ticket = desk.act("room", ticket, {"queueId": str(other.id)}).get_json()
    relay()
    label, state, ahead = position(reader)
    assert (label, state, ahead) == ("B001", "waiting", 0)
    again = Reader(client, citizen)
    assert position(again) == ("B001", "waiting", 0)
    called = desk.post(f"/queues/{other.id}/next", {"room": "102"}).get_json()
    started = desk.act("start", called).get_json()
    desk.act("done", started)
    relay()
    assert position(reader) == ("B001", "done", None)
    reader.close()
    again.close()


def test_only_who_may_see_the_booking_follows_it(
    client: FlaskClient, session: Session, desk: Desk, relay: Relay
) -> None:
    child = make_citizen(session, profile=make_profile(session, birth="2020-02-02"))
    parent, stranger = make_citizen(session), make_citizen(session)
    carer = make_carer(session, account=parent.account, child=child.profile)
    readers = [Reader(client, who) for who in (parent, stranger)]
    arrive(session, desk, child)
    relay()
    assert position(readers[0]) == ("A001", "waiting", 0)
    carer.ended_at = clock.now()
    session.add(carer)
    session.commit()
    desk.next()
    relay()
    for who, reader in zip((parent, stranger), readers, strict=True):
        tell(session, account_id=who.account.id)
        event = reader.next()
        assert event is not None
        assert event["event"] in {"notification", "access-lost"}  # and nothing of the line
    for reader in readers:
        reader.close()


def test_what_is_hidden_from_a_carer_has_no_place(
    client: FlaskClient, session: Session, desk: Desk, relay: Relay
) -> None:
    teen = make_citizen(session)
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=teen.profile)
    reader, own = Reader(client, parent), Reader(client, teen)
    arrive(session, desk, teen, classes=["mental"])
    relay()
    assert position(own) == ("A001", "waiting", 0)
    tell(session, account_id=parent.account.id)
    event = reader.next()
    assert event is not None
    assert event["event"] == "notification"
    own.close()
    reader.close()


def of_phone(session: Session, booking: Booking, phone: SignedIn) -> None:
    row = session.get_one(Booking, booking.id)
    row.profile_id, row.account_id, row.via_phone = None, phone.account.id, True
    session.commit()


def test_a_phone_follows_its_own_booking_and_not_the_owners_before(
    client: FlaskClient, session: Session, desk: Desk, relay: Relay
) -> None:
    phone = make_phone(session)
    booking = book(session, desk)
    of_phone(session, booking, phone)
    scan(desk, code_of(booking))
    relay()
    reader = Reader(client, phone)
    assert position(reader) == ("A001", "waiting", 0)
    reader.close()
    proof = session.get_one(PhoneProof, phone.account.id)
    proof.verified_at = clock.now()  # the number has a new owner
    session.commit()
    late = desk.give()
    desk.act("leave", late)
    again = Reader(client, phone)
    relay()
    tell(session, account_id=phone.account.id, via_phone=True)
    event = again.next()
    assert event is not None
    assert event["event"] == "notification"
    again.close()


def test_a_change_that_concerns_no_place_marks_nothing(
    session: Session, desk: Desk, relay: Relay
) -> None:
    ticket = desk.give()
    relay()
    desk.act("start", desk.next())
    query = select(LineChange.ticket_id).where(LineChange.queue_id == desk.queue.id)
    assert session.scalars(query).all() == [UUID(ticket["id"])] * 2
    session.rollback()
    relay()
    assert session.scalars(query).all() == []


def test_the_worker_wakes_by_account_ids_alone(
    session: Session, desk: Desk, as_worker: Callable[[], AbstractContextManager[None]]
) -> None:
    citizen = make_citizen(session)
    arrive(session, desk, citizen)
    connection = session.connection().connection.driver_connection
    connection.execute("LISTEN phr_lines")  # type: ignore[union-attr]
    session.commit()
    with as_worker():
        assert drain_once()
    got = next(iter(connection.notifies(timeout=5, stop_after=1)))  # type: ignore[union-attr]
    assert str(citizen.account.id) in got.payload.split(",")
    assert all(UUID(one) for one in got.payload.split(","))
    connection.execute("UNLISTEN *")  # type: ignore[union-attr]
    assert session.scalars(select(LineChange.id)).all() == []
