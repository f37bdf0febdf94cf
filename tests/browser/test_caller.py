"""Somebody calls: a free time of a service for a name and a phone number."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Guest, Slot
from tests.browser.clinic import CLERK, Clinic
from tests.browser.desk import Desk
from tests.factories.appointments import make_booking, make_slot

pytestmark = pytest.mark.xdist_group("browser: caller")

CALLER = "Cao Van Goi"
PHONE = "0900000000"


def free_slots(session: Session, clinic: Clinic) -> list[Slot]:
    return [
        make_slot(session, service=clinic.service, starts_in=timedelta(days=day, hours=hour))
        for day, hour in ((2, 0), (2, 1), (3, 0))
    ]


def test_a_caller_gets_the_time_that_the_clerk_takes(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    slots = free_slots(session, clinic)
    desk.begin(CLERK)
    desk.press("F6")
    desk.shows("Đặt hẹn")
    expect(desk.page.locator("button.time:focus")).to_have_attribute("data-id", str(slots[0].id))
    desk.press("ArrowRight", "Enter")
    expect(desk.page.locator("#field-fullName")).to_be_focused()
    desk.press("Enter")  # a name is needed
    expect(desk.page.locator("#field-fullName:invalid")).to_be_focused()
    desk.type(CALLER)
    desk.press("Tab")
    desk.type(PHONE)
    desk.shoot("23-caller")
    desk.press("Enter")
    desk.says(CALLER)
    expect(desk.page.locator("#field-fullName")).to_have_value("")
    guest = session.scalars(select(Guest).where(Guest.facility_code == clinic.code)).one()
    booking = session.scalars(select(Booking).where(Booking.guest_id == guest.id)).one()
    assert (guest.full_name, guest.phone) == (CALLER, PHONE)
    assert booking.state == "confirmed"
    taken = {slot.id: slot for slot in slots}[booking.slot_id or slots[0].id]
    assert taken is not slots[0]
    expect(desk.page.locator(f"button.time[data-id='{taken.id}']")).to_have_count(0)


def test_who_was_slower_for_a_time_keeps_what_was_typed(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    slots = free_slots(session, clinic)
    desk.begin(CLERK)
    desk.press("F6")
    expect(desk.page.locator("button.time:focus")).to_have_count(1)
    desk.press("Tab")  # takes it, as Enter does
    expect(desk.page.locator("#field-fullName")).to_be_focused()
    desk.type(CALLER)
    desk.press("Tab")
    desk.type("090 000 00.00")  # as callers say it
    make_booking(session, slot=slots[0])
    desk.press("Enter")
    expect(desk.page.locator("#said.bad")).not_to_be_empty()
    expect(desk.page.locator("#field-fullName")).to_have_value(CALLER)
    expect(desk.page.locator(f"button.time[data-id='{slots[0].id}']")).to_have_count(0)
    expect(desk.page.locator("button.time:focus")).to_have_attribute("data-id", str(slots[1].id))
    desk.press("Enter", "Enter")
    desk.says(f"cho {CALLER}")
