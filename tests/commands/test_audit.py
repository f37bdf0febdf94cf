"""`phr-api audit verify` tells an operator which day was tampered with."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.audit import service
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.settings import Settings


def verify(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phr_api", "audit", "verify"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_removed_row_is_told_by_its_day(
    as_worker: Callable[[], AbstractContextManager[None]],
    environment: dict[str, str],
    settings: Settings,
    session: Session,
) -> None:
    session.execute(text("DELETE FROM audit_chain"))  # other tests sign with keys of their own
    session.commit()
    person = uuid4()
    actor = audit.Actor(kind="operator", id=None)
    with as_worker(), clock.moved(timedelta(days=-300)):
        with unit_of_work() as work:
            audit.record(work, actor, action="book.read", subjects=[person])
            day = clock.now().date()
        with clock.moved(timedelta(days=2)), unit_of_work() as work:
            service.chain_days(work, clock.now(), settings.secret)
    assert verify(environment).returncode == 0

    session.execute(text("DELETE FROM audit_subject WHERE profile_id = :p"), {"p": person})
    session.commit()

    broken = verify(environment)
    assert broken.returncode == 1
    assert broken.stderr.splitlines() == [f"{day.isoformat()} is not what was signed"]
    session.execute(text("DELETE FROM audit_chain"))
    session.commit()
