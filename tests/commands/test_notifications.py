"""`phr-api notifications list`: every message's end can be listed, without where it went."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.rules.policy import Sent
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import make_citizen
from tests.notifications.conftest import FakeSender, empty_outbox, push

__all__ = ["empty_outbox", "push"]


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phr_api", "notifications", "list", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_operator_lists_how_messages_ended(
    environment: dict[str, str],
    session: Session,
    push: FakeSender,
    as_worker: Callable[[], AbstractContextManager[None]],
) -> None:
    citizen = make_citizen(session)
    make_token(session, citizen, token="where-it-went")
    for _ in range(2):
        make_notification(session, profile_id=citizen.profile.id)
    push.answers = [Sent(reason="invalid-argument")]
    with as_worker():
        drain_once()
        deliver_once()
    dead = run(environment, "--state", "dead")
    assert dead.returncode == 0, dead.stderr
    line = json.loads(dead.stdout)
    assert (line["state"], line["reason"], line["channel"]) == ("dead", "invalid-argument", "push")
    every = run(environment)
    assert len(every.stdout.splitlines()) == 2
    assert "where-it-went" not in every.stdout
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    assert run(environment, "--since", tomorrow).stdout == ""
    assert run(environment, "--state", "lost").returncode == 2


@pytest.mark.usefixtures("app")
def test_a_day_that_is_none_is_refused(environment: dict[str, str]) -> None:
    assert run(environment, "--since", "yesterday").returncode == 2
