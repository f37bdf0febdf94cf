"""What an account chooses, and what holds until it does: channels, quiet hours, language."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.ids import new_row_id
from phr_api.notifications import KINDS, Tell, deliver_once, drain_once, tell
from phr_api.notifications.models import (
    Delivery,
    Notification,
    NotificationPreference,
    NotificationSetting,
)
from phr_api.notifications.rules.words import Category
from tests.contract.rows.notifications import SETTINGS
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import (
    Citizen,
    SignedIn,
    bearer,
    make_citizen,
    make_session,
    principal_of,
)
from tests.notifications.conftest import FakeSender
from tests.notifications.test_settings import URL, bind, put
from tests.notifications.test_sms_codes import new_phone

AsWorker = Callable[[], AbstractContextManager[None]]
KIND_OF: dict[str, str] = {words.category: kind for kind, words in KINDS.items()}


def work(as_worker: AsWorker) -> None:
    with as_worker():
        drain_once()
        deliver_once()


def with_sms(session: Session, who: SignedIn, **more: Any) -> None:
    at = clock.now()
    session.add(
        NotificationSetting(
            account_id=who.account.id,
            sms_phone=new_phone(),
            sms_proven_at=at,
            updated_at=at,
            **more,
        )
    )
    session.commit()


def hour(at: int) -> AbstractContextManager[None]:
    """Let it be that full hour in Viet Nam next."""
    now = clock.now().astimezone(clock.VIETNAM)
    ahead = now.replace(hour=at, minute=0, second=0, microsecond=0) - now
    return clock.moved(ahead if ahead > timedelta() else ahead + timedelta(days=1))


def test_every_category_has_a_kind() -> None:
    assert set(KIND_OF) == set(get_args(Category))


@pytest.mark.parametrize("channel", ["push", "sms"])
@pytest.mark.parametrize("category", get_args(Category))
def test_each_channel_of_each_category_is_turned_off_alone(
    session: Session, push: FakeSender, as_worker: AsWorker, category: str, channel: str
) -> None:
    citizen = make_citizen(session)
    with_sms(session, citizen, opened="every")
    session.add(
        NotificationPreference(
            account_id=citizen.account.id, category=category, channel=channel, is_on=False
        )
    )
    make_token(session, citizen)
    whose = {"profile_id": citizen.profile.id, "wants_sms": True}
    other = next(one for one in get_args(Category) if one != category)
    for one in (category, other):
        make_notification(session, **whose, category=one, kind=KIND_OF[one], ref_id=uuid4())
    work(as_worker)
    by_sms: list[str] = [one.category for one in push.sms.sent]  # type: ignore[attr-defined]
    by_push = [one.category for one in push.sent]
    left = {"push": by_push, "sms": by_sms}
    assert left.pop(channel) == [other]
    assert [sorted(one) for one in left.values()] == [sorted((category, other))]


@pytest.mark.parametrize(
    ("at", "category", "due"),
    [
        (20, "record", 20),
        (21, "record", 7),
        (6, "record", 7),
        (7, "record", 7),
        (21, "booking", 7),
        (21, "offer", 21),
    ],
)
def test_who_said_nothing_has_quiet_hours_from_nine_to_seven(
    session: Session, push: FakeSender, as_worker: AsWorker, at: int, category: str, due: int
) -> None:
    citizen = make_citizen(session)
    with hour(at):
        make_token(session, citizen)
        told = make_notification(
            session,
            profile_id=citizen.profile.id,
            category=category,
            kind=KIND_OF[category],
            is_urgent=False,
        )
        work(as_worker)
        now = clock.now()
    due_at = session.scalars(
        select(Delivery.due_at).where(Delivery.notification_id == told.id)
    ).one()
    assert due_at.astimezone(clock.VIETNAM).hour == due
    assert due_at - now < timedelta(hours=11)
    assert (len(push.sent) == 1) is (due == at)


def test_an_sms_is_in_the_language_of_the_settings_and_a_push_in_the_devices(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    with_sms(session, citizen, language="en")
    make_notification(session, profile_id=citizen.profile.id, wants_sms=True)
    work(as_worker)
    words = KINDS["booking.confirmed"]
    assert [one.text for one in push.sms.sent] == [words.en.push]  # type: ignore[attr-defined]
    make_token(session, citizen, language="vi")
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    assert [one.text for one in push.sent] == [words.vi.push]


def test_the_next_sign_in_on_a_device_binds_its_token_anew(
    client: FlaskClient, session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen, token = make_citizen(session), uuid4().hex
    assert bind(client, citizen, token) == 204
    later = make_session(session, citizen.account)
    later.device_id = citizen.session.device_id
    session.commit()
    citizen.session.ended_at = clock.now()
    session.add(citizen.session)
    session.commit()
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    assert push.sent == []  # signed in, and the app has not sent its token yet
    again = Citizen(
        account=citizen.account,
        session=later,
        principal=principal_of(later),
        headers=bearer(principal_of(later)),
        profile=citizen.profile,
    )
    assert bind(client, again, token) == 204
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    assert [one.address for one in push.sent] == [token]


def test_what_is_unread_is_counted_up_to_a_hundred(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    at = clock.now()
    session.add_all(
        Notification(
            id=new_row_id(),
            profile_id=citizen.profile.id,
            category="record",
            kind="record.visit",
            params={},
            classes=[],
            created_at=at,
            due_at=at,
            expires_at=at + timedelta(days=1),
        )
        for _ in range(103)
    )
    session.commit()
    answer = client.get("/v1/notifications?limit=100", headers=citizen.headers).get_json()
    assert (answer["unread"], len(answer["items"])) == (100, 100)
    all_of_them = {"upTo": answer["items"][0]["id"]}
    read = client.post("/v1/notifications/read", json=all_of_them, headers=citizen.headers)
    assert read.status_code == 204
    assert client.get("/v1/notifications", headers=citizen.headers).get_json()["unread"] == 0


def test_an_answer_to_a_correction_is_told_and_can_be_turned_off(
    client: FlaskClient, session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    """Corrections come later: this is what they will say."""
    citizen = make_citizen(session)
    make_token(session, citizen, language="en")
    news = Tell(
        category="correction",
        kind="correction.answered",
        ref_kind="correction",
        ref_id=new_row_id(),
        profile_id=citizen.profile.id,
        params={"facility": "Bệnh viện Thử", "when": "2026-11-20"},
        is_urgent=True,  # so that the test does not depend on the hour
        expires_at=clock.now() + timedelta(days=30),
    )
    with unit_of_work() as web:
        tell(web, news)
    work(as_worker)
    assert [one.text for one in push.sent] == [KINDS["correction.answered"].en.push]
    (item,) = client.get("/v1/notifications", headers=citizen.headers).get_json()["items"]
    assert item["title"] == "Đã có trả lời cho yêu cầu đính chính"
    assert item["text"] == "Bệnh viện Thử đã trả lời yêu cầu đính chính gửi ngày 20/11/2026."
    assert item["ref"] == {"kind": "correction", "id": str(news.ref_id)}
    tag = client.get(URL, headers=citizen.headers).headers["ETag"]
    off = [{"category": "correction", "channel": "push", "isOn": False}]
    assert put(client, citizen, SETTINGS | {"channels": off}, tag).status_code == 200
    with unit_of_work() as web:
        tell(web, news)
    work(as_worker)
    assert len(push.sent) == 1
    assert datetime.fromisoformat(item["expiresAt"]) > clock.now()
