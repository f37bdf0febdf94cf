"""A token that the app renews while the old one is being sent to."""

from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.kit import db
from phr_api.notifications.rules.policy import Sent
from phr_api.settings import Settings
from tests.factories.notifications import make_notification
from tests.factories.people import make_citizen
from tests.notifications.conftest import FakeSender
from tests.notifications.test_outbox import AsWorker, states, work
from tests.notifications.test_settings import bind, holders


def test_a_token_that_is_renewed_during_the_sending_stays_and_gets_what_the_old_one_missed(
    client: FlaskClient,
    session: Session,
    settings: Settings,
    push: FakeSender,
    as_worker: AsWorker,
) -> None:
    citizen = make_citizen(session)
    assert bind(client, citizen, "old-token") == 204
    make_notification(session, profile_id=citizen.profile.id, ref_id=uuid4())
    make_notification(session, profile_id=citizen.profile.id, ref_id=uuid4())

    def the_app_renews_it() -> None:
        db.configure(settings.database.web_url)
        assert bind(client, citizen, "fresh-token") == 204
        db.configure(settings.database.worker_url, is_worker=True)
        push.meanwhile = lambda: None

    push.meanwhile = the_app_renews_it
    push.answers = [Sent(reason="unregistered")] * 2
    work(as_worker)
    assert [one.address for one in push.sent] == ["old-token"] * 2
    assert holders(session, "fresh-token") == [citizen.account.id]
    assert states(session) == [("due", "unregistered")] * 2
    work(as_worker)
    assert [one.address for one in push.sent[2:]] == ["fresh-token"] * 2
    assert states(session) == [("handed", None)] * 2
    push.answers = [Sent(reason="unregistered")]
    make_notification(session, profile_id=citizen.profile.id)
    work(as_worker)
    assert holders(session, "fresh-token") == []
