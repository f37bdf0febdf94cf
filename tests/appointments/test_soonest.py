"""Who in a province has a free time for a service, soonest first."""

from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.appointments.queries import offers
from phr_api.appointments.queries.offers import Wanted, find_soonest
from phr_api.kit import clock
from tests.factories.appointments import make_booking, make_schedule, make_service, make_slot

pytestmark = pytest.mark.usefixtures("app")

SOON = clock.today() + timedelta(days=3)


def test_the_soonest_free_time_of_each_clinic_comes_first(
    client: FlaskClient, session: Session
) -> None:
    code = f"S{uuid4().hex[:10]}"
    noon = datetime.combine(SOON, time(12), clock.VIETNAM)
    made = {}
    for facility, hours in (("99045", (0, 1)), ("99046", (2,)), ("99047", (3,))):
        service = make_service(session, facility_code=facility, code=code, name="Khám Mẫu")
        made[facility] = make_schedule(session, service=service, capacity=1)
        for hour in hours:
            start = noon + timedelta(hours=hour)
            slot = make_slot(session, schedule=made[facility], starts_at=start)
            if (facility, hour) in {("99045", 0), ("99047", 3)}:
                make_booking(session, slot=slot)
    answer = client.get(f"/v1/slots?service={code}&province=01")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found = answer.get_json()["items"]
    assert [(item["facility"]["code"], item["slot"]["startsAt"]) for item in found] == [
        ("99045", (noon + timedelta(hours=1)).isoformat()),
        ("99046", (noon + timedelta(hours=2)).isoformat()),
    ]
    assert found[0]["service"]["code"] == code
    one = client.get(f"/v1/slots?service={code}&province=01&limit=1").get_json()["items"]
    assert one == found[:1]
    for province in ("Hà Nội", "thanh pho ha noi", "001"):
        named = client.get(f"/v1/slots?service={code}&province={province}").get_json()["items"]
        assert named == found
    for query in ("province=02", "province=01&kind=remote", f"province=01&until={clock.today()}"):
        assert client.get(f"/v1/slots?service={code}&{query}").get_json() == {"items": []}
    assert client.get("/v1/slots?service=x").status_code == 422
    long = client.get(f"/v1/slots?service={code}&province=01&from=2026-12-01&until=2027-02-01")
    assert long.get_json()["type"] == "/problems/appointments/range-too-long"


def test_a_clinic_with_many_free_times_hides_no_other(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk that met too few clinics goes on where it ended, past those it has."""
    monkeypatch.setattr(offers, "WALKED", 3)
    code = f"S{uuid4().hex[:10]}"
    noon = datetime.combine(SOON, time(12), clock.VIETNAM)
    for facility, minutes in (("99045", range(0, 60, 10)), ("99046", [65]), ("99047", [70])):
        service = make_service(session, facility_code=facility, code=code)
        schedule = make_schedule(session, service=service)
        for minute in minutes:
            make_slot(session, schedule=schedule, starts_at=noon + timedelta(minutes=minute))
    wanted = Wanted(
        province="ha noi",
        service=code,
        kind="on-site",
        since=noon,
        until=noon + timedelta(hours=2),
    )
    found = find_soonest(session, wanted, at=clock.now(), limit=20)
    assert [each.facility_code for each in found] == ["99045", "99046", "99047"]
