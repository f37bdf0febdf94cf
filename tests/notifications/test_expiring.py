"""Cards and papers that end soon are told of once, to people whose book is read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.healthbook.models import Paper
from phr_api.identity.models import Coverage, Profile
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.notifications import tell_expiring
from phr_api.notifications.models import Notification
from tests.factories.healthbook import make_visit
from tests.factories.people import make_citizen, make_profile

pytestmark = pytest.mark.usefixtures("app")
AsWorker = Callable[[], AbstractContextManager[None]]


def make_card(session: Session, profile: Profile, ends: date) -> UUID:
    card = Coverage(
        id=new_row_id(),
        profile_id=profile.id,
        card_number="GD4019900000000",
        valid_until=ends,
        seen_at=clock.now(),
        classes=[],
    )
    session.add(card)
    session.commit()
    return card.id


def told(session: Session, as_worker: AsWorker, profile: Profile) -> list[tuple[str, UUID | None]]:
    """What this person has been told after the task ran once more."""
    with as_worker(), unit_of_work() as worker:
        tell_expiring(worker, clock.now())
    session.rollback()
    query = select(Notification.kind, Notification.ref_id).where(
        Notification.profile_id == profile.id
    )
    return [(kind, ref) for kind, ref in session.execute(query)]


@pytest.mark.parametrize(("days", "is_told"), [(0, False), (1, True), (30, True), (31, False)])
def test_a_card_is_told_of_once_within_its_last_month(
    session: Session, as_worker: AsWorker, *, days: int, is_told: bool
) -> None:
    citizen = make_citizen(session)
    card = make_card(session, citizen.profile, clock.today() + timedelta(days=days))
    expected = [("account.card-expiring", card)] if is_told else []
    assert told(session, as_worker, citizen.profile) == expected
    assert told(session, as_worker, citizen.profile) == expected


def test_a_card_that_another_follows_and_a_book_that_nobody_reads_are_no_news(
    session: Session, as_worker: AsWorker
) -> None:
    citizen, unread = make_citizen(session), make_profile(session)
    soon = clock.today() + timedelta(days=9)
    make_card(session, citizen.profile, soon)
    make_card(session, citizen.profile, soon + timedelta(days=365))
    make_card(session, unread, soon)
    assert told(session, as_worker, citizen.profile) == []
    assert told(session, as_worker, unread) == []


def test_a_paper_is_told_of_in_its_last_three_days(session: Session, as_worker: AsWorker) -> None:
    citizen = make_citizen(session)
    encounter = make_visit(session, citizen.profile)
    paper = Paper(
        id=new_row_id(),
        profile_id=citizen.profile.id,
        encounter_id=encounter,
        line_no=1,
        kind="sick-leave",
        status="current",
        from_on=clock.today() - timedelta(days=7),
        to_on=clock.today() + timedelta(days=3),
        classes=[],
        received={},
        details={},
    )
    session.add(paper)
    session.commit()
    assert told(session, as_worker, citizen.profile) == [("account.paper-expiring", paper.id)]
