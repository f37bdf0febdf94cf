"""A slow network and none: no command is done twice, and numbers go on."""

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Ticket
from phr_api.kit import clock
from tests.browser.clinic import CLERK, MORNING, Clinic
from tests.browser.desk import Desk

pytestmark = pytest.mark.xdist_group("browser: network")


def test_a_key_pressed_twice_calls_one_person(desk: Desk, clinic: Clinic, session: Session) -> None:
    desk.begin(CLERK)
    for index in range(3):  # scanned faster than the network answers: none is lost
        desk.scan(clinic.code_of(index))
    desk.row(MORNING[2], has="Đã đến")
    desk.page.evaluate(f"localStorage.setItem('phr.room.{clinic.code}', '101')")
    desk.press("F3")
    expect(desk.page.locator("tbody tr")).to_have_count(3)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.page.route("**/next", hold)  # the network takes its time
    desk.press("n", "n")
    (asked,) = held
    asked.continue_()
    desk.says("A001 → phòng 101")
    assert len(held) == 1
    called = select(Ticket.number).where(
        Ticket.facility_code == clinic.code, Ticket.state == "called"
    )
    assert session.scalars(called).all() == [1]


def test_numbers_go_on_while_the_network_is_away(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    desk.begin(CLERK)
    desk.press("F4")
    expect(desk.page.locator("#field-queueId option")).to_have_count(1)
    desk.press("Alt+b")
    expect(desk.page.locator(".walkin + p")).to_contain_text("20")
    desk.page.context.set_offline(offline=True)
    for label in ("A001", "A002"):
        desk.type("Cao Van Khach")
        desk.press("Enter")
        expect(desk.page.locator(".given")).to_have_text(label)
    expect(desk.page.locator(".walkin + p")).to_contain_text("chưa gửi: 2")
    expect(desk.page.locator("#net")).to_contain_text("Mất kết nối")
    desk.shoot("15-offline")
    kept = desk.page.evaluate("JSON.stringify(localStorage)")
    assert "Cao" not in kept
    desk.page.context.set_offline(offline=False)
    expect(desk.page.locator(".walkin + p")).to_contain_text("chưa gửi: 0")
    expect(desk.page.locator("#net")).to_be_empty()
    mine = select(Ticket).where(Ticket.facility_code == clinic.code).order_by(Ticket.number)
    told = [(one.number, one.source, one.on_date) for one in session.scalars(mine)]
    assert told == [(1, "offline", clock.today()), (2, "offline", clock.today())]
