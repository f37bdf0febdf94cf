"""What does not live for ever is trimmed, and nothing else."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.devprovider.server import Providers
from phr_api.identity import trim
from phr_api.identity.models import AccountSession, ClientJti, SignInAttempt
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.factories.people import make_citizen, make_system
from tests.identity.walking import begin


@pytest.fixture
def attempt_id(client: FlaskClient, providers: Providers) -> str:
    return str(begin(client)["id"])


@pytest.mark.usefixtures("attempt_id", "worker_process")
def test_what_is_over_goes_and_what_lives_stays(session: Session, attempt_id: str) -> None:
    at = clock.now()
    live, ended = make_citizen(session).session, make_citizen(session).session
    ended.ended_at = at
    jti = ClientJti(client_id=make_system(session).client.id, jti="one", expires_at=at)
    session.add(jti)
    session.commit()
    ids = (live.id, ended.id, jti.client_id)

    with unit_of_work() as work:
        trim(work, at)
    session.expunge_all()
    assert session.get(SignInAttempt, attempt_id) is not None
    assert session.get(AccountSession, ids[1]) is not None
    assert session.get(ClientJti, (ids[2], "one")) is not None

    # the live one ends by itself after 30 days, so it is gone when 90 more have passed
    with unit_of_work() as work:
        trim(work, at + timedelta(days=91))
    session.expunge_all()
    assert session.get(SignInAttempt, attempt_id) is None
    assert session.get(AccountSession, ids[1]) is None
    assert session.get(ClientJti, (ids[2], "one")) is None
    assert session.get(AccountSession, ids[0]) is not None
