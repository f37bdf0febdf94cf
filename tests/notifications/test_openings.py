"""Somebody opened your record: told once, to everybody but the opener, as each wants it."""

import threading
import time as system_time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api import audit, records
from phr_api.audit import Actor
from phr_api.consent import RecordOpened
from phr_api.identity.models import Profile
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import KINDS, deliver_once, drain_once, on_opened
from phr_api.notifications.models import Notification, NotificationSetting
from phr_api.notifications.service.push import compose
from phr_api.vocab import ProfileId
from tests.factories.appointments import make_booking, make_slot
from tests.factories.consent import make_carer
from tests.factories.notifications import make_token
from tests.factories.people import (
    Citizen,
    SignedIn,
    bearer,
    make_citizen,
    make_profile,
    make_staff,
    new_number,
)
from tests.notifications.conftest import FakeSender
from tests.records.conftest import Send, desk, send
from tests.records.files import a_file, a_visit, key_of
from tests.records.looking import holder

__all__ = ["desk", "send"]
AsWorker = Callable[[], AbstractContextManager[None]]


def choose(session: Session, who: SignedIn, opened: str, *, quiet: bool = False) -> None:
    """Let somebody choose which openings they want to be told of by push."""
    session.add(
        NotificationSetting(
            account_id=who.account.id,
            opened=opened,
            updated_at=clock.now(),
            quiet_from=time(0),
            quiet_until=time(23, 59, 59) if quiet else time(0),
        )
    )
    session.commit()
    make_token(session, who)


def deliver(as_worker: AsWorker, *, minutes: int = 0) -> None:
    with as_worker(), clock.moved(timedelta(minutes=minutes)):
        while drain_once():
            pass
        deliver_once()


def inbox(client: FlaskClient, who: SignedIn, *, minutes: int = 0) -> list[dict[str, Any]]:
    with clock.moved(timedelta(minutes=minutes)):
        answer = client.get("/v1/notifications", headers=bearer(who.principal))
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return [one for one in items if one["category"] == "access"]


@pytest.mark.parametrize(("opened", "pushes"), [("every", 2), ("first", 1), ("emergency", 0)])
def test_the_person_is_told_and_the_opener_is_not(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: Callable[[], AbstractContextManager[None]],
    opened: str,
    pushes: int,
) -> None:
    person = make_citizen(session, profile=make_profile(session, birth="2012-02-02"))
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=person.profile)
    choose(session, person, opened)
    make_token(session, parent)
    url = f"/v1/profiles/{person.profile.id}/papers"
    for minutes in (0, 1, 20):
        with clock.moved(timedelta(minutes=minutes)):
            assert client.get(url, headers=bearer(parent.principal)).status_code == 200
    assert client.get(url, headers=person.headers).status_code == 200
    deliver(as_worker, minutes=21)
    assert [one.kind for one in push.sent] == ["access.opened"] * pushes
    told, none = (inbox(client, who, minutes=21) for who in (person, parent))
    assert none == []
    assert len(told) == 2
    assert told[0]["text"].startswith("Người chăm sóc đã mở hồ sơ lúc ")
    assert told[0]["ref"] is None


@pytest.fixture
def seen(session: Session, send: Send) -> tuple[str, Citizen]:
    """The address of a visit that a facility sent, and the person it is of, who has an account."""
    visit = a_visit(number=new_number())
    send(a_file(visit))
    profile = session.get_one(Profile, holder(session, key_of(visit)))
    return f"/v1/facilities/99001/visits/{key_of(visit)}", make_citizen(session, profile=profile)


@pytest.mark.parametrize(("opened", "pushes"), [("every", 3), ("first", 2), ("emergency", 0)])
def test_staff_who_open_a_visit_are_told_of_and_a_second_look_is_not(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: AsWorker,
    seen: tuple[str, Citizen],
    opened: str,
    pushes: int,
) -> None:
    url, person = seen
    choose(session, person, opened)
    first, second = make_staff(session), make_staff(session)
    for who, minutes in ((first, 0), (first, 5), (second, 6), (first, 20)):
        with clock.moved(timedelta(minutes=minutes)):
            assert client.get(url, headers=bearer(who.principal)).status_code == 200
    deliver(as_worker, minutes=21)
    assert [one.kind for one in push.sent] == ["access.opened"] * pushes
    told = inbox(client, person, minutes=21)
    assert len(told) == 3
    assert told[0]["text"].startswith("Nhân viên cơ sở khám chữa bệnh đã mở hồ sơ lúc ")


def test_quiet_hours_hold_the_push_back_and_not_the_inbox(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: AsWorker,
    seen: tuple[str, Citizen],
) -> None:
    url, person = seen
    choose(session, person, "every", quiet=True)
    client.get(url, headers=make_staff(session).headers)
    deliver(as_worker)
    assert push.sent == []
    assert len(inbox(client, person)) == 1


def test_a_desk_that_asks_for_its_list_opens_nothing(
    client: FlaskClient, session: Session, seen: tuple[str, Citizen], desk: SignedIn
) -> None:
    """Nor does a system that reads what it sent; both are in the access log as far as they are."""
    _, person = seen
    booking = make_booking(
        session,
        citizen=person,
        slot=make_slot(session, starts_at=clock.now() + timedelta(minutes=1)),
        state="confirmed",
    )
    listed = f"/v1/facilities/{booking.facility_code}/bookings"
    for minutes in (0, 16, 32):
        with clock.moved(timedelta(minutes=minutes)):
            assert client.get(listed, headers=bearer(desk.principal)).status_code == 200
    assert inbox(client, person, minutes=33) == []


def test_an_operator_who_reads_a_file_opened_the_records_in_it(
    client: FlaskClient, session: Session, send: Send, as_worker: AsWorker
) -> None:
    visit = a_visit(number=new_number())
    submission = send(a_file(visit)).submission_id
    profile = session.get_one(Profile, holder(session, key_of(visit)))
    person = make_citizen(session, profile=profile)
    with as_worker():
        for _ in records.give_back(submission):
            pass
    (told,) = inbox(client, person)
    assert told["text"].startswith("Người vận hành hệ thống đã mở hồ sơ lúc ")


def test_a_carer_from_whom_things_are_hidden_does_not_hear_who_opens(
    client: FlaskClient, session: Session, seen: tuple[str, Citizen]
) -> None:
    """As in the access log: a facility's name, or that one looked, would tell (R18)."""
    url, teen = seen
    teen.profile.birth = f"{clock.today().year - 16}-01-01"
    session.commit()
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=teen.profile)
    client.get(url, headers=make_staff(session).headers)
    assert len(inbox(client, teen)) == 1
    assert inbox(client, parent) == []


@pytest.mark.usefixtures("app")
def test_an_emergency_is_told_at_once_to_who_wants_nothing_else(
    client: FlaskClient, session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    person, doctor = make_citizen(session), make_staff(session, role="doctor")
    choose(session, person, "emergency", quiet=True)
    actor = Actor(kind="staff", id=doctor.account.id, facility_code="99001")
    for is_emergency in (False, True):
        with unit_of_work() as web:
            audit.record(web, actor, action="record.read", subjects=[person.profile.id])
            opened = RecordOpened(
                actor=actor,
                profile_id=ProfileId(person.profile.id),
                at=clock.now(),
                is_emergency=is_emergency,
            )
            on_opened(web, opened)
    deliver(as_worker)
    assert [(one.kind, one.is_urgent) for one in push.sent] == [("access.emergency", True)]
    assert push.sent[0].text == KINDS["access.emergency"].vi.push
    data = compose(push.sent[0], clock.now()).data
    assert set(data) == {"id", "category", "kind", "profileId"}  # who it was is behind sign-in
    told = inbox(client, person)
    assert [one["kind"] for one in told] == ["access.emergency", "access.opened"]
    session.rollback()
    rows = session.scalars(
        select(Notification.is_urgent)
        .where(Notification.profile_id == person.profile.id)
        .order_by(Notification.id)
    ).all()
    assert rows == [False, True]


def tell_emergency(session: Session, person: Citizen, actor: UUID) -> int:
    """Call the function as the web's role does, of an emergency now; how many were told."""
    with unit_of_work() as web:
        web.execute(
            text("SELECT tell_opened(:id, :person, :actor, true, :at)"),
            {"id": uuid4(), "person": person.profile.id, "actor": actor, "at": clock.now()},
        )
    told = session.scalars(
        select(Notification.ref_id).where(Notification.profile_id == person.profile.id)
    ).all()
    session.rollback()
    return len(told)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("kind", "action", "ago", "told"),
    [
        ("staff", "visit.history", 0, 1),
        ("staff", "visit.history", 120, 0),
        ("staff", "record.read.refused", 0, 0),
        ("system", "visit.history", 0, 0),
        ("staff", None, 0, 0),
    ],
)
def test_nothing_is_told_of_an_opening_that_left_no_trace(
    session: Session, kind: audit.ActorKind, action: str | None, ago: int, told: int
) -> None:
    """Whoever has the web's role cannot invent one in anybody's inbox."""
    person, other = make_citizen(session), make_citizen(session)
    actor = Actor(kind=kind, id=uuid4(), facility_code="99001")
    if action is not None:
        with clock.moved(timedelta(seconds=-ago)), unit_of_work() as web:
            audit.record(web, actor, action=action, subjects=[person.profile.id])
    assert actor.id is not None
    assert tell_emergency(session, person, uuid4()) == 0
    assert tell_emergency(session, other, actor.id) == 0
    assert tell_emergency(session, person, actor.id) == told


@pytest.mark.usefixtures("app")
def test_openings_at_the_same_time_are_one(session: Session) -> None:
    """As an app opens a record: several requests at once."""
    person, carer = make_citizen(session), make_citizen(session)
    actor = Actor(kind="citizen", id=carer.account.id)
    all_began = threading.Barrier(4)

    def open_it() -> None:
        with unit_of_work() as web:
            audit.record(web, actor, action="record.read", subjects=[person.profile.id])
            all_began.wait()
            on_opened(
                web,
                RecordOpened(actor=actor, profile_id=ProfileId(person.profile.id), at=clock.now()),
            )
            system_time.sleep(0.2)  # the others tell before this one commits, if they can

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(open_it) for _ in range(4)]:
            one.result()
    query = select(Notification.id).where(Notification.profile_id == person.profile.id)
    assert len(session.scalars(query).all()) == 1
