"""A clerk's whole morning at the desk's page, by keyboard and scanner alone."""

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, BookingEvent, Ticket
from tests.browser.clinic import CLERK, COLLEAGUE, MORNING, NIGHT, REMINDED, WITH_OLD_CARD, Clinic
from tests.browser.desk import ARTEFACTS, Desk

pytestmark = pytest.mark.xdist_group("browser: morning")


def states_of(session: Session, bookings: list[Booking]) -> list[str]:
    session.expire_all()
    ids = [booking.id for booking in bookings]
    found = dict(
        session.execute(select(Booking.id, Booking.state).where(Booking.id.in_(ids))).all()
    )
    return [found[one] for one in ids]


def test_a_clerk_works_a_whole_morning(desk: Desk, clinic: Clinic, session: Session) -> None:
    desk.begin(CLERK)
    see_today(desk)
    confirm_the_night(desk, clinic, session)
    take_in(desk, clinic, session)
    call(desk, clinic)
    give_a_number(desk, clinic, session)
    hand_over(desk, clinic, session)
    desk.press("l")
    desk.shows("Today")
    desk.row(MORNING[0], has="Arrived")
    desk.shoot("12-english")
    speak_vietnamese_again(desk)
    close_and_undo(desk, clinic, session)


def speak_vietnamese_again(desk: Desk) -> None:
    """A view opened while the words are on their way is in the language that comes."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.page.route("**/words.vi.json", hold)
    desk.press("l", "F5")
    desk.shows("Close day")
    (asked,) = held
    asked.continue_()
    desk.shows("Đóng ngày")
    desk.press("F1")
    desk.shows("Hôm nay")


def see_today(desk: Desk) -> None:
    """Everybody is there in order of time; a card that is over says so in words."""
    names = desk.page.locator("td.name").all_text_contents()
    assert names == list(MORNING)
    desk.row(MORNING[WITH_OLD_CARD], has="Thẻ hết hạn")
    desk.shoot("02-today")
    desk.press("Enter")
    expect(desk.page.locator("dialog")).to_contain_text(MORNING[0])
    desk.shoot("03-details")
    desk.press("Escape")
    desk.press("?")
    desk.shoot("04-keys")
    desk.press("Escape", "/")
    desk.type("vo thi")
    expect(desk.page.locator("tbody tr:visible")).to_have_count(1)
    desk.press("Enter")
    assert MORNING[WITH_OLD_CARD] in desk.focused
    desk.press("/", "Escape")
    expect(desk.page.locator("tbody tr:visible")).to_have_count(len(MORNING))


def confirm_the_night(desk: Desk, clinic: Clinic, session: Session) -> None:
    """All at once, each with its outcome; one was cancelled by its person a moment ago."""
    desk.press("F2")
    desk.shows("Yêu cầu")
    expect(desk.page.locator("tbody tr")).to_have_count(len(NIGHT))
    assert desk.page.locator("td.name").all_text_contents() == list(NIGHT)
    overdue = desk.page.locator("tr", has=desk.page.locator("td.waits strong"))
    expect(overdue).to_have_count(1)
    expect(overdue).to_contain_text(NIGHT[REMINDED])
    desk.row(NIGHT[REMINDED], has="Sắp hết hạn trả lời")
    desk.press("Control+a")
    desk.go_to(NIGHT[4])
    desk.press("Space")
    expect(desk.page.locator("tr.is-chosen")).to_have_count(4)
    desk.shoot("05-requests")
    lost = clinic.requests[1]
    changed = {"state": "cancelled", "cancelled_by": "citizen", "version": lost.version + 1}
    session.execute(update(Booking).where(Booking.id == lost.id).values(changed))
    session.commit()
    desk.page.keyboard.press("Control+Enter")
    desk.says("Đã xác nhận 3, không được 1")
    desk.row(NIGHT[0], has="✔ Đã xác nhận")
    desk.row(NIGHT[1], has="Đã hủy")
    desk.shoot("06-outcomes")
    states = states_of(session, clinic.requests)
    assert states == ["confirmed", "cancelled", "confirmed", "confirmed", "requested"]
    by = session.scalars(
        select(BookingEvent.actor_name).where(
            BookingEvent.booking_id == clinic.requests[0].id, BookingEvent.what == "confirmed"
        )
    )
    assert by.all() == [CLERK]


def take_in(desk: Desk, clinic: Clinic, session: Session) -> None:
    """By the app's code, by the citizen card, and from the list."""
    desk.press("F1")
    desk.shows("Hôm nay")
    desk.scan(clinic.code_of(0))
    desk.takes_in("A001", MORNING[0])
    desk.scan(clinic.card_of(1, session))
    desk.takes_in("A002", MORNING[1])
    desk.shoot("07-arrived")
    desk.go_to(MORNING[2])
    desk.page.keyboard.press("a")
    desk.page.keyboard.press("ArrowDown")  # at once: the command is for the row it was meant for
    desk.takes_in("A003", MORNING[2])
    assert states_of(session, clinic.today)[:3] == ["arrived"] * 3


def call(desk: Desk, clinic: Clinic) -> None:
    """Next, skip, return, in the room, done, another room."""
    desk.press("F3")
    expect(desk.page.locator("tbody tr")).to_have_count(3)
    desk.press("p")
    desk.type("101")
    desk.press("Enter", "n")
    desk.says("A001 → phòng 101")
    desk.shoot("08-called")
    desk.press("s")
    desk.says("A001: bỏ qua")
    desk.press("n")
    desk.says("A002 → phòng 101")
    desk.press("g")
    desk.says("A002: vào phòng 101")
    desk.press("k")
    desk.says("A002: xong")
    desk.go_to("A001")
    desk.press("r")
    desk.says("A001: trở lại hàng")
    desk.press("n")
    desk.says("→ phòng 101")
    desk.press("m", "ArrowDown", "Enter")
    desk.says("→ 102")
    desk.row("A003", has="102")
    desk.shoot("09-line")
    see_the_hall(desk, clinic)


def see_the_hall(desk: Desk, clinic: Clinic) -> None:
    """The screen in the hall tells numbers and rooms, and nobody's name."""
    hall = desk.page.context.new_page()
    hall.set_viewport_size({"width": 1280, "height": 720})
    address = desk.page.url
    hall.goto(f"{address}/screen.html#{clinic.queue.screen_key}")
    expect(hall.locator("#calling li")).to_contain_text(["A003102"])
    told = hall.locator("body").inner_text()
    assert not any(name in told for name in MORNING)
    hall.screenshot(path=ARTEFACTS / "09-screen.png")
    hall.close()


def give_a_number(desk: Desk, clinic: Clinic, session: Session) -> None:
    """For somebody without a phone; a scan in between leaves nothing in the field."""
    desk.press("F4")
    expect(desk.page.locator("#field-queueId option")).to_have_count(1)
    desk.type("Cao Van Khach")
    desk.scan(clinic.code_of(3))
    desk.takes_in("A004", MORNING[3])
    expect(desk.page.locator("#field-fullName")).to_have_value("Cao Van Khach")
    desk.press("Tab")
    desk.type("20051948")
    desk.press("Enter")
    expect(desk.page.locator(".given")).to_have_text("A005")
    desk.shoot("10-walk-in")
    ticket = session.scalars(
        select(Ticket).where(Ticket.facility_code == clinic.code, Ticket.number == 5)
    ).one()
    assert (ticket.priority, ticket.source, ticket.by_name) == ("aged-75", "walk-in", CLERK)


def hand_over(desk: Desk, clinic: Clinic, session: Session) -> None:
    """A colleague signs in beside, acts in her own name, and gives back."""
    desk.press("F1")
    desk.shows("Hôm nay")
    desk.press("+")
    desk.sign_in(COLLEAGUE)
    expect(desk.page.locator(".clerk")).to_have_count(2)
    desk.go_to(MORNING[4])
    desk.press("a")
    desk.takes_in("A006", MORNING[4])
    desk.shoot("11-hand-over")
    desk.press("Alt+1")
    desk.says(f"Đang làm việc: {CLERK}")
    by = session.scalar(
        select(Ticket.by_name).where(Ticket.facility_code == clinic.code, Ticket.number == 6)
    )
    assert by == COLLEAGUE


def close_and_undo(desk: Desk, clinic: Clinic, session: Session) -> None:
    """One action ends the day, another takes it back."""
    desk.press("F5")
    desk.shows("Đóng ngày")
    desk.press("Control+Enter", "Enter")
    desk.says("Đã đóng ngày")
    expect(desk.page.locator("main button", has_text="Hoàn tác")).to_be_enabled()
    desk.shoot("13-closed")
    left = select(Ticket.state).where(Ticket.facility_code == clinic.code)
    assert "waiting" not in session.scalars(left).all()
    desk.press("Control+z")
    desk.says("Đã hoàn tác")
    session.rollback()
    assert "waiting" in session.scalars(left).all()
