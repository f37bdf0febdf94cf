"""A booking as a calendar file: what a phone's calendar needs, and nobody's name."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.appointments.rules.calendar import Entry, write_calendar
from phr_api.kit import clock
from phr_api.kit.clock import VIETNAM
from tests.appointments.asking import act, mine
from tests.factories.appointments import make_booking, make_service, make_slot
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, make_citizen, make_staff

STARTS = datetime(2026, 12, 1, 7, 30, tzinfo=VIETNAM)


def parse(body: str) -> dict[str, str]:
    """Read the event: unfolded lines by name, without their parameters."""
    assert body.endswith("\r\n")
    lines = body.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = re.sub("\r\n ", "", body).split("\r\n")
    assert unfolded[0] == "BEGIN:VCALENDAR"
    assert unfolded[-2] == "END:VCALENDAR"
    event = unfolded[unfolded.index("BEGIN:VEVENT") + 1 : unfolded.index("END:VEVENT")]
    return dict(line.split(":", 1) for line in event)


def read(client: FlaskClient, citizen: Citizen, booking: Booking, language: str = "vi") -> str:
    answer = client.get(
        f"/v1/profiles/{citizen.profile.id}/bookings/{booking.id}/calendar.ics",
        headers=citizen.headers | {"Accept-Language": language},
    )
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.text


def a_booking(session: Session, citizen: Citizen, **columns: object) -> Booking:
    service = make_service(session, name="Khám tâm thần")
    slot = make_slot(session, service=service, starts_at=STARTS)
    return make_booking(session, citizen=citizen, slot=slot, **columns)  # type: ignore[arg-type]


def test_the_file_line_by_line() -> None:
    entry = Entry(
        booking_id=uuid4(),
        sequence=3,
        state="confirmed",
        changed_at=STARTS - timedelta(days=2),
        starts_at=STARTS,
        ends_at=STARTS + timedelta(minutes=15),
    )
    assert write_calendar(entry, "vi").split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//phr-api//bookings//VI",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VTIMEZONE",
        "TZID:Asia/Ho_Chi_Minh",
        "BEGIN:STANDARD",
        "DTSTART:19750613T000000",
        "TZOFFSETFROM:+0700",
        "TZOFFSETTO:+0700",
        "TZNAME:+07",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"UID:{entry.booking_id}@phr",
        "DTSTAMP:20261129T003000Z",
        "SEQUENCE:3",
        "DTSTART;TZID=Asia/Ho_Chi_Minh:20261201T073000",
        "DTEND;TZID=Asia/Ho_Chi_Minh:20261201T074500",
        "SUMMARY:Lịch hẹn",
        "STATUS:CONFIRMED",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("requested", "TENTATIVE"),
        ("confirmed", "CONFIRMED"),
        ("arrived", "CONFIRMED"),
        ("cancelled", "CANCELLED"),
        ("declined", "CANCELLED"),
        ("no-show", "CONFIRMED"),  # it was; the calendar is told nothing new
    ],
)
def test_the_state_is_the_calendars(state: str, status: str) -> None:
    entry = Entry(
        booking_id=uuid4(),
        sequence=0,
        state=state,
        changed_at=STARTS,
        starts_at=STARTS,
        ends_at=STARTS,
    )
    assert parse(write_calendar(entry, "en"))["STATUS"] == status


def test_long_and_strange_words_are_folded_and_escaped() -> None:
    entry = Entry(
        booking_id=uuid4(),
        sequence=0,
        state="confirmed",
        changed_at=STARTS,
        starts_at=STARTS,
        ends_at=STARTS,
        title="Khám; tư vấn, và\nđo \\ huyết áp " + "ấ" * 60,
        place="Bệnh viện\r\nX-EVIL:1",
    )
    event = parse(write_calendar(entry, "vi"))
    assert event["SUMMARY"] == "Lịch hẹn: Khám\\; tư vấn\\, và\\nđo \\\\ huyết áp " + "ấ" * 60
    assert event["LOCATION"] == "Bệnh viện\\nX-EVIL:1"


def test_nothing_names_the_clinic_or_the_service(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    body = read(client, citizen, a_booking(session, citizen))
    assert parse(body)["SUMMARY"] == "Lịch hẹn"
    assert "LOCATION" not in body
    for name in ("tâm thần", "Cơ sở", "Nguyễn", "Thử"):
        assert name not in body


def test_names_are_shown_where_that_was_turned_on(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    booking = a_booking(session, citizen, shows_names=True)
    event = parse(read(client, citizen, booking, "en"))
    assert event["SUMMARY"] == "Appointment: Khám tâm thần"
    assert "LOCATION" in event


def test_a_change_keeps_the_uid_and_raises_the_sequence(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    booking = a_booking(session, citizen)
    before = parse(read(client, citizen, booking))
    session.get_one(Booking, booking.id).sequence += 1
    session.commit()
    after = parse(read(client, citizen, booking))
    assert before["UID"] == after["UID"] == f"{booking.id}@phr"
    assert int(after["SEQUENCE"]) == int(before["SEQUENCE"]) + 1


def test_the_sequence_grows_with_all_that_happens_to_a_booking(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    first, second, third = (
        make_slot(session, service=service, starts_in=timedelta(days=days)) for days in (2, 3, 4)
    )
    booking = make_booking(session, citizen=citizen, slot=first, state="requested")
    desk = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
    clerk = make_staff(session, facility_code=booking.facility_code)
    path = mine(citizen, str(booking.id))
    files = [parse(read(client, citizen, booking))]
    for url, action, who, body in (
        (desk, "confirmation", clerk, None),
        (path, "reschedule", citizen, {"slotId": str(second.id)}),
        (desk, "proposal", clerk, {"slotId": str(third.id)}),
        (path, "proposal-answer", citizen, {"accept": True}),
        (path, "cancellation", citizen, {}),
    ):
        assert act(client, url, action, who, body).status_code == 200, action
        if action != "proposal":  # nothing of it stands in the calendar yet
            files.append(parse(read(client, citizen, booking)))
    sequences = [int(each["SEQUENCE"]) for each in files]
    assert sequences == sorted(set(sequences))
    assert {each["UID"] for each in files} == {f"{booking.id}@phr"}
    assert [each["STATUS"] for each in files] == [
        "TENTATIVE",
        "CONFIRMED",
        "TENTATIVE",
        "CONFIRMED",
        "CANCELLED",
    ]


def test_names_that_are_turned_off_leave_the_calendar(
    client: FlaskClient, session: Session
) -> None:
    """RFC 5545 §3.8.7.4: without a higher SEQUENCE a calendar keeps its title."""
    citizen = make_citizen(session)
    booking = a_booking(session, citizen)
    files = [parse(read(client, citizen, booking))]
    for shown in (True, False):
        with clock.moved(timedelta(minutes=len(files))):
            url = mine(citizen, str(booking.id))
            tag = {"If-Match": client.get(url, headers=citizen.headers).headers["ETag"]}
            body = {"showsNames": shown}
            changed = client.patch(url, json=body, headers=citizen.headers | tag)
            assert changed.status_code == 200, changed.get_json()
        files.append(parse(read(client, citizen, booking)))
    assert [int(each["SEQUENCE"]) for each in files] == [0, 1, 2]
    assert len({each["DTSTAMP"] for each in files}) == 3
    assert ["LOCATION" in each for each in files] == [False, True, False]


def test_a_calendar_is_its_persons(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    booking = a_booking(session, citizen)
    url = f"/v1/profiles/{citizen.profile.id}/bookings/{booking.id}/calendar.ics"
    assert client.get(url).status_code == 401
    stranger = make_citizen(session)
    assert client.get(url, headers=stranger.headers).status_code == 404
    own = f"/v1/profiles/{stranger.profile.id}/bookings/{booking.id}/calendar.ics"
    assert client.get(own, headers=stranger.headers).status_code == 404


def test_a_carers_download_is_traced_and_hidden_services_stay_hidden(
    client: FlaskClient, session: Session
) -> None:
    teen = make_citizen(session)
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=teen.profile)
    open_one = a_booking(session, teen)
    slot = make_slot(session, starts_at=STARTS + timedelta(days=1))
    hidden = make_booking(session, citizen=teen, slot=slot, classes=["mental"])

    def asked(booking: Booking) -> int:
        url = f"/v1/profiles/{teen.profile.id}/bookings/{booking.id}/calendar.ics"
        return client.get(url, headers=carer.headers).status_code

    assert (asked(open_one), asked(hidden)) == (200, 404)
    events = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id"
        ),
        {"id": teen.profile.id},
    ).all()
    assert "booking.calendar" in events
