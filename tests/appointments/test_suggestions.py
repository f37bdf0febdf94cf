"""Follow-ups of the book become bookings that one tap makes."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Slot
from phr_api.healthbook import facts
from phr_api.kit import clock
from phr_api.vocab import SensitivityClass
from tests.appointments.asking import book, key
from tests.factories.appointments import (
    make_booking,
    make_facility,
    make_practitioner,
    make_schedule,
    make_service,
    make_slot,
)
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_facts, make_visit
from tests.factories.people import Citizen, make_citizen

CLINIC = "99017"  # of this module alone: its first free time is this test's


def soon(days: int) -> date:
    return clock.today() + timedelta(days=days)


def visit(*, on: date | None = None, until: date | None = None, **more: Any) -> facts.Visit:
    """A visit of two months ago that asks to come back, or whose medicine ends."""
    made = make_facts(
        started_at=clock.now() - timedelta(days=60),
        facility_code=CLINIC,
        classes=more.get("classes", ()),
    )
    departments = more.get("departments", ())
    encounter = replace(
        made.encounter, revisit_on=(), medicines_until=until, departments=departments
    )
    details = {"doctorCode": more["doctor"]} if "doctor" in more else {}
    papers = tuple(
        replace(paper, appointment_on=on, details=details) for paper in made.papers if on
    )
    return replace(made, encounter=encounter, papers=papers)


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_facility(session, code=CLINIC, name="Phòng khám Gợi Ý")
    session.execute(
        text("UPDATE slot SET status = 'closed' WHERE facility_code = :c"), {"c": CLINIC}
    )
    session.commit()
    return make_citizen(session)


def read(client: FlaskClient, citizen: Citizen, who: Citizen | None = None) -> list[Any]:
    url = f"/v1/profiles/{citizen.profile.id}/booking-suggestions"
    answer = client.get(url, headers=(who or citizen).headers)
    assert answer.status_code == 200
    return list(answer.get_json()["items"])


def free(session: Session, days: int, visit_kind: str = "follow-up", **columns: Any) -> Slot:
    """A free time at nine, so many days from now."""
    service = make_service(
        session, facility_code=CLINIC, name="Tái khám", visit_kind=visit_kind, **columns
    )
    return make_slot(session, service=service, starts_at=at_nine(days))


def at_nine(days: int) -> datetime:
    return datetime.combine(soon(days), time(9), clock.VIETNAM)


def test_a_follow_up_comes_with_the_first_free_time(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    free(session, 3)
    slot = free(session, 6)
    free(session, 8)
    (one,) = read(client, citizen)
    assert (one["why"], one["on"]) == ("follow-up", soon(5).isoformat())
    assert one["facility"] == {"code": CLINIC, "name": "Phòng khám Gợi Ý"}
    assert (one["slot"]["id"], one["service"]["name"]) == (str(slot.id), "Tái khám")
    assert one["paperId"]
    assert one["encounterId"]


def test_a_day_that_has_passed_gets_a_time_from_now_on(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(-10)))
    slot = free(session, 1)
    assert read(client, citizen)[0]["slot"]["id"] == str(slot.id)


def test_medicines_that_end_are_a_reason(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(until=soon(4)))
    (one,) = read(client, citizen)
    assert (one["why"], one["slot"], one["service"]) == ("medicines-end", None, None)


def test_medicines_that_end_get_the_last_consultation_before(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(until=soon(4)))
    free(session, 2, "consultation")
    last = free(session, 4, "consultation")
    free(session, 5, "consultation")
    free(session, 4, "follow-up")  # a consultation is what the end of medicines asks for
    assert read(client, citizen)[0]["slot"]["id"] == str(last.id)


def test_medicines_that_have_ended_get_a_time_from_now_on(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(until=soon(-3)))
    first = free(session, 1, "consultation")
    free(session, 2, "consultation")
    assert read(client, citizen)[0]["slot"]["id"] == str(first.id)


def test_a_wrong_service_is_never_suggested(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5), departments=("K03",)))
    make_visit(session, citizen.profile, visit(until=soon(9)))
    free(session, 5, "other")
    free(session, 6, departments=["K27"])
    free(session, 8, "other")
    found = read(client, citizen)
    assert [(one["why"], one["on"]) for one in found] == [
        ("follow-up", soon(5).isoformat()),
        ("medicines-end", soon(9).isoformat()),
    ]
    assert [(one["slot"], one["service"], one["hold"]) for one in found] == [(None,) * 3] * 2


def test_the_visits_department_is_asked_first_and_a_follow_up_before_a_consultation(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5), departments=("K01", "K03")))
    free(session, 5, "consultation", departments=["K03"])
    free(session, 5, departments=["K27"])
    slot = free(session, 7, departments=["K03", "K04"])
    assert read(client, citizen)[0]["slot"]["id"] == str(slot.id)


def test_a_consultation_is_suggested_where_there_is_no_follow_up(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    slot = free(session, 6, "consultation")
    assert read(client, citizen)[0]["slot"]["id"] == str(slot.id)


def test_the_papers_doctor_comes_first(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    doctor = make_practitioner(session, facility_code=CLINIC)
    named = f"000009/TEST-GPHN; {doctor.licence_number}"
    make_visit(session, citizen.profile, visit(on=soon(5), doctor=named))
    free(session, 5)
    theirs = make_service(session, facility_code=CLINIC, visit_kind="consultation")
    schedule = make_schedule(session, service=theirs, practitioner_id=doctor.id)
    slot = make_slot(session, schedule=schedule, starts_at=at_nine(8))
    assert read(client, citizen)[0]["slot"]["id"] == str(slot.id)


def test_one_tap_holds_what_is_suggested(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    slot = free(session, 6)
    (one,) = read(client, citizen)
    held = client.post("/v1/holds", json=one["hold"], headers=citizen.headers | key())
    assert held.status_code == 201, held.get_json()
    assert held.get_json()["bookings"][0]["slot"]["id"] == str(slot.id)
    assert book(client, citizen, held.get_json()).status_code == 201
    assert read(client, citizen) == []


def test_full_times_are_not_suggested(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(1)))
    make_booking(session, slot=free(session, 2))
    slot = free(session, 4)
    assert read(client, citizen)[0]["slot"]["id"] == str(slot.id)


def test_what_is_booked_is_left_out(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    make_booking(session, citizen=citizen, slot=free(session, 6), state="requested")
    assert read(client, citizen) == []


@pytest.mark.parametrize(
    ("visit_kind", "days", "left"),
    [
        ("other", 6, 1),  # blood is drawn
        ("consultation", 6, 0),
        ("follow-up", -9, 0),
        ("follow-up", -10, 1),  # came long before
        ("follow-up", 19, 0),
        ("follow-up", 20, 1),  # for the next time
    ],
)
def test_only_what_answers_it_leaves_it_out(
    client: FlaskClient,
    session: Session,
    citizen: Citizen,
    visit_kind: str,
    days: int,
    left: int,
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    slot = free(session, days, visit_kind)
    make_booking(session, citizen=citizen, slot=slot, state="confirmed")
    assert len(read(client, citizen)) == left


def test_a_cancelled_booking_leaves_it_open(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(5)))
    make_booking(session, citizen=citizen, slot=free(session, 6), state="cancelled")
    assert len(read(client, citizen)) == 1


def test_days_far_away_are_not_suggested(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, visit(on=soon(61)))
    make_visit(session, citizen.profile, visit(until=soon(-31)))
    assert read(client, citizen) == []


def test_a_teenagers_carer_sees_no_sensitive_suggestion(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=citizen.profile)
    make_visit(session, citizen.profile, visit(on=soon(5), classes=[SensitivityClass.MENTAL]))
    make_visit(session, citizen.profile, visit(until=soon(7)))
    hidden = free(session, 6, "consultation", classes=["mental"])
    shown = free(session, 5, "consultation")
    mine, theirs = read(client, citizen), read(client, citizen, carer)
    assert [one["why"] for one in mine] == ["follow-up", "medicines-end"]
    assert [one["slot"]["id"] for one in mine] == [str(shown.id), str(hidden.id)]
    assert [(one["why"], one["slot"]["id"]) for one in theirs] == [("medicines-end", str(shown.id))]


def test_suggestions_are_ones_own(client: FlaskClient, session: Session, citizen: Citizen) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/booking-suggestions"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=make_citizen(session).headers).status_code == 404
