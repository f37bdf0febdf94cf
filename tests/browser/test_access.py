"""Everybody can read and reach it: names of what is pressed, contrast, one place for the keys."""

import pytest
from playwright.sync_api import expect

from tests.browser.clinic import CLERK, Clinic
from tests.browser.desk import Desk

pytestmark = pytest.mark.xdist_group("browser: access")

LEAST_CONTRAST = 4.5  # WCAG 2.2 §1.4.3 AA
LEAST_CONTRAST_LARGE = 3.0

# Text that is too faint for its ground, and controls without a name.
FAULTS = """() => {
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92
    : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (one, two) => (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  const hasText = (element) => [...element.childNodes].some(
    (node) => node.nodeType === 3 && node.textContent.trim());
  const faint = [...document.querySelectorAll("body *")].filter((element) => {
    if (!hasText(element) || !element.checkVisibility() || element.matches("option, noscript"))
      return false;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(light(parse(style.color)), light(ground(element)));
    return found < (isLarge ? LARGE : LEAST);
  });
  const unnamed = [...document.querySelectorAll("button, input, select, [tabindex='0'], table")]
    .filter((element) => element.checkVisibility())
    .filter((element) => !element.matches("tr, main") && !element.textContent.trim()
      && !element.getAttribute("aria-label") && !element.labels?.length);
  const untitled = [...document.querySelectorAll("table")].filter(
    (table) => !table.getAttribute("aria-label"));
  return [...faint, ...unnamed, ...untitled].map((element) => element.outerHTML.slice(0, 120));
}""".replace("LARGE", str(LEAST_CONTRAST_LARGE)).replace("LEAST", str(LEAST_CONTRAST))


def faults(desk: Desk) -> list[str]:
    found: list[str] = desk.page.evaluate(FAULTS)
    return found


def test_every_view_can_be_read_and_named(desk: Desk, clinic: Clinic) -> None:
    assert faults(desk) == []  # the welcome
    desk.begin(CLERK)
    desk.scan(clinic.code_of(0))
    desk.says("A001")
    for key in ("F1", "F2", "F3", "F4", "F5", "F6", "F7"):
        desk.press(key)
        expect(desk.page.locator(f"nav [aria-current] kbd:text-is('{key}')")).to_have_count(1)
        expect(desk.page.locator("h1")).to_have_count(1)
        expect(desk.page.locator("main :focus")).to_have_count(1)  # a place for the keys, always
        assert faults(desk) == [], key
    desk.press("F1", "Enter")
    expect(desk.dialog.locator(":focus")).to_have_count(1)
    assert faults(desk) == []
    desk.press("Escape")
    expect(desk.page.locator("tbody tr:focus")).to_have_count(1)  # back where it was


@pytest.mark.parametrize("width", [1366, 1920])
def test_nothing_is_cut_off_at_the_widths_that_desks_have(
    desk: Desk, clinic: Clinic, width: int
) -> None:
    desk.page.set_viewport_size({"width": width, "height": 768})
    desk.begin(CLERK)
    for key in ("F1", "F2", "F3", "F6", "F7"):
        desk.press(key)
        expect(desk.page.locator(f"nav [aria-current] kbd:text-is('{key}')")).to_have_count(1)
        wide = desk.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, key
        cut = "[...document.querySelectorAll('nav button, .bar button, th')].filter("
        cut += "(element) => element.scrollWidth > element.clientWidth + 1).length"
        assert desk.page.evaluate(cut) == 0, key
    desk.shoot(f"40-{width}")


def test_the_keys_go_from_the_head_through_the_list_in_order(desk: Desk, clinic: Clinic) -> None:
    desk.begin(CLERK)
    desk.page.evaluate("document.querySelector('.who button').focus()")
    order = ["who"]
    for _ in range(10):
        desk.page.keyboard.press("Tab")
        order.append(
            desk.page.evaluate(
                "document.activeElement.closest('nav, .who, .bar, tbody')?.className"
                " || document.activeElement.closest('nav, tbody')?.localName"
            )
        )
    assert order == ["who", "who"] + ["nav"] * 7 + ["bar", "tbody"]
