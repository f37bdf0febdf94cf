"""Three hundred people on one morning: all are there, found by a few letters, and stay in place."""

from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Guest
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.vocab import search_key
from tests.browser.clinic import CLERK, MORNING, Clinic
from tests.browser.desk import Desk
from tests.factories.appointments import make_slot

pytestmark = pytest.mark.xdist_group("browser: full house")

FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ")
GIVEN = ("An", "Bình", "Cường", "Dung", "Hạnh", "Khánh", "Lan", "Minh", "Ngọc", "Quân")
MIDDLE = ("Văn", "Thị", "Đức")
CALLERS = 300 - len(MORNING)


def fill_the_house(session: Session, clinic: Clinic) -> None:
    """Who booked by phone: a guest each, five a quarter of an hour."""
    begins = datetime.combine(clock.today(), time(7), clock.VIETNAM)
    slot = make_slot(session, service=clinic.service, starts_at=begins, capacity=CALLERS)
    at = clock.now()
    guests, bookings = [], []
    for count in range(CALLERS):
        family, middle = FAMILIES[count % 10], MIDDLE[count % 3]
        name = f"{family} {middle} {GIVEN[count // 10 % 10]} {count:03}"
        starts = begins + timedelta(minutes=10 * (count // 5))
        guest = Guest(
            id=new_row_id(),
            facility_code=clinic.code,
            full_name=name,
            search_key=search_key(name),
            phone="0900000000",
            created_by=clinic.people[0].account.id,
            created_at=at,
        )
        guests.append(guest)
        bookings.append(
            Booking(
                id=new_row_id(),
                facility_code=clinic.code,
                service_id=clinic.service.id,
                guest_id=guest.id,
                slot_id=slot.id,
                seat_no=count + 1,
                starts_at=starts,
                ends_at=starts + timedelta(minutes=15),
                state="confirmed",
                source="desk",
                created_at=at,
                state_at=at,
            )
        )
    session.add_all(guests)
    session.flush()
    session.add_all(bookings)
    session.commit()


def test_three_hundred_people_are_listed_found_and_taken_in(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    fill_the_house(session, clinic)
    desk.begin(CLERK)
    rows = desk.page.locator("tbody tr")
    expect(rows).to_have_count(CALLERS + len(MORNING))  # more than one page of the API
    expect(desk.page.locator(".count")).to_contain_text("300 lịch hẹn")
    desk.shoot("41-full-house")
    desk.press("/")
    desk.type("pham thi")
    expect(desk.page.locator("tbody tr:visible").first).to_contain_text("Phạm Thị")
    some = desk.page.locator("tbody tr:visible").count()
    assert 0 < some < CALLERS
    desk.press("Enter")
    found = desk.focused
    assert "Phạm Thị" in found
    desk.press("a")
    desk.says("A001")
    expect(desk.page.locator("tbody tr:focus")).to_contain_text("Đã đến")  # the keys stay there
    desk.press("/", "Escape", "End")
    expect(desk.page.locator("tbody tr:focus")).to_be_in_viewport()
    assert desk.page.locator("tbody tr:focus").inner_text() == rows.last.inner_text()
