"""What is trimmed, and what is not: tokens of 270 days, ends of 90, messages of 400."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import deliver_once, drain_once, trim
from phr_api.notifications.models import Delivery, Notification, PushToken
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import make_citizen
from tests.notifications.conftest import FakeSender

AsWorker = Callable[[], AbstractContextManager[None]]


def trimmed(as_worker: AsWorker, days: int) -> None:
    with as_worker(), unit_of_work() as worker:
        trim(worker, clock.now() + timedelta(days=days))


def test_a_token_lives_as_long_as_it_is_seen(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    token = make_token(session, make_citizen(session))
    trimmed(as_worker, 269)
    session.expire_all()
    assert session.get(PushToken, token) is not None
    session.rollback()
    trimmed(as_worker, 271)
    session.expire_all()
    assert session.get(PushToken, token) is None


@pytest.mark.parametrize(("days", "left"), [(89, (1, 1)), (91, (0, 1)), (401, (0, 0))])
def test_ends_and_messages_go_after_their_time(
    session: Session, push: FakeSender, as_worker: AsWorker, days: int, left: tuple[int, int]
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    make_notification(session, profile_id=citizen.profile.id)
    with as_worker():
        drain_once()
        deliver_once()
    trimmed(as_worker, days)
    assert count(session) == left


def test_what_is_still_to_be_sent_or_told_stays(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    make_notification(session, profile_id=citizen.profile.id)
    trimmed(as_worker, 500)
    assert count(session) == (0, 1)
    make_token(session, citizen)  # the first was trimmed as well
    with as_worker():
        drain_once()
    trimmed(as_worker, 500)
    assert count(session)[1] == 1


def count(session: Session) -> tuple[int, int]:
    deliveries = len(session.scalars(select(Delivery.id)).all())
    told = len(session.scalars(select(Notification.id)).all())
    session.rollback()
    return deliveries, told
