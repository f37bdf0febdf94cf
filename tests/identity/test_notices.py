"""What an account was told: listed, and read when its holder has looked."""

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.identity.models import AccountNotice
from phr_api.kit import clock
from tests.factories.people import Citizen, make_citizen


def make_notice(session: Session, who: Citizen) -> None:
    notice = AccountNotice(
        id=uuid4(), account_id=who.account.id, kind="second-account-refused", at=clock.now()
    )
    session.add(notice)
    session.commit()


def notices(client: FlaskClient, who: Citizen) -> list[dict[str, Any]]:
    answer = client.get("/v1/me", headers=who.headers)
    assert answer.status_code == 200
    assert answer.json is not None
    listed: list[dict[str, Any]] = answer.json["notices"]
    return listed


def test_a_notice_is_read_once_its_holder_has_looked(client: FlaskClient, session: Session) -> None:
    me, other = make_citizen(session), make_citizen(session)
    for who in (me, other):
        make_notice(session, who)
    assert [one["readAt"] for one in notices(client, me)] == [None]

    (shown,) = (client.get("/v1/me/home", headers=me.headers).json or {})["profiles"]
    seen = {"items": [{"profileId": shown["id"], "cursor": shown["cursor"]}]}
    assert client.put("/v1/me/home/seen", json=seen, headers=me.headers).status_code == 204
    (first,) = notices(client, me)
    assert first["readAt"] is not None
    assert [one["readAt"] for one in notices(client, other)] == [None]

    make_notice(session, me)
    assert [one["readAt"] for one in notices(client, me)] == [None, first["readAt"]]
