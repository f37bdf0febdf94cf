"""Hands that rest, hand-over, signing out: nobody acts in another's name, and the server locks."""

from datetime import timedelta

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import Ticket
from phr_api.identity.models import Account, AccountSession
from phr_api.kit import clock
from tests.browser.clinic import CLERK, COLLEAGUE, Clinic
from tests.browser.desk import Desk

pytestmark = pytest.mark.xdist_group("browser: lock")

LOCKED = "Đã khóa sau 10 phút"


def sessions_of(session: Session, clinic: Clinic) -> list[AccountSession]:
    """The clinic's sessions of pages, the first clerk's first."""
    session.rollback()
    subjects = [person.subject for person in clinic.staff]
    found = (
        select(AccountSession)
        .join(Account, Account.id == AccountSession.account_id)
        .where(Account.subject.in_(subjects), AccountSession.is_page)
        .order_by(AccountSession.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(found))


def let_rest(session: Session, row: AccountSession, *, left: int = -1) -> None:
    """As if nobody had touched this page for ten minutes but `left` seconds, for the server."""
    ended = {"expires_at": clock.now() + timedelta(seconds=left)}
    session.execute(update(AccountSession).where(AccountSession.id == row.id).values(ended))
    session.commit()


def test_whose_hands_rest_for_ten_minutes_is_locked_out(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    """In this tab alone: the same hands may work in another, and the server hears of those."""
    desk.page.clock.install()
    desk.page.reload()
    desk.begin(CLERK)
    ended: list[str] = []
    desk.page.on(
        "request", lambda asked: ended.append(asked.method) if asked.method == "DELETE" else None
    )
    desk.page.clock.fast_forward("09:50")
    desk.press("End")  # still there
    desk.page.clock.fast_forward("09:50")
    expect(desk.page.locator("tbody")).to_have_count(1)
    desk.press("Enter")
    expect(desk.dialog).to_have_count(1)
    desk.page.clock.fast_forward("09:50")
    expect(desk.dialog).to_have_count(1)
    desk.page.clock.fast_forward("00:30")
    expect(desk.page.locator(".welcome")).to_be_visible()
    desk.says(f"{CLERK}: đã khóa")
    desk.shoot("30-locked")
    expect(desk.page.locator("tbody, dialog")).to_have_count(0)  # nothing of anybody in sight
    assert ended == []
    assert [row.ended_at for row in sessions_of(session, clinic)] == [None]


def test_the_server_hears_of_hands_and_of_nothing_else(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    desk.page.clock.install()
    desk.page.reload()
    desk.begin(CLERK)
    (begun,) = sessions_of(session, clinic)
    let_rest(session, begun, left=60)
    renewals: list[str] = []
    desk.page.on(
        "request",
        lambda request: (
            renewals.append(request.post_data or "") if "page-renewal" in request.url else None
        ),
    )
    desk.page.clock.fast_forward("06:00")  # nobody touched it: nothing to tell
    assert renewals == []
    with desk.page.expect_response("**/page-renewal"):
        desk.press("End")
        desk.page.clock.fast_forward("00:06")
    assert len(renewals) == 1
    (told,) = sessions_of(session, clinic)
    assert told.expires_at > clock.now() + timedelta(minutes=5)


def test_hands_after_a_page_was_loaded_are_told_soon(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    """Loading renews without hands: the server counts on from those of before."""
    desk.begin(CLERK)
    desk.page.clock.install()
    desk.page.reload()
    expect(desk.page.locator("tbody")).to_have_count(1)
    (row,) = sessions_of(session, clinic)
    let_rest(session, row, left=60)
    desk.press("End")
    with desk.page.expect_response("**/page-renewal"):
        desk.page.clock.fast_forward("00:06")
    (told,) = sessions_of(session, clinic)
    assert told.expires_at > clock.now() + timedelta(minutes=5)


def test_a_closed_tab_leaves_no_way_in_when_its_hands_rested(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    """The cookie is still there; it is the server that says no."""
    desk.begin(CLERK)
    address, context = desk.page.url, desk.page.context
    desk.page.close()
    (row,) = sessions_of(session, clinic)
    let_rest(session, row)
    assert len(context.cookies()) == 1
    tab = context.new_page()
    tab.goto(address)
    expect(tab.locator(".welcome")).to_be_visible()
    expect(tab.locator("#said")).to_contain_text(LOCKED)
    assert context.cookies() == []
    tab.keyboard.press("Enter")  # the way in is to sign in again
    tab.wait_for_url("**/authorize**")


def test_nobody_goes_on_in_the_name_of_who_was_locked(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    """The other clerk of the machine takes over by saying who they are."""
    desk.begin(CLERK)
    desk.press("+")
    desk.sign_in(COLLEAGUE)
    expect(desk.page.locator(".clerk")).to_have_count(2)
    let_rest(session, sessions_of(session, clinic)[1])
    desk.page.evaluate("dispatchEvent(new Event('online'))")  # the page asks, as it does by itself
    expect(desk.page.locator(".welcome h1")).to_have_text("Ai làm việc tiếp?")
    desk.says(f"{COLLEAGUE}: đã khóa")
    expect(desk.page.locator(".welcome .choice:focus")).to_contain_text(CLERK)
    expect(desk.page.locator("[aria-pressed=true]")).to_have_count(0)
    desk.shoot("31-who-goes-on")
    desk.press("Alt+1")
    desk.says(f"Đang làm việc: {CLERK}")
    expect(desk.page.locator("tbody tr:focus")).to_have_count(1)


def test_what_was_asked_for_is_done_in_its_askers_name(
    desk: Desk, clinic: Clinic, session: Session
) -> None:
    """However fast the colleague takes over while the network takes its time."""
    desk.begin(CLERK)
    desk.press("+")
    desk.sign_in(COLLEAGUE)
    expect(desk.page.locator(".clerk")).to_have_count(2)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.page.route("**/check-ins", hold)
    desk.press("a", "Alt+1", "a")
    expect(desk.page.locator("[aria-pressed=true]")).to_contain_text(COLLEAGUE)
    (asked,) = held
    asked.continue_()
    desk.says(f"Đang làm việc: {CLERK}")
    mine = select(Ticket.by_name).where(Ticket.facility_code == clinic.code)
    assert session.scalars(mine).all() == [COLLEAGUE]


def test_the_page_comes_back_by_itself_when_it_was_opened_without_a_connection(
    desk: Desk, clinic: Clinic
) -> None:
    desk.begin(CLERK)

    def refuse(route: Route) -> None:
        route.abort()

    desk.page.route("**/page-renewal", refuse)
    desk.page.reload()
    expect(desk.page.locator("#net")).to_contain_text("Mất kết nối")
    expect(desk.page.locator(".welcome")).to_be_visible()
    desk.page.unroute("**/page-renewal")
    expect(desk.page.locator("[aria-pressed=true]")).to_contain_text(CLERK)
    expect(desk.page.locator("#net")).to_be_empty()


def test_who_signs_out_leaves_nothing_behind(desk: Desk, clinic: Clinic) -> None:
    desk.begin(CLERK)
    assert [cookie["httpOnly"] for cookie in desk.page.context.cookies()] == [True]
    kept = desk.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "eyJ" not in kept  # no token
    desk.page.reload()
    expect(desk.page.locator("[aria-pressed=true]")).to_contain_text(CLERK)
    expect(desk.page.locator("tbody tr:focus")).to_have_count(1)
    desk.press("Alt+q")
    expect(desk.page.locator("h1")).to_have_text("Quầy tiếp đón")
    assert desk.page.context.cookies() == []
    desk.page.reload()
    expect(desk.page.locator(".welcome")).to_be_visible()
