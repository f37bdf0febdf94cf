"""A session is lost or changes: whom it concerns is shown, and one action offers other times."""

from datetime import date, datetime, time, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Schedule, ScheduleException, Slot
from phr_api.kit import clock
from tests.browser.clinic import CLERK, Clinic
from tests.browser.desk import Desk
from tests.factories.appointments import make_booking, make_schedule, make_slot
from tests.factories.people import make_citizen, make_profile

pytestmark = pytest.mark.xdist_group("browser: replan")

PEOPLE = ("Tạ Thị Chiều", "Lâm Văn Muộn")
SESSION = "Ca chiều"


def slot_at(session: Session, schedule: Schedule, day: date, hour: int) -> Slot:
    starts = datetime.combine(day, time(hour), clock.VIETNAM)
    return make_slot(session, schedule=schedule, starts_at=starts)


def lost_session(session: Session, clinic: Clinic, day: date) -> tuple[Schedule, list[Booking]]:
    """A session with two people on that day, and one free time on another."""
    schedule = make_schedule(session, service=clinic.service, name=SESSION)
    bookings = [
        make_booking(
            session,
            citizen=make_citizen(session, profile=make_profile(session, full_name=name)),
            slot=slot_at(session, schedule, day, 13 + count),
            created_at=clock.now() - timedelta(hours=2 - count),
        )
        for count, name in enumerate(PEOPLE)
    ]
    slot_at(session, schedule, day + timedelta(days=1), 13)
    return schedule, bookings


def test_a_lost_session_is_closed_and_its_people_are_offered_other_times(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    day = clock.today() + timedelta(days=5)
    schedule, (first, second) = lost_session(session, clinic, day)
    desk.begin(CLERK)
    desk.press("F7")
    desk.go_to(SESSION)
    desk.press("n")
    desk.type(f"{day:%d/%m/%Y}")
    desk.press("Tab", "Tab")
    desk.type("Bac si nghi")
    desk.press("Enter")
    expect(desk.dialog.locator("tr.is-moved")).to_contain_text([PEOPLE[0]])
    expect(desk.dialog.locator("tr.is-unplaced")).to_contain_text([PEOPLE[1]])
    desk.shoot("24-replan-preview")
    session.rollback()
    assert session.get_one(Booking, first.id).proposal_until is None  # only looked
    desk.press("Control+Enter")
    desk.says("1 người được đề nghị giờ khác, 1 người cần gọi điện")
    expect(desk.page.locator("section.outcome tr.is-unplaced")).to_contain_text([PEOPLE[1]])
    desk.row(SESSION, has="Nghỉ")
    desk.shoot("25-replanned")
    session.expire_all()
    moved = session.get_one(Booking, first.id)
    assert moved.proposal_until is not None
    assert moved.slot_id is not None  # keeps the seat until the answer
    assert session.get_one(Booking, second.id).proposal_until is None
    closed = select(Slot.status).where(Slot.id.in_([first.slot_id, second.slot_id]))
    assert session.scalars(closed).all() == ["closed", "closed"]
    exception = session.scalars(
        select(ScheduleException).where(ScheduleException.schedule_id == schedule.id)
    ).one()
    assert (exception.kind, exception.from_on, exception.until_on) == ("closed", day, day)


def test_people_of_a_time_that_was_closed_otherwise_are_offered_another(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    day = clock.today() + timedelta(days=5)
    _, (first, _) = lost_session(session, clinic, day)
    closed = session.get_one(Slot, first.slot_id)
    closed.status = "closed"  # as by a doctor's leave
    session.commit()
    desk.begin(CLERK)
    desk.press("F7")
    desk.go_to(SESSION)
    desk.press("m")
    expect(desk.dialog.locator("tr.is-moved")).to_contain_text([PEOPLE[0]])
    desk.press("Control+Enter")
    desk.says("1 người được đề nghị giờ khác, 0 người cần gọi điện")
    session.expire_all()
    assert session.get_one(Booking, first.id).proposal_until is not None


def test_a_look_ahead_that_is_left_changes_nothing(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    day = clock.today() + timedelta(days=5)
    schedule, _ = lost_session(session, clinic, day)
    desk.begin(CLERK)
    desk.press("F7")
    desk.go_to(SESSION)
    desk.press("n")
    desk.type(f"{day:%d/%m/%Y}")
    desk.press("Enter")
    expect(desk.dialog.locator("tr.is-moved")).to_have_count(1)
    desk.press("Enter")  # a second Enter by mistake leaves, it does not do
    expect(desk.dialog).to_have_count(0)
    dated = select(ScheduleException).where(ScheduleException.schedule_id == schedule.id)
    assert session.scalars(dated).all() == []


def test_a_session_gets_other_hours_an_extra_day_and_loses_it_again(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    schedule = make_schedule(session, service=clinic.service, name=SESSION)
    desk.begin(CLERK)
    desk.press("F7")
    desk.go_to(SESSION)
    desk.press("h")
    desk.press("Tab")  # what is there is chosen, and typed over
    desk.type("1130")
    desk.press("Enter")
    expect(desk.dialog.locator(".told")).to_be_visible()
    desk.press("Control+Enter")
    desk.row(SESSION, has="11:30")
    session.expire_all()
    assert session.get_one(Schedule, schedule.id).ends == time(11, 30)
    day = clock.today() + timedelta(days=9)
    desk.press("e")
    desk.type(f"{day:%d%m%Y}")
    desk.press("Enter")
    desk.row(SESSION, has=f"Thêm {day:%d/%m}")
    desk.press("u", "Enter")
    desk.says("Đã bỏ")
    expect(desk.page.locator("tbody tr", has_text=SESSION)).not_to_contain_text("Thêm")
