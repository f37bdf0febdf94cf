"""`phr-api ingest`: what an operator sees, and the status that a script sees."""

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy.orm import Session

from phr_api.clinics.models import Facility
from tests.records.files import a_file, a_visit, key_of


def ingest(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phr_api", "ingest", *arguments, "--facility", "99001"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_one_line_a_visit_as_json_and_status_1_when_one_was_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    good, bad = a_visit(), a_visit(number="123")
    file, broken = tmp_path / "visits.xml", tmp_path / "broken.xml"
    file.write_bytes(a_file(good, bad))
    broken.write_bytes(b"<x")

    done = ingest(environment, str(file), str(broken), "--json")

    assert done.returncode == 1
    accepted, refused, whole = (json.loads(line) for line in done.stdout.splitlines())
    assert accepted == {
        "file": str(file),
        "visit": key_of(good),
        "outcome": "accepted",
        "reasons": [],
    }
    assert (refused["visit"], refused["outcome"]) == (key_of(bad), "refused")
    (reason,) = refused["reasons"]
    assert (reason["table"], reason["row"], reason["element"]) == ("XML1", 1, "SO_CCCD")
    assert reason["received"] == "3 digits"
    assert reason["expected"]
    assert set(reason) == set(whole["reasons"][0])
    assert (whole["file"], whole["visit"], whole["outcome"]) == (str(broken), None, "refused")


def test_words_for_people_and_status_0_when_all_went_well(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "visits.xml"
    file.write_bytes(a_file(a_visit(), a_visit()))

    first = ingest(environment, str(file))
    second = ingest(environment, str(file))

    assert (first.returncode, second.returncode) == (0, 0)
    assert f"{file}: 2 visits: 2 accepted" in first.stdout
    assert "2 unchanged" in second.stdout


def test_refusals_are_told_with_their_place_and_rule(
    environment: dict[str, str], tmp_path: Path
) -> None:
    bad = a_visit(number="12345678901")
    file = tmp_path / "visits.xml"
    file.write_bytes(a_file(bad))

    done = ingest(environment, str(file), "--language", "en")

    assert f"refused {key_of(bad)}" in done.stdout
    assert "XML1 row 1 SO_CCCD" in done.stdout
    assert "received 11 digits" in done.stdout
    assert "12345678901" not in done.stdout


def test_an_unknown_facility_is_said_so(
    environment: dict[str, str], tmp_path: Path, session: Session
) -> None:
    file = tmp_path / "visits.xml"
    file.write_bytes(a_file(a_visit()))

    done = subprocess.run(
        [sys.executable, "-m", "phr_api", "ingest", str(file), "--facility", "12345"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert session.get(Facility, "12345") is None
    assert done.returncode == 2
    assert "12345" in done.stderr


def test_a_system_is_not_registered_for_a_facility_that_nobody_knows(
    environment: dict[str, str], tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    arguments = ["clients", "register", "Thử", "--facility", "12345", "--generate-key", str(key)]
    done = subprocess.run(
        [sys.executable, "-m", "phr_api", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert "facility 12345 is not in the directory" in done.stderr
    assert not key.exists()
