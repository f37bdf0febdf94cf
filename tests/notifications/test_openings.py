"""Somebody opened your record: told once, to everybody but the opener, as each wants it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.models import NotificationSetting
from tests.factories.consent import make_carer
from tests.factories.notifications import make_token
from tests.factories.people import bearer, make_citizen, make_profile
from tests.notifications.conftest import FakeSender


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
    session.add(
        NotificationSetting(
            account_id=person.account.id,
            opened=opened,
            updated_at=clock.now(),
            quiet_from=time(0),
            quiet_until=time(0),
        )
    )
    session.commit()
    make_token(session, person)
    make_token(session, parent)
    url = f"/v1/profiles/{person.profile.id}/papers"
    for minutes in (0, 1, 20):
        with clock.moved(timedelta(minutes=minutes)):
            assert client.get(url, headers=bearer(parent.principal)).status_code == 200
    assert client.get(url, headers=person.headers).status_code == 200
    with as_worker(), clock.moved(timedelta(minutes=21)):
        drain_once()
        deliver_once()
    assert [one.kind for one in push.sent] == ["access.opened"] * pushes
    with clock.moved(timedelta(minutes=21)):
        told, none = (
            client.get("/v1/notifications", headers=bearer(who.principal)).get_json()["items"]
            for who in (person, parent)
        )
    assert none == []
    assert len(told) == 2
    assert told[0]["text"].startswith("Người chăm sóc đã mở hồ sơ lúc ")
    assert told[0]["ref"] is None
