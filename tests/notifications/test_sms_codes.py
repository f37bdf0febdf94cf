"""A number for SMS counts once it was proven: the code, its limits, and the day's ceiling."""

import itertools
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import deliver, drain_once, trim
from phr_api.notifications.models import Delivery, NotificationSetting, SmsCode, SmsDay
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service import ceiling
from tests.contract.rows.notifications import SETTINGS
from tests.factories.consent import make_carer
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import SignedIn, bearer, make_citizen, make_phone
from tests.notifications.conftest import FakeSender

AsWorker = Callable[[], AbstractContextManager[None]]
_counter = itertools.count(uuid4().int % 10**6)
URL = "/v1/me/sms-phone"
SETTINGS_URL = "/v1/me/notification-settings"


def new_phone() -> str:
    return f"+84911{next(_counter) % 10**6:06}"


def ask(client: FlaskClient, who: SignedIn, phone: str) -> TestResponse:
    return client.post(URL, json={"phone": phone}, headers=bearer(who.principal))


def prove(client: FlaskClient, who: SignedIn, code: str) -> TestResponse:
    return client.post(f"{URL}/proof", json={"code": code}, headers=bearer(who.principal))


def code_in(text_sent: str) -> str:
    (code,) = re.findall(r"\b\d{6}\b", text_sent)
    return str(code)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def sms_of(session: Session, who: SignedIn) -> list[tuple[str, str | None]]:
    query = select(Delivery.state, Delivery.reason).where(
        Delivery.account_id == who.account.id, Delivery.channel == "sms"
    )
    rows = [(state, reason) for state, reason in session.execute(query.order_by(Delivery.id))]
    session.rollback()
    return rows


def tell(session: Session, who: Any, as_worker: AsWorker, times: int = 1) -> None:
    for _ in range(times):
        make_notification(session, profile_id=who.profile.id, wants_sms=True)
    with as_worker():
        drain_once()


def test_a_number_that_proved_itself_gets_sms(
    client: FlaskClient, session: Session, gateway: FakeSender, as_worker: AsWorker
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    asked = ask(client, citizen, phone)
    assert asked.status_code == 202
    assert set(asked.get_json()) == {"expiresAt"}
    (message,) = gateway.sent
    assert (message.address, message.channel) == (phone, "sms")
    code = code_in(message.text)
    held = session.get_one(SmsCode, citizen.account.id)
    assert code.encode() not in held.code_hash
    session.rollback()
    answer = prove(client, citizen, code)
    assert answer.status_code == 200
    shown = answer.get_json()
    assert (shown["smsPhone"], shown["smsPhoneProven"]) == (phone, True)
    seen = client.get(SETTINGS_URL, headers=citizen.headers)
    assert seen.get_json() == shown
    assert answer.headers["ETag"] == seen.headers["ETag"]
    tell(session, citizen, as_worker)
    assert sms_of(session, citizen) == [("due", None)]
    again = prove(client, citizen, code)  # after a lost answer
    assert (again.status_code, again.get_json()) == (200, shown)
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert prove(client, citizen, another(code)).status_code == 422


def test_a_proof_that_comes_again_proves_nothing_anew(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    ask(client, citizen, phone)
    code = code_in(gateway.sent[0].text)
    tag = prove(client, citizen, code).headers["ETag"]
    headers = citizen.headers | {"If-Match": tag}
    client.put(SETTINGS_URL, json=SETTINGS | {"smsPhone": new_phone()}, headers=headers)
    again = prove(client, citizen, code)
    assert (again.status_code, again.get_json()["smsPhoneProven"]) == (200, False)
    assert ask(client, citizen, phone).status_code == 202
    assert len(gateway.sent) == 2  # a code that was used is not the answer to a new question
    with clock.moved(timedelta(minutes=10)):
        assert prove(client, citizen, code).status_code == 422


@pytest.mark.usefixtures("gateway")
def test_a_number_that_was_only_written_down_gets_nothing(
    client: FlaskClient, session: Session, as_worker: AsWorker
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    tag = client.get(SETTINGS_URL, headers=citizen.headers).headers["ETag"]
    written = client.put(
        SETTINGS_URL,
        json=SETTINGS | {"smsPhone": phone},
        headers=citizen.headers | {"If-Match": tag},
    )
    assert written.get_json()["smsPhoneProven"] is False
    tell(session, citizen, as_worker)
    assert ask(client, citizen, phone).status_code == 202
    tell(session, citizen, as_worker)
    assert sms_of(session, citizen) == []


def test_another_number_is_one_that_was_not_proven(
    client: FlaskClient, session: Session, gateway: FakeSender, as_worker: AsWorker
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    ask(client, citizen, phone)
    tag = prove(client, citizen, code_in(gateway.sent[0].text)).headers["ETag"]

    def put(number: str | None, tag: str) -> TestResponse:
        headers = citizen.headers | {"If-Match": tag}
        return client.put(SETTINGS_URL, json=SETTINGS | {"smsPhone": number}, headers=headers)

    same = put(phone, tag)
    assert same.get_json()["smsPhoneProven"] is True
    other = put(new_phone(), same.headers["ETag"])
    assert other.get_json()["smsPhoneProven"] is False
    back = put(phone, other.headers["ETag"])
    assert back.get_json()["smsPhoneProven"] is False
    tell(session, citizen, as_worker)
    assert sms_of(session, citizen) == []


def test_the_number_of_a_phone_sign_in_is_proven(client: FlaskClient, session: Session) -> None:
    phone = new_phone()
    who = make_phone(session, phone=phone)
    for number, is_proven in ((phone, True), (new_phone(), False)):
        tag = client.get(SETTINGS_URL, headers=who.headers).headers["ETag"]
        headers = who.headers | {"If-Match": tag}
        answer = client.put(SETTINGS_URL, json=SETTINGS | {"smsPhone": number}, headers=headers)
        assert answer.get_json()["smsPhoneProven"] is is_proven


def test_a_wrong_code_proves_nothing_and_five_end_it(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen, stranger = make_citizen(session), make_citizen(session)
    ask(client, citizen, new_phone())
    code = code_in(gateway.sent[0].text)
    assert prove(client, stranger, code).status_code == 422
    wrong = [prove(client, citizen, another(code)) for _ in range(5)]
    assert {one.status_code for one in wrong} == {422}
    assert wrong[0].get_json()["type"].endswith("notifications/wrong-sms-code")
    assert prove(client, citizen, code).status_code == 422
    assert session.get(NotificationSetting, citizen.account.id) is None


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (10, 422)])
def test_a_code_lives_ten_minutes(
    client: FlaskClient, session: Session, gateway: FakeSender, minutes: int, status: int
) -> None:
    citizen = make_citizen(session)
    ask(client, citizen, new_phone())
    with clock.moved(timedelta(minutes=minutes)):
        assert prove(client, citizen, code_in(gateway.sent[0].text)).status_code == status


def test_the_same_again_within_a_minute_sends_nothing_and_only_the_newest_counts(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    first, again = ask(client, citizen, phone), ask(client, citizen, phone)
    assert first.get_json() == again.get_json()
    assert len(gateway.sent) == 1
    with clock.moved(timedelta(minutes=2)):
        assert ask(client, citizen, phone).status_code == 202
        old, new = (code_in(one.text) for one in gateway.sent)
        if old != new:
            assert prove(client, citizen, old).status_code == 422
        assert prove(client, citizen, new).status_code == 200


def test_an_account_has_five_codes_a_day_and_so_has_a_number(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    answers = [ask(client, citizen, new_phone()).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]
    others = [ask(client, make_citizen(session), phone) for _ in range(6)]
    assert [one.status_code for one in others] == [202] * 5 + [429]
    assert int(others[-1].headers["Retry-After"]) > 0
    assert len(gateway.sent) == 10


def test_tries_are_limited_whatever_codes_are_asked_for(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen = make_citizen(session)
    statuses = []
    for minutes in (0, 2, 4, 6):
        with clock.moved(timedelta(minutes=minutes)):
            ask(client, citizen, new_phone())
            code = another(code_in(gateway.sent[-1].text))
            statuses += [prove(client, citizen, code).status_code for _ in range(4)]
    assert statuses == [422] * 15 + [429]


def test_a_gateway_that_is_away_is_said_and_leaves_no_code(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen, phone = make_citizen(session), new_phone()
    gateway.answers = [Sent(reason="unavailable")]
    refused = ask(client, citizen, phone)
    assert refused.status_code == 503
    assert refused.get_json()["type"].endswith("notifications/sms-unavailable")
    assert session.get(SmsCode, citizen.account.id) is None
    session.rollback()
    assert ask(client, citizen, phone).status_code == 202


def test_a_code_that_was_not_sent_takes_no_newer_one_with_it(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    """The gateway keeps the first waiting; the second is sent and counts before it gives up."""
    citizen, answers = make_citizen(session), list[int]()

    def ask_again() -> None:
        gateway.meanwhile = lambda: None
        answers.append(ask(client, citizen, new_phone()).status_code)

    gateway.meanwhile = ask_again
    gateway.answers = [Sent(), Sent(reason="unavailable")]
    assert ask(client, citizen, new_phone()).status_code == 503
    assert answers == [202]
    assert prove(client, citizen, code_in(gateway.sent[-1].text)).status_code == 200


def test_a_gateway_that_takes_nothing_uses_up_no_codes(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    """One that may have sent it and did not answer does."""
    citizen, phone = make_citizen(session), new_phone()
    away = [Sent(reason="unavailable")] * 6 + [Sent(reason="unreachable")] * 6
    gateway.answers = away + [Sent(reason="transport")] * 5
    refused = [ask(client, citizen, phone).status_code for _ in range(17)]
    assert refused == [503] * 17
    assert ask(client, citizen, phone).status_code == 429


def test_two_at_once_wait_for_the_gateway_and_a_third_is_not_kept_waiting(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    people = [make_citizen(session) for _ in range(3)]
    statuses = []

    def ask_next() -> None:
        if people:
            statuses.append(ask(client, people.pop(), new_phone()).status_code)

    gateway.meanwhile = ask_next
    ask_next()
    assert statuses == [503, 202, 202]
    assert len(gateway.sent) == 2


def test_what_is_no_number_of_a_mobile_or_no_code_is_refused(
    client: FlaskClient, session: Session, gateway: FakeSender
) -> None:
    citizen = make_citizen(session)
    for phone in ("0900000001", "+14155550100", "+8490000000", ""):
        assert ask(client, citizen, phone).status_code == 422
    for code in ("12345", "abcdef", ""):
        assert prove(client, citizen, code).status_code == 422
    for path in (URL, f"{URL}/proof"):
        assert client.post(path, json={}).status_code == 401
    assert gateway.sent == []


def test_more_than_a_days_sms_end_and_the_push_stays(
    session: Session, push: FakeSender, as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceiling, "SMS_A_DAY", 3)
    phone = new_phone()
    first, second = make_citizen(session), make_citizen(session)
    for who in (first, second):
        session.add(proven(who, phone))
    session.commit()
    make_token(session, first)
    tell(session, first, as_worker, times=2)
    tell(session, second, as_worker, times=2)  # the number has its third and no fourth
    assert sms_of(session, first) == [("due", None)] * 2
    assert sorted(sms_of(session, second), key=str) == [("dead", "daily-ceiling"), ("due", None)]
    tell(session, first, as_worker)
    assert sms_of(session, first)[-1] == ("dead", "daily-ceiling")
    pushes = select(Delivery.state).where(
        Delivery.account_id == first.account.id, Delivery.channel == "push"
    )
    assert session.scalars(pushes).all() == ["due"] * 3
    session.rollback()
    with clock.moved(timedelta(days=1)):
        tell(session, second, as_worker)
    assert sms_of(session, second)[-1] == ("due", None)


def test_each_persons_sms_is_a_message_of_its_own(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    """A gateway that knows a repeat by its id would take the second parent's for one."""
    child = make_citizen(session)
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=child.profile)
    for who in (child, parent):
        session.add(proven(who, new_phone()))
    session.commit()
    sms: FakeSender = push.sms  # type: ignore[attr-defined]
    sms.answers = [Sent(reason="unavailable")] * 2
    tell(session, child, as_worker)
    with as_worker():
        deliver("sms")
        with clock.moved(timedelta(minutes=1)):
            deliver("sms")
    ids = Counter((one.address, one.delivery_id) for one in sms.sent)
    assert sorted(ids.values()) == [2, 2]  # a repeat has the id of its first
    assert len({delivery_id for _, delivery_id in ids}) == 2


def proven(who: SignedIn, phone: str) -> NotificationSetting:
    at = clock.now()
    return NotificationSetting(
        account_id=who.account.id, sms_phone=phone, sms_proven_at=at, updated_at=at
    )


def test_codes_and_counts_are_trimmed(
    client: FlaskClient, session: Session, gateway: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    ask(client, citizen, new_phone())
    session.add(SmsDay(key=uuid4().bytes, on_date=clock.today(), count=1))
    session.commit()
    with as_worker(), unit_of_work() as worker:
        trim(worker, clock.now() + timedelta(days=6))
    session.expire_all()
    assert session.get(SmsCode, citizen.account.id) is None
    assert session.scalars(select(SmsDay)).all() == []


def test_a_code_is_seen_by_its_account_alone(
    client: FlaskClient, session: Session, gateway: FakeSender, web_connection: Connection
) -> None:
    citizen = make_citizen(session)
    ask(client, citizen, new_phone())
    for account, rows in ((citizen, 1), (make_citizen(session), 0)):
        web_connection.execute(
            text("SELECT set_config('phr.account_id', :id, true)"), {"id": str(account.account.id)}
        )
        query = text("SELECT count(*) FROM sms_code WHERE account_id = :id")
        assert web_connection.scalar(query, {"id": citizen.account.id}) == rows
    web_connection.rollback()
