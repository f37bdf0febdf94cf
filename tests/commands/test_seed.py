"""`phr-api seed`: a rich book through the real intake, once."""

import subprocess
import sys
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Slot
from phr_api.appointments.queries.offers import find_offers
from phr_api.clinics.queries import find_services_by_code
from phr_api.consent.models import Carer
from phr_api.devprovider.people import CHILD, CITIZEN
from phr_api.healthbook.models import Encounter, Paper, Result
from phr_api.identity.models import Membership, ProfileIdentifier
from phr_api.kit import clock
from tests.appointments.asking import booked
from tests.factories.people import make_citizen
from tests.records.looking import count


def seed(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "phr_api", "seed"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_people_come_through_the_intake_and_only_once(
    environment: dict[str, str], session: Session
) -> None:
    seed(environment)
    owner = session.execute(
        select(ProfileIdentifier.profile_id).where(
            ProfileIdentifier.value == CITIZEN.citizen_number,
            ProfileIdentifier.assurance == "received",
        )
    ).scalar_one()
    child = session.execute(
        select(ProfileIdentifier.profile_id).where(
            ProfileIdentifier.value == CHILD.citizen_number,
            ProfileIdentifier.assurance == "received",
        )
    ).scalar_one()
    visits = count(session, Encounter, profile_id=owner)
    assert visits >= 12
    assert count(session, Result, profile_id=owner, name="HbA1c") >= 5
    assert (
        "hiv"
        in session.execute(
            select(Result.classes).where(Result.profile_id == owner, Result.name.contains("HIV"))
        ).scalar_one()
    )
    kinds = set(session.scalars(select(Paper.kind).where(Paper.profile_id == owner)))
    assert {"referral", "discharge", "summary", "sick-leave", "follow-up"} <= kinds
    traced = "SELECT e.actor_kind FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
    traced += " WHERE s.profile_id = :child AND e.action = 'carer.record'"
    assert session.execute(text(traced), {"child": child}).all() == [("operator",)]
    offered = {row.code: row for row in find_services_by_code(session, "99001").values()}
    assert (offered["KHAM-NOI"].confirms_itself, offered["LAY-MAU"].confirms_itself) == (
        False,
        True,
    )
    assert offered["KHAM-NOI"].queue_id is not None
    for service in (offered["KHAM-NOI"], offered["LAY-MAU"]):
        since = datetime.combine(clock.today(), time(), clock.VIETNAM)
        days = {
            offer.starts_at.astimezone(clock.VIETNAM).date()
            for offer in find_offers(
                session, service.id, since=since, until=since + timedelta(days=15)
            )
            if offer.is_open(clock.now())
        }
        # early in the night before the first visits, and today as long as anything is left of it
        assert {clock.today() + timedelta(days=n) for n in range(1, 15)} <= days
    slots = count(session, Slot, service_id=offered["KHAM-NOI"].id)
    staff = count(session, Membership, facility_code="99001", display_name="Lê Thị Quầy Thử")

    again = seed(environment)

    assert "'unchanged'" in again
    assert count(session, Encounter, profile_id=owner) == visits
    assert count(session, Slot, service_id=offered["KHAM-NOI"].id) == slots
    assert count(session, Carer, profile_id=child) == 1
    clerks = count(session, Membership, facility_code="99001", display_name="Lê Thị Quầy Thử")
    assert clerks == staff == 1


@pytest.mark.usefixtures("app")
def test_the_demo_facility_can_be_booked_at_once(
    environment: dict[str, str], session: Session, client: FlaskClient
) -> None:
    seed(environment)
    citizen = make_citizen(session)
    services = client.get("/v1/facilities/99001/services").get_json()["items"]
    ids = {each["code"]: each["id"] for each in services}
    follow_up = next(each for each in services if each["code"] == "TAI-KHAM")
    assert (follow_up["visitKind"], follow_up["departments"]) == ("follow-up", ["K01"])
    for code, state in (("KHAM-NOI", "requested"), ("LAY-MAU", "confirmed")):
        url = f"/v1/facilities/99001/services/{ids[code]}/slots"
        day = client.get(url).get_json()["days"][1]
        free = next(each for each in day["slots"] if each["isOpen"] and each["left"])
        slot = session.get_one(Slot, UUID(free["id"]))
        assert booked(client, citizen, slot)["state"] == state
        session.rollback()
