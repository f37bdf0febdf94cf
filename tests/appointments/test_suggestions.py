"""Follow-ups of the book become bookings that one tap makes."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Slot
from phr_api.healthbook import facts
from phr_api.kit import clock
from phr_api.vocab import SensitivityClass
from tests.factories.appointments import make_booking, make_facility, make_service, make_slot
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
    encounter = replace(made.encounter, revisit_on=(), medicines_until=until)
    papers = tuple(replace(paper, appointment_on=on) for paper in made.papers) if on else ()
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


def free(session: Session, days: int, **columns: Any) -> Slot:
    service = make_service(session, facility_code=CLINIC, name="Tái khám", **columns)
    return make_slot(session, service=service, starts_in=timedelta(days=days, hours=1))


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
    hidden = free(session, 8, classes=["mental"])
    shown = free(session, 9)
    mine, theirs = read(client, citizen), read(client, citizen, carer)
    assert [one["why"] for one in mine] == ["follow-up", "medicines-end"]
    assert mine[0]["slot"]["id"] == str(hidden.id)
    assert [(one["why"], one["slot"]["id"]) for one in theirs] == [("medicines-end", str(shown.id))]


def test_suggestions_are_ones_own(client: FlaskClient, session: Session, citizen: Citizen) -> None:
    url = f"/v1/profiles/{citizen.profile.id}/booking-suggestions"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=make_citizen(session).headers).status_code == 404
