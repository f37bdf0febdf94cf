"""Who may only read, and who works at two facilities."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from tests.browser.clinic import BRANCH, LOOKER, MAIN, MORNING, WANDERER, Clinic
from tests.browser.desk import Desk

pytestmark = pytest.mark.xdist_group("browser: rights")


def test_who_may_only_read_finds_no_way_to_write(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    desk.begin(LOOKER)
    expect(desk.page.locator("tbody tr")).to_have_count(len(MORNING))
    expect(desk.page.locator("header")).to_contain_text("Chỉ xem")
    desk.press("a", "x", "v", "c", "d", "p")
    expect(desk.dialog).to_have_count(0)
    desk.press("F2", "Space", "Control+a", "Control+Enter")
    expect(desk.page.locator("tr.is-chosen")).to_have_count(0)
    for key in ("F3", "F4", "F5", "F6", "F7"):
        desk.press(key, "n")
        expect(desk.page.locator(f"nav [aria-current] kbd:text-is('{key}')")).to_have_count(1)
        expect(desk.page.locator("main button, main input, dialog")).to_have_count(0)
    desk.scan(clinic.code_of(0))
    desk.says("chỉ được xem")
    desk.shoot("14-read-only")
    states = select(Booking.state).where(Booking.id.in_([one.id for one in clinic.today]))
    assert set(session.scalars(states)) == {"confirmed"}


def test_who_works_at_two_facilities_says_where_and_the_tab_remembers(
    desk: Desk, clinic: Clinic
) -> None:
    expect(desk.page.locator(".welcome button:focus")).to_be_visible()
    desk.press("Enter")
    desk.choose_at_provider(WANDERER)
    expect(desk.dialog.locator(".choice")).to_have_text(
        [f"{MAIN} · Tiếp đón", f"{BRANCH} · Chỉ xem"]
    )
    desk.shoot("32-facility")
    desk.press("ArrowDown", "Enter")
    expect(desk.page.locator("header")).to_contain_text(BRANCH)
    expect(desk.page.locator("header")).to_contain_text("Chỉ xem")  # the right goes with the place
    desk.page.reload()
    expect(desk.page.locator("header")).to_contain_text(BRANCH)
    desk.press("Alt+f", "Enter")
    expect(desk.page.locator("header .where")).to_contain_text(MAIN)
    desk.row(MORNING[0], has="Đã xác nhận")
    desk.go_to(MORNING[0])
    desk.press("a")
    desk.takes_in("A001", MORNING[0])
    other = desk.page.context.new_page()  # another tab is asked anew
    other.goto(desk.page.url)
    expect(other.locator("dialog[open] .choice")).to_have_count(2)
