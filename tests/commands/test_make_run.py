"""`make run` in a clean clone: a newcomer does what its screen and the README say.

One start serves them all, in the order of this file; the last test ends it.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect

from phr_api.commands import supervisor
from phr_api.devprovider.people import DESK
from phr_api.kit.places import Places
from phr_api.settings import Settings
from tests.browser.chromium import chromium
from tests.browser.desk import Desk
from tests.commands.newcomer import Clone, Process, commands_of, stop_like_ctrl_c

pytestmark = pytest.mark.xdist_group("make run")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clone]:
    clone = Clone.make(tmp_path_factory.mktemp("newcomer") / "clone")
    yield clone
    shutil.rmtree(Places.of(clone.folder / "var").home)  # for root it is elsewhere


@pytest.fixture(scope="module")
def running(clone: Clone) -> Generator[Process]:
    process = clone.start()
    yield process
    if process.poll() is None:
        stop_like_ctrl_c(process)


@pytest.fixture(scope="module")
def readme(clone: Clone) -> str:
    return (clone.folder / "README.md").read_text(encoding="utf-8")


def cluster_is_up(clone: Clone) -> bool:
    return (Places.of(clone.folder / "var").cluster / "postmaster.pid").exists()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_free(clone: Clone) -> bool:
    """Whether the folder's lock is nobody's: a supervisor may outlive its make for a moment."""
    with (clone.folder / "var" / "run.lock").open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def is_gone(clone: Clone) -> bool:
    ports = (clone.port + n for n in range(4))
    return is_free(clone) and not cluster_is_up(clone) and not any(map(answers, ports))


def wait_until_gone(clone: Clone) -> None:
    until = time.monotonic() + 45
    while not is_gone(clone):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_screen_says_where_the_database_really_is(tmp_path: Path) -> None:
    settings = Settings.from_env({"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path)})
    assert str(Places.of(tmp_path).home) in supervisor.describe_data(settings)
    own = {
        "PHR_ENV": "development",
        "PHR_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql:///",
    }
    assert "DATABASE_URL" in supervisor.describe_data(Settings.from_env(own))


@pytest.mark.usefixtures("running")
def test_a_newcomer_reads_a_demo_citizens_book_as_the_screen_says(clone: Clone) -> None:
    commands = clone.screen.split("(another terminal, this folder):", 1)[1].split("Ctrl-C", 1)[0]
    with clone.open_terminal() as terminal:
        book = json.loads(terminal.paste(commands))
    assert book["encounters"]
    assert book["medications"]


@pytest.mark.usefixtures("running")
def test_the_documentation_is_served_and_without_a_token_nothing_else(clone: Clone) -> None:
    with urllib.request.urlopen(f"{clone.address}/docs", timeout=10) as page:
        assert page.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{clone.address}/v1/me", timeout=10)
    assert refused.value.code == 401
    refused.value.close()


@pytest.mark.usefixtures("running")
def test_the_walk_of_the_readme(clone: Clone, readme: str) -> None:
    """Book as a citizen, confirm at the desk, see push, inbox and calendar, by its own words."""
    book, look = commands_of(readme, "How a booking goes")
    with clone.open_terminal() as terminal:
        told = terminal.paste(book)
        booking = json.loads(told[told.index("{") :])["items"][0]
        assert booking["state"] == "requested"
        assert not clone.shows("push [booking.confirmed")
        confirm_at_the_desk(clone)
        clone.wait_for(lambda: clone.shows("push [booking.confirmed"))
        told = terminal.paste(look)
    inbox, end = json.JSONDecoder().raw_decode(told)
    assert booking["id"] in [
        entry["ref"]["id"] for entry in inbox["items"] if entry["kind"] == "booking.confirmed"
    ]
    calendar = told[end:].strip()
    assert calendar.startswith("BEGIN:VCALENDAR")
    assert re.search(r"^DTSTART;TZID=Asia/Ho_Chi_Minh:", calendar, re.MULTILINE)
    assert re.search(r"^STATUS:CONFIRMED\r?$", calendar, re.MULTILINE)


def confirm_at_the_desk(clone: Clone) -> None:
    """With the keys that the README names."""
    with chromium() as browser:
        desk = Desk(browser.new_page(locale="vi-VN"))
        desk.page.goto(f"{clone.address}/desk")
        expect(desk.page.locator(".welcome button:focus")).to_be_visible()
        desk.press("Enter")
        desk.choose_at_provider(DESK.name)
        desk.shows("Hôm nay")
        desk.press("F2")
        desk.shows("Yêu cầu")
        expect(desk.page.locator("tbody tr")).to_have_count(1)
        desk.press("Space", "Control+Enter")
        desk.says("Đã xác nhận")


@pytest.mark.usefixtures("running")
def test_a_hospitals_software_is_registered_and_files_go_in_as_the_readme_says(
    clone: Clone, readme: str
) -> None:
    register, ingest = commands_of(readme, "How a hospital sends")
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (clone.folder / "hospital.pem").write_bytes(pem)
    with clone.open_terminal() as terminal:
        assert json.loads(terminal.paste(register))["facilities"] == ["99001"]
        assert "accepted" in terminal.paste(ingest)


@pytest.mark.usefixtures("running")
def test_everybody_whom_the_readme_names_signs_in(clone: Clone, readme: str) -> None:
    (named,) = re.findall(r"`phr-api login --as ([a-z|]+)`", readme)
    with clone.open_terminal() as terminal:
        tokens: dict[str, Any] = {
            who: json.loads(terminal.paste(f"phr-api login --as {who}")) for who in named.split("|")
        }
    assert {who for who, told in tokens.items() if told["accessToken"]} == set(named.split("|"))


def test_a_second_start_keeps_others_out_and_ctrl_c_leaves_nothing(
    clone: Clone, running: Process
) -> None:
    assert "in use by another run" in clone.start_beside()
    assert running.poll() is None
    stop_like_ctrl_c(running)
    wait_until_gone(clone)


def test_one_that_is_killed_leaves_nothing(clone: Clone) -> None:
    """How quick it is, `python -m benchmarks start` measures."""
    second = clone.start()
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate(timeout=60)
    wait_until_gone(clone)
