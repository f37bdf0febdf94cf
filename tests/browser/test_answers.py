"""What the desk answers: declines with a reason, proposes, cancels, notes who did not come."""

from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, BookingEvent
from phr_api.kit import clock
from tests.browser.clinic import CLERK, MORNING, NIGHT, Clinic
from tests.browser.desk import Desk
from tests.factories.appointments import make_slot, seats_of

pytestmark = pytest.mark.xdist_group("browser: answers")

REASON = "Bác sĩ nghỉ"


def state_of(session: Session, booking: Booking) -> str:
    session.rollback()
    return session.scalars(select(Booking.state).where(Booking.id == booking.id)).one()


def last_event(session: Session, booking: Booking) -> tuple[str, str | None, str | None]:
    """What happened last, who did it, and what they said to it."""
    session.rollback()
    event = session.scalars(
        select(BookingEvent)
        .where(BookingEvent.booking_id == booking.id)
        .order_by(BookingEvent.id.desc())
        .limit(1)
    ).one()
    return event.what, event.actor_name, event.note


def lay(session: Session, booking: Booking, *, since_minutes: int) -> None:
    """Let its time begin so long ago or from now, still today whatever the hour is."""
    midnight = datetime.combine(clock.today(), time(), clock.VIETNAM)
    starts = max(clock.now() - timedelta(minutes=since_minutes), midnight)
    starts = min(starts, midnight + timedelta(days=1, seconds=-1))
    times = {"starts_at": starts, "ends_at": starts + timedelta(minutes=15)}
    session.execute(update(Booking).where(Booking.id == booking.id).values(times))
    session.commit()


def test_a_request_is_declined_with_a_reason_that_the_citizen_reads(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    desk.begin(CLERK)
    desk.press("F2")
    desk.go_to(NIGHT[1])
    desk.press("d")
    expect(desk.dialog).to_contain_text(NIGHT[1])
    desk.press("Enter")  # without a reason nothing is sent
    expect(desk.dialog.locator("#field-reason:invalid")).to_be_focused()
    desk.type(REASON)
    desk.shoot("20-decline")
    desk.press("Enter")
    desk.says(f"Đã từ chối {NIGHT[1]}")
    desk.row(NIGHT[1], has="✔ Đã từ chối")
    assert state_of(session, clinic.requests[1]) == "declined"
    assert last_event(session, clinic.requests[1]) == ("declined", CLERK, REASON)


def test_another_time_is_proposed_from_a_board_and_both_seats_are_kept(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    days = (3, 3, 4)
    first, second, third = (
        make_slot(session, service=clinic.service, starts_in=timedelta(days=day, hours=hour))
        for day, hour in zip(days, (0, 1, 0), strict=True)
    )
    desk.begin(CLERK)
    desk.press("F2")
    desk.go_to(NIGHT[2])
    desk.press("p")
    expect(desk.dialog.locator("button.time:focus")).to_have_count(1)
    assert desk.dialog.locator("button.time").count() >= len(days)
    expect(desk.dialog.locator("button.time:focus")).to_have_attribute("data-id", str(first.id))
    desk.shoot("21-propose")
    desk.press("ArrowDown", "ArrowRight", "Enter")
    desk.says(f"Đã đề nghị giờ khác cho {NIGHT[2]}")
    asked = clinic.requests[2]
    session.rollback()
    taken = [one for one in (second, third) if seats_of(session, one.id) == {1: asked.id}]
    assert len(taken) == 1
    assert asked.slot_id is not None
    assert seats_of(session, asked.slot_id) == {1: asked.id}
    desk.row(NIGHT[2], has="Đã đề nghị")


def test_todays_people_are_cancelled_and_noted_as_absent(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    lay(session, clinic.today[4], since_minutes=5)
    lay(session, clinic.today[2], since_minutes=-60)
    desk.begin(CLERK)
    desk.go_to(MORNING[3])
    desk.press("x")
    desk.type(REASON)
    desk.press("Enter")
    desk.says(f"Đã hủy lịch của {MORNING[3]}")
    desk.row(MORNING[3], has="Đã hủy")
    desk.go_to(MORNING[4])
    desk.press("v")
    expect(desk.dialog).to_contain_text(MORNING[4])
    desk.press("Enter")
    desk.says(f"{MORNING[4]}: không đến")
    desk.go_to(MORNING[2])
    desk.press("v")  # her time has not come
    expect(desk.dialog).to_have_count(0)
    assert state_of(session, clinic.today[3]) == "cancelled"
    assert last_event(session, clinic.today[4])[:2] == ("no-show", CLERK)
    desk.go_to(MORNING[3])
    desk.press("Enter")
    expect(desk.dialog.locator(".history")).to_contain_text(f"{CLERK} ({REASON})")
    desk.shoot("22-history")


def test_who_was_slower_is_shown_what_is_now(desk: Desk, clinic: Clinic, session: Session) -> None:
    desk.begin(CLERK)
    desk.press("F2")
    desk.go_to(NIGHT[0])
    first = clinic.requests[0]
    changed = {"state": "confirmed", "version": first.version + 1}
    session.execute(update(Booking).where(Booking.id == first.id).values(changed))
    session.commit()
    desk.press("d")
    desk.type(REASON)
    desk.press("Enter")
    desk.says("người khác đã đổi")
    assert state_of(session, first) == "confirmed"


def test_the_list_goes_on_to_the_next_days(desk: Desk, clinic: Clinic, session: Session) -> None:
    desk.begin(CLERK)
    on = clinic.requests[0].starts_at
    desk.press("ArrowRight")
    expect(desk.page.locator("h1")).not_to_contain_text("Hôm nay")
    for _ in range(2):  # tomorrow, or the day after when the night ends late
        if desk.page.locator("tbody tr", has_text=NIGHT[0]).count():
            break
        desk.press("ArrowRight")
    desk.row(NIGHT[0], has=f"{on:%M}")
    desk.press("t")
    desk.shows("Hôm nay")
    desk.row(MORNING[0], has="Đã xác nhận")
