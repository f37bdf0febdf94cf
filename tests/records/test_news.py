"""What a hospital sends of somebody known is told to who reads that book."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.identity.models import Profile
from phr_api.kit import clock
from phr_api.notifications.models import Notification
from tests.factories.claims import a_follow_up, a_referral
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, make_citizen, new_number
from tests.records.conftest import Send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import holder


def on(days_ago: int) -> dict[str, Any]:
    day = (clock.now() - timedelta(days=days_ago)).astimezone(clock.VIETNAM).strftime("%Y%m%d")
    return {"NGAY_VAO": f"{day}0000", "NGAY_RA": f"{day}0001"}


@pytest.mark.parametrize(("days_ago", "kinds"), [(2, ["record.visit"]), (20, [])])
def test_a_recent_visit_of_somebody_known_is_news(
    send: Send, session: Session, days_ago: int, kinds: list[str]
) -> None:
    number = new_number()
    first, second = a_visit(number=number, **on(3)), a_visit(number=number, **on(days_ago))
    send(a_file(first))
    send(a_file(second))
    send(a_file(second | {"XML1": [second["XML1"][0] | {"LY_DO_VV": "Khác"}]}))

    told = session.scalars(
        select(Notification).where(Notification.profile_id == holder(session, key_of(first)))
    ).all()
    assert [one.kind for one in told] == kinds
    assert all(set(one.params) == {"facility"} for one in told)


Readers = tuple[str, int, dict[str, Citizen]]


@pytest.fixture
def readers(send: Send, session: Session) -> Readers:
    """A young person of 16, by number and year of birth, a carer who sees and one who books."""
    year = clock.today().year - 16
    number = new_number(year=year)
    first = a_visit(number=number, born=f"{year}01010000", **on(3))
    send(a_file(first))
    profile = session.get_one(Profile, holder(session, key_of(first)))
    people = {"self": make_citizen(session, profile=profile)}
    for name, powers in (("sees", ("see",)), ("books", ("book",))):
        people[name] = make_citizen(session)
        make_carer(session, account=people[name].account, child=profile, powers=powers)
    return number, year, people


def again(readers: Readers, paper: dict[str, str] | None, **fields: Any) -> dict[str, Any]:
    """Another visit of theirs, of two days ago, with a paper."""
    number, year, _ = readers
    visit = a_visit(number=number, born=f"{year}01010000", **(on(2) | fields))
    key = {"MA_LK": key_of(visit)}
    papers: dict[str, Any] = {} if paper is None else {"XML14": [paper | key]}
    return visit | papers


def told(client: FlaskClient, readers: Readers) -> dict[str, list[str]]:
    """What each reads in their inbox, by kind."""
    return {
        name: [
            one["kind"]
            for one in client.get("/v1/notifications", headers=who.headers).get_json()["items"]
        ]
        for name, who in readers[2].items()
    }


def test_a_paper_is_told_to_the_person_and_to_carers_who_may_see(
    client: FlaskClient, send: Send, readers: Readers
) -> None:
    visit = again(readers, a_follow_up())
    for _ in range(2):  # the same file again is no news
        send(a_file(visit))
    assert told(client, readers) == {
        "self": ["record.paper"],
        "sees": ["record.paper"],
        "books": [],
    }


def test_a_sensitive_visit_is_told_to_the_person_alone(
    client: FlaskClient, send: Send, readers: Readers
) -> None:
    send(a_file(again(readers, a_follow_up(), MA_BENH_CHINH="B20")))
    assert told(client, readers) == {"self": ["record.paper"], "sees": [], "books": []}


def test_a_paper_that_a_carer_does_not_see_is_no_paper_in_the_news(
    client: FlaskClient, send: Send, readers: Readers
) -> None:
    visit = again(readers, None)
    key = {"MA_LK": key_of(visit)}
    send(a_file(visit | {"XML13": [a_referral(HUONG_DIEU_TRI="Chuyển khoa Tâm thần") | key]}))
    assert told(client, readers) == {
        "self": ["record.visit"],
        "sees": ["record.visit"],
        "books": [],
    }
