"""`phr-api carers` does what a desk does, for an operator; numbers come by standard input."""

import json
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy.orm import Session

from phr_api.consent.models import Carer
from tests.consent.test_carers import family

pytestmark = pytest.mark.usefixtures("app")  # people sign in: its keys must be in place


def run(
    environment: dict[str, str], *arguments: str, document: Any = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phr_api", "carers", *arguments],
        input=json.dumps(document),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_operator_records_and_suspends_a_carer(
    environment: dict[str, str], session: Session
) -> None:
    parent, child, document = family(session)
    made = run(environment, "add", document=document)
    assert made.returncode == 0, made.stderr
    line = json.loads(made.stdout)
    assert line["profile"] == str(child.id)

    ended = run(environment, "suspend", line["profile"], line["id"], "--reason", "toà án")

    assert (ended.returncode, ended.stdout) == (0, "suspended\n")
    carer = session.get_one(Carer, (child.id, line["id"]))
    assert carer.suspended_at is not None
    assert carer.account_id == parent.account.id


def test_what_is_wrong_is_named_and_not_repeated(
    environment: dict[str, str], session: Session
) -> None:
    _, _, document = family(session)
    unknown = document | {"child": document["child"] | {"fullName": "Lê Văn Khác"}}
    answer = run(environment, "add", document=unknown)
    assert (answer.returncode, "Lê Văn" in answer.stderr) == (1, False)
    assert "Nobody with this number" in answer.stderr
    shapeless = run(environment, "add", document={"powers": ["fly"]})
    assert shapeless.returncode == 2
    assert "child" in shapeless.stderr
    assert "fly" not in shapeless.stderr
