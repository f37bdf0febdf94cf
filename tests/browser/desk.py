"""What a clerk does at the desk's page: press, type, scan, look. There is no mouse."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

ARTEFACTS = Path(__file__).parents[2] / "var" / "test-artefacts"
# longer than a scanner's pace, after which one key is a command
PAUSE_MILLISECONDS = 130
LONGEST_LIST = 40

# A scanner's keys, at once and as the page hears them; what nobody stopped goes into the field.
# The driver's own keys would take as long as this machine is busy, and know no diacritics.
WEDGE = """text => {
  const target = document.activeElement ?? document.body;
  for (const key of [...text, "Enter"]) {
    const made = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    if (target.dispatchEvent(made) && "value" in target && key.length === 1) target.value += key;
  }
}"""


class Desk:
    """The page, and the hands in front of it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as people do."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(PAUSE_MILLISECONDS)

    def type(self, text: str) -> None:
        """Type into what has the focus, as people do."""
        self.page.keyboard.type(text, delay=100)

    def scan(self, text: str) -> None:
        """Let the scanner type, and end with Enter."""
        self.page.evaluate(WEDGE, text)

    def says(self, text: str | re.Pattern[str]) -> None:
        """Wait until the line at the bottom says so."""
        expect(self.page.locator("#said")).to_contain_text(text)

    def takes_in(self, label: str, name: str) -> None:
        """Wait until this person has this number."""
        expect(self.page.locator("#said")).to_have_text(re.compile(f"^{label} . {name} "))

    def shows(self, title: str) -> None:
        """Wait until this view is open."""
        expect(self.page.locator("h1")).to_contain_text(title)

    def go_to(self, text: str) -> None:
        """Go down the list until the row with this text has the focus."""
        self.page.keyboard.press("Home")
        for _ in range(LONGEST_LIST):
            if text in self.focused:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError("no such row")

    @property
    def focused(self) -> str:
        """The text of what has the focus."""
        return str(self.page.evaluate("document.activeElement.textContent"))

    def row(self, text: str, *, has: str) -> None:
        """Wait until the row with this text says the other, too."""
        expect(self.page.locator("tbody tr", has_text=text)).to_contain_text(has)

    def shoot(self, name: str) -> None:
        """Keep what the clerk sees."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")

    def begin(self, name: str) -> None:
        """From the welcome to today's list."""
        expect(self.page.locator(".welcome button:focus")).to_be_visible()
        self.page.keyboard.press("Enter")
        self.sign_in(name)

    def sign_in(self, name: str) -> None:
        """At the provider: down to oneself, Enter, and back."""
        self.choose_at_provider(name)
        expect(self.page.locator("[aria-pressed=true]")).to_contain_text(name)
        expect(self.page.locator("tbody tr:focus")).to_have_count(1)

    def choose_at_provider(self, name: str) -> None:
        """At the provider: down to oneself, and Enter."""
        self.page.wait_for_url("**/authorize**")
        for _ in range(LONGEST_LIST):
            if self.focused == name:
                break
            self.page.keyboard.press("Tab")
        assert self.focused == name
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/desk")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.locator("dialog[open]")
