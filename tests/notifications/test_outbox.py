"""From what was told to what devices get: who, when, and how each message ends."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, time, timedelta
from time import sleep
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.identity.models import AccountSession
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.models import (
    Delivery,
    NotificationPreference,
    NotificationSetting,
    PushToken,
)
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.rules.quiet import after_quiet
from phr_api.notifications.service import delivering
from phr_api.notifications.service.sending import ConsoleSender
from tests.consent.test_carers import family
from tests.factories.consent import make_carer
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import Citizen, make_citizen, make_phone, make_profile, make_session
from tests.notifications.conftest import FakeSender

AsWorker = Callable[[], AbstractContextManager[None]]


def work(as_worker: AsWorker) -> None:
    with as_worker():
        drain_once()
        deliver_once()


def states(session: Session) -> list[tuple[str, str | None]]:
    rows = session.execute(
        select(Delivery.state, Delivery.reason).order_by(Delivery.channel, Delivery.id)
    ).all()
    session.rollback()
    return [(state, reason) for state, reason in rows]


def settings_of(who: Citizen, **more: object) -> NotificationSetting:
    at = clock.now()
    return NotificationSetting(
        account_id=who.account.id, updated_at=at, **{"sms_proven_at": at} | more
    )


def test_a_person_and_a_carer_are_told_each_in_their_language(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    child = make_citizen(session, profile=make_profile(session, birth="2020-02-02"))
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=child.profile)
    make_token(session, child)
    make_token(session, parent, language="en")
    make_token(session, make_citizen(session))
    told = make_notification(session, profile_id=child.profile.id)
    work(as_worker)
    assert sorted(one.text for one in push.sent) == [
        "Lịch hẹn của bạn có thay đổi. Mở ứng dụng để xem.",
        "One of your bookings has news. Open the app to see it.",
    ]
    assert {one.notification_id for one in push.sent} == {told.id}
    assert states(session) == [("handed", None)] * 2
    work(as_worker)
    assert len(push.sent) == 2


def test_sensitive_news_of_a_teenager_does_not_reach_the_carer(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    teenager = make_citizen(session, profile=make_profile(session, birth="2010-02-02"))
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=teenager.profile)
    own = make_token(session, teenager)
    make_token(session, parent)
    make_notification(session, profile_id=teenager.profile.id, classes=["hiv"])
    work(as_worker)
    rows = session.scalars(select(Delivery.token_id)).all()
    assert rows == [own]


@pytest.mark.parametrize("change", ["signed out", "carer ended"])
def test_who_lost_the_right_between_planning_and_sending_gets_nothing(
    session: Session, push: FakeSender, as_worker: AsWorker, change: str
) -> None:
    _, child, _ = family(session)
    parent = make_citizen(session)
    carer = make_carer(session, account=parent.account, child=child)
    make_token(session, parent)
    make_notification(session, profile_id=child.id)
    with as_worker():
        drain_once()
    if change == "signed out":
        session.execute(
            update(AccountSession)
            .where(AccountSession.id == parent.session.id)
            .values(ended_at=clock.now())
        )
    else:
        carer.ended_at = clock.now()
        session.add(carer)
    session.commit()
    with as_worker():
        deliver_once()
    assert push.sent == []
    assert ("dead", "no-recipient") in states(session)


def test_a_session_below_record_level_hears_nothing_of_a_record(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session, assurance="account")
    make_token(session, citizen)
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    assert push.sent == []


def test_a_phone_account_is_told_by_its_own_session_and_by_sms(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    phone = make_phone(session, phone="+84900123456")
    make_token(session, phone)
    make_notification(session, account_id=phone.account.id, via_phone=True, wants_sms=True)
    work(as_worker)
    assert len(push.sent) == 1
    sms = push.sms.sent  # type: ignore[attr-defined]
    assert [one.address for one in sms] == ["+84900123456"]


def test_what_was_told_before_the_number_was_proven_stays_untold(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    phone = make_phone(session)
    make_token(session, phone)
    old = clock.now() - timedelta(days=3)
    make_notification(
        session, account_id=phone.account.id, via_phone=True, wants_sms=True, created_at=old
    )
    work(as_worker)
    assert push.sent + push.sms.sent == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-24T20:59:59+07:00", "2026-11-24T20:59:59+07:00"),
        ("2026-11-24T21:00:00+07:00", "2026-11-25T07:00:00+07:00"),
        ("2026-11-25T06:59:59+07:00", "2026-11-25T07:00:00+07:00"),
        ("2026-11-25T07:00:00+07:00", "2026-11-25T07:00:00+07:00"),
        ("2026-11-24T17:30:00+00:00", "2026-11-25T07:00:00+07:00"),
    ],
)
def test_quiet_hours_pass_midnight(at: str, expected: str) -> None:
    moved = after_quiet(datetime.fromisoformat(at), time(21), time(7))
    assert moved == datetime.fromisoformat(expected)


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    noon = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)  # 12:30 in Viet Nam
    assert after_quiet(noon, time(12), time(14)) == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert after_quiet(noon, time(7), time(7)) == noon


def test_quiet_hours_move_what_is_not_urgent_and_expire_what_cannot_wait(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    session.add(settings_of(citizen, quiet_from=time(0), quiet_until=time(23, 59, 59)))
    make_token(session, citizen)
    whose = {
        "profile_id": citizen.profile.id,
        "category": "record",
        "kind": "record.paper",
    }
    soon = clock.now() + timedelta(seconds=30)
    later = make_notification(
        session, **whose, is_urgent=False, expires_at=clock.now() + timedelta(days=3)
    )
    make_notification(session, **whose, is_urgent=False, expires_at=soon)
    urgent = make_notification(session, profile_id=citizen.profile.id, is_urgent=True)
    work(as_worker)
    assert [one.notification_id for one in push.sent] == [urgent.id]
    rows = session.execute(select(Delivery.notification_id, Delivery.state)).all()
    assert (later.id, "due") in [tuple(row) for row in rows]
    assert ("expired", "too-late") in states(session)


def test_preferences_turn_a_channel_of_a_category_off(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    session.add(settings_of(citizen, sms_phone="+84900000001", remind_day_before=False))
    session.add(
        NotificationPreference(
            account_id=citizen.account.id, category="booking", channel="push", is_on=False
        )
    )
    make_token(session, citizen)
    whose = {"profile_id": citizen.profile.id}
    make_notification(session, **whose, wants_sms=True)
    make_notification(session, **whose, category="reminder", kind="reminder.day")
    make_notification(session, **whose, category="reminder", kind="reminder.two-hours")
    work(as_worker)
    assert [one.kind for one in push.sent] == ["reminder.two-hours"]
    assert len(push.sms.sent) == 1  # type: ignore[attr-defined]


def test_a_service_that_asks_for_a_year_of_rest_is_tried_again_the_same_hour(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    make_notification(session, profile_id=citizen.profile.id)
    push.answers = [Sent(reason="unavailable", retry_after=timedelta(days=365))]
    work(as_worker)
    with clock.moved(timedelta(minutes=14)):
        work(as_worker)
    assert len(push.sent) == 1
    with clock.moved(timedelta(minutes=16)):
        work(as_worker)
    assert len(push.sent) == 2
    assert states(session)[0][0] == "handed"


def test_a_token_that_is_gone_is_forgotten_and_a_busy_service_is_left_alone(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    session.add(settings_of(citizen, sms_phone="+84900000002"))
    gone = make_token(session, citizen)
    make_notification(session, profile_id=citizen.profile.id, wants_sms=True)
    push.answers = [Sent(reason="quota-exceeded", retry_after=timedelta(seconds=90))]
    work(as_worker)
    assert states(session)[0] == ("due", "quota-exceeded")
    assert len(push.sms.sent) == 1  # type: ignore[attr-defined]
    with clock.moved(timedelta(seconds=85)):
        work(as_worker)
    assert len(push.sent) == 1
    push.answers = [Sent(reason="unregistered")]
    with clock.moved(timedelta(seconds=95)):
        work(as_worker)
    assert len(push.sent) == 2
    assert states(session)[0] == ("dead", "unregistered")
    assert session.get(PushToken, gone) is None


def test_a_service_that_stays_away_loses_nothing_and_sends_nothing_after_the_expiry(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    long = make_notification(session, profile_id=citizen.profile.id)
    make_notification(
        session, profile_id=citizen.profile.id, expires_at=clock.now() + timedelta(minutes=1)
    )
    push.answers = [Sent(reason="unavailable")] * 6
    for minutes in (0, 5, 20):
        with clock.moved(timedelta(minutes=minutes)):
            work(as_worker)
    push.answers = []
    push.sent.clear()
    with clock.moved(timedelta(hours=1)):
        work(as_worker)
    assert [one.notification_id for one in push.sent] == [long.id]
    assert sorted(state for state, _ in states(session)) == ["expired", "handed"]


def test_a_worker_killed_between_sending_and_recording_repeats_once_with_the_same_collapse_id(
    session: Session, push: FakeSender, as_worker: AsWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen)
    told = make_notification(session, profile_id=citizen.profile.id)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, as_worker():
        drain_once()
        patched.setattr(delivering, "record", die)
        with pytest.raises(Killed):
            deliver_once()
        deliver_once()
    assert len(push.sent) == 1
    with clock.moved(delivering.CLAIMED_FOR + timedelta(seconds=1)):
        work(as_worker)
        work(as_worker)
    assert [one.notification_id for one in push.sent] == [told.id, told.id]
    assert states(session) == [("handed", None)]


def test_several_devices_get_a_push_each_and_one_sms(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    session.add(settings_of(citizen, sms_phone="+84900000003"))
    make_token(session, citizen)
    tablet = make_session(session, citizen.account)
    make_token(session, Citizen(**{f: getattr(citizen, f) for f in FIELDS} | {"session": tablet}))
    make_notification(session, profile_id=citizen.profile.id, wants_sms=True)
    work(as_worker)
    assert (len(push.sent), len(push.sms.sent)) == (2, 1)  # type: ignore[attr-defined]


FIELDS = ("account", "session", "principal", "headers", "profile")


@pytest.mark.usefixtures("empty_outbox")
def test_a_laptop_prints_what_would_be_sent_and_no_address(
    session: Session, as_worker: AsWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    delivering.use({"push": ConsoleSender(), "sms": ConsoleSender()})
    citizen = make_citizen(session)
    make_token(session, citizen, token="a-token-of-a-device")
    make_notification(session, profile_id=citizen.profile.id, params={"facility": "Bệnh viện X"})
    work(as_worker)
    printed = capsys.readouterr().out
    line = "push [booking.confirmed, vi] Lịch hẹn của bạn có thay đổi. Mở ứng dụng để xem.\n"
    assert printed == line


def test_streams_are_woken_by_ids_alone(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    citizen = make_citizen(session)
    connection = session.connection().connection.driver_connection
    connection.execute("LISTEN phr_events")  # type: ignore[union-attr]
    session.commit()
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    got = next(iter(connection.notifies(timeout=5, stop_after=1)))  # type: ignore[union-attr]
    assert got.payload == str(citizen.account.id)
    connection.execute("UNLISTEN *")  # type: ignore[union-attr]


def test_both_roles_commit(session: Session) -> None:
    """The worker may do all this under its own role; the web may not look."""
    with unit_of_work() as web, pytest.raises(Exception, match="permission denied"):
        web.execute(select(Delivery.id)).all()


def test_a_state_that_was_late_does_not_replace_the_newer_one(
    session: Session, push: FakeSender, as_worker: AsWorker
) -> None:
    """Their place on the phone is one, and a retry of the older would stand there last."""
    citizen, booking = make_citizen(session), uuid4()
    make_token(session, citizen)

    def tell(kind: str, ref: UUID = booking) -> None:
        sleep(0.002)  # ids, which say what is newer, count in milliseconds
        make_notification(session, profile_id=citizen.profile.id, kind=kind, ref_id=ref)

    def work(minutes: int) -> list[str]:
        push.sent.clear()
        with as_worker(), clock.moved(timedelta(minutes=minutes)):
            drain_once()
            deliver_once()
        return sorted(one.kind for one in push.sent)

    push.answers = [Sent(reason="unavailable")]
    tell("booking.requested")
    assert work(0) == ["booking.requested"]
    tell("booking.confirmed")
    assert work(0) == ["booking.confirmed"]
    assert work(5) == []
    ends = select(Delivery.state, Delivery.reason).order_by(Delivery.notification_id)
    assert list(session.execute(ends)) == [("dead", "superseded"), ("handed", None)]
    session.rollback()
    # both in one batch: the newest of each place alone
    tell("booking.moved")
    tell("booking.cancelled")
    tell("booking.requested", ref=uuid4())
    assert work(6) == ["booking.cancelled", "booking.requested"]
