"""Debian's Chromium."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium() -> Generator[Browser]:
    """Start a browser; skip the test where none is installed, but CI has to have it."""
    path = shutil.which("chromium")
    if path is None and "CI" not in os.environ:  # noqa: TID251 - what runs the suite
        pytest.skip("chromium is not on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()
