"""`phr-api send`: signs in with its key over HTTP, sends, waits, reports, moves."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask

from phr_api import identity
from phr_api.commands.clients import write_key_pair
from phr_api.commands.sending import Sender, SendingFailedError
from phr_api.identity.service import clients
from phr_api.kit.db import unit_of_work
from phr_api.settings import Settings
from tests.factories.people import NAME, new_number
from tests.records.files import FACILITY, a_file, a_visit, key_of

AsWorker = Callable[[], AbstractContextManager[None]]


class Quiet(WSGIRequestHandler):
    """Writes no access log."""

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def service(app: Flask, settings: Settings) -> Generator[str]:
    """The API on a port of its own, which is its issuer too."""
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    identity.configure(replace(settings, public_url=url))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    server.server_close()
    thread.join()
    identity.configure(settings)


@pytest.fixture
def worker(app: Flask, environment: dict[str, str]) -> Generator[None]:
    """The background process, beside."""
    process = subprocess.Popen([sys.executable, "-m", "phr_api", "worker"], env=environment)
    yield
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def hospital(app: Flask, as_worker: AsWorker, tmp_path: Path) -> tuple[str, Path]:
    """A registered system: its client id and its private key."""
    key = tmp_path / "key.pem"
    public = write_key_pair(key)
    with as_worker(), unit_of_work() as session:
        client = clients.register(session, name="Bệnh viện thử", facility_codes=[FACILITY])
        clients.add_key(session, client.id, public)
    return str(client.id), key


def send(
    service: str,
    hospital: tuple[str, Path],
    *arguments: str,
    cwd: Path,
    facility: str = FACILITY,
) -> subprocess.CompletedProcess[str]:
    client, key = hospital
    asked = ["--url", service, "--facility", facility, "--client", client, "--key", str(key)]
    keep = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: TID251
    return subprocess.run(
        [sys.executable, "-m", "phr_api", "send", *asked, *arguments],
        cwd=cwd,
        env=keep,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_files_are_sent_and_refusals_written_to_one_csv(
    service: str, hospital: tuple[str, Path], worker: None, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    refused = a_visit(number="12345678901")
    good.write_bytes(a_file(a_visit(), a_visit()))
    bad.write_bytes(a_file(refused))
    report = tmp_path / "report.csv"

    done = send(service, hospital, str(good), str(bad), "--report", str(report), cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert "good.xml: 2 accepted" in done.stdout
    with report.open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["file"], line["MA_LK"]) == ("bad.xml", key_of(refused))
    assert (line["element"], line["received"]) == ("SO_CCCD", "11 digits")


def test_a_watched_folder_is_emptied_into_sent_and_refused(
    service: str, hospital: tuple[str, Path], worker: None, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, content in (("a.xml", a_file(a_visit())), ("b.xml", b"<x/>"), ("c.txt", b"")):
        (folder / name).write_bytes(content)
        settled = time.time() - 60
        os.utime(folder / name, (settled, settled))
    (folder / "still-written.xml").write_bytes(b"<GIAM")
    os.utime(folder / "still-written.xml", (time.time() + 60, time.time() + 60))

    done = send(service, hospital, "--watch", str(folder), "--once", cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert (folder / "sent" / "a.xml").exists()
    assert (folder / "refused" / "b.xml").exists()
    assert (folder / "c.txt").exists()
    assert (folder / "still-written.xml").exists()
    assert len(list(folder.glob("refusals-*.csv"))) == 1


def test_a_key_that_nobody_registered_is_not_accepted(
    service: str, hospital: tuple[str, Path], tmp_path: Path
) -> None:
    client, _ = hospital
    other = tmp_path / "other.pem"
    write_key_pair(other)
    file = tmp_path / "a.xml"
    file.write_bytes(a_file(a_visit()))

    done = send(service, (client, other), str(file), cwd=tmp_path)

    assert done.returncode == 2
    assert "does not accept this client and key" in done.stderr


def test_a_visit_that_waits_is_told_by_its_outcome(
    service: str, hospital: tuple[str, Path], worker: None, tmp_path: Path
) -> None:
    number = new_number()
    files = [tmp_path / "first.xml", tmp_path / "other-name.xml"]
    for file, name in zip(files, (NAME, "Trần Văn Khác"), strict=True):
        file.write_bytes(a_file(a_visit(number=number, name=name)))

    done = send(service, hospital, *map(str, files), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "other-name.xml: 1 needs-review" in done.stdout
    assert "1 of them wait" in done.stdout


def test_a_facility_that_is_not_the_clients_is_not_blamed_on_the_file(
    service: str, hospital: tuple[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(a_file(a_visit()))

    done = send(service, hospital, str(file), cwd=tmp_path, facility="99002")

    assert done.returncode == 2
    assert "this client may not send for facility 99002" in done.stderr
    assert "a.xml" not in done.stdout
    assert list(tmp_path.glob("refusals-*")) == []


def test_a_service_that_is_not_there_is_not_a_refused_key(
    hospital: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(a_file(a_visit()))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    client, key = hospital
    with (
        Sender(
            url="http://127.0.0.1:9", facility=FACILITY, client=client, key=key, key_id=None
        ) as sender,
        pytest.raises(SendingFailedError, match=r"^nothing answers at http://127\.0\.0\.1:9$"),
    ):
        sender.send(file)
