"""Numbers and guests of the line are forgotten after 90 days."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments import tasks
from phr_api.appointments.models import Guest, NumberBlock, QueueDay, Ticket
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.line import make_desk


def test_numbers_and_guests_are_forgotten_after_90_days(
    client: FlaskClient,
    session: Session,
    as_worker: Callable[[], AbstractContextManager[None]],
) -> None:
    desk = make_desk(client, session)
    desk.give(guest={"fullName": "Khách Sẽ Quên", "phone": "0912345678", "birth": "1980"})
    desk.post(f"/queues/{desk.queue.id}/blocks", {"count": 2})
    (task,) = [one for one in tasks() if one.name == "trim the line"]

    def left() -> tuple[int, ...]:
        session.rollback()
        return tuple(
            len(session.scalars(select(table).where(table.queue_id == desk.queue.id)).all())
            for table in (Ticket, NumberBlock, QueueDay)
        )

    guest_id = session.scalar(select(Ticket.guest_id).where(Ticket.queue_id == desk.queue.id))
    for days, rows, name in ((90, (1, 1, 1), "Khách Sẽ Quên"), (91, (0, 0, 0), "")):
        with as_worker(), unit_of_work() as own:
            task.work(own, clock.now() + timedelta(days=days) - timedelta(minutes=1))
        assert left() == rows
        guest = session.get_one(Guest, guest_id, populate_existing=True)
        assert guest.full_name == name
    assert (guest.search_key, guest.phone, guest.birth, guest.sex) == ("", None, None, None)
