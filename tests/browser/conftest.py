"""A clinic in the morning: the API as a process, staff who sign in elsewhere, a real browser."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from phr_api.devprovider.server import Providers, running
from tests.browser.chromium import chromium
from tests.browser.clinic import Clinic, open_clinic
from tests.browser.desk import Desk
from tests.commands.test_serve import is_ready, wait_until
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
PATIENCE_MILLISECONDS = 15_000  # of a busy machine; nothing waits when it is there
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="module")
def ports() -> int:
    return free_ports(4)


@pytest.fixture(scope="module")
def providers(ports: int) -> Generator[Providers]:
    """The staff's provider, where the API looks for it."""
    with running(port=ports + 3) as providers:
        yield providers


@pytest.fixture(scope="module")
def address(ports: int, environment: dict[str, str], providers: Providers) -> Generator[str]:
    """Where the API and its page answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "phr_api", "serve", "web"],
        env=environment | {"PORT": str(ports)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{ports}"
    try:
        wait_until(lambda: is_ready(address))
        yield address
    finally:
        process.terminate()
        process.wait(timeout=40)


@pytest.fixture
def clinic(app: Flask, session: Session, providers: Providers) -> Clinic:
    """A facility of this test's own, with its staff and this morning's bookings."""
    clinic = open_clinic(session, issuer=providers.staff.issuer)
    providers.staff.people = clinic.staff
    return clinic


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(browser: Browser, address: str, clinic: Clinic) -> Generator[Desk]:
    """The page before anybody signed in; no script may fail, the policy may refuse nothing."""
    context = browser.new_context(viewport={"width": 1680, "height": 980}, locale="vi-VN")
    page: Page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Policy" in line.text else None)
    page.goto(f"{address}/desk")
    yield Desk(page)
    context.close()
    assert wrong == []
