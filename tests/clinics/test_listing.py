"""Lists of places, services and holidays, as an operator loads them."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.clinics import find_holidays
from phr_api.clinics.models import ClinicService, Facility
from phr_api.clinics.problems import CodeListInvalid
from phr_api.clinics.service import read_facilities, save_facilities
from phr_api.clinics.service.listing import (
    read_holidays,
    read_known_holidays,
    read_services,
    save_holidays,
    save_services,
)
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.clinics.test_commands import phr_api  # noqa: F401 - a fixture
from tests.factories.appointments import make_facility, make_queue

pytestmark = pytest.mark.usefixtures("app")

AsWorker = Callable[[], AbstractContextManager[None]]
HEAD = "facility,code,name,minutes,price_vnd,kind,confirms_itself,visit_kind,departments"
LIST = f"""{HEAD}
99048,NOI,Khám Nội,20,150000,,no,follow-up,K01 K02
99048,TV,Tư vấn từ xa,,,remote,yes,,
"""


def load(text: str) -> int:
    with unit_of_work() as own:
        return save_services(own, read_services(io.StringIO(text)))


def service(session: Session, code: str) -> ClinicService:
    session.expire_all()
    query = select(ClinicService).where(
        ClinicService.facility_code == "99048", ClinicService.code == code
    )
    return session.scalars(query).one()


def test_services_are_loaded_and_brought_up_to_date(session: Session, as_worker: AsWorker) -> None:
    make_facility(session, code="99048")
    with as_worker():
        assert load(LIST) == 2
    first = service(session, "NOI")
    assert (first.minutes, first.price_vnd, first.kind) == (20, 150_000, "on-site")
    assert (first.visit_kind, first.departments) == ("follow-up", ["K01", "K02"])
    assert (service(session, "TV").visit_kind, service(session, "TV").departments) == ("other", [])
    assert (service(session, "TV").kind, service(session, "TV").confirms_itself) == ("remote", True)
    queue = make_queue(session, facility_code="99048")
    first.queue_id, first.ended_at = queue.id, clock.now()
    session.commit()
    with as_worker():
        load("facility,code,name,price_vnd\n99048,NOI,Khám Nội mới,200000\n")
    again = service(session, "NOI")
    assert (again.id, again.name, again.price_vnd) == (first.id, "Khám Nội mới", 200_000)
    assert (again.minutes, again.queue_id, again.ended_at) == (20, queue.id, None)
    assert again.departments == ["K01", "K02"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("code,name\n", 1),
        (f"{HEAD}\n99048,,Khám,,,,\n", 2),
        (f"{HEAD}\n99048,A,Khám,0,,,\n", 2),
        (f"{HEAD}\n99048,A,Khám,,-1,,\n", 2),
        (f"{HEAD}\n99048,A,Khám,,,at home,\n", 2),
        (f"{HEAD}\n99048,A,Khám,,,,,sometimes,\n", 2),
        (f"{HEAD}\n99048,A,Khám,,,,\n99048,B,Khám,,,,maybe\n", 3),
        (f"{HEAD}\n00000,A,Khám,,,,\n", 2),
    ],
)
def test_a_list_that_is_wrong_is_told_where_and_nothing_is_loaded(
    session: Session, as_worker: AsWorker, text: str, line: int
) -> None:
    make_facility(session, code="99048")
    with as_worker(), pytest.raises(CodeListInvalid) as refused:
        load(text)
    assert refused.value.extensions["line"] == line


def test_the_known_holidays_have_tet_and_national_day() -> None:
    known = {row.on: row for row in read_known_holidays()}
    assert date(2026, 9, 2) in known
    for day in range(5, 10):  # until the yearly decision is loaded
        assert "dự kiến" in known[date(2027, 2, day)].vi
        assert "expected" in known[date(2027, 2, day)].en


def test_a_years_holidays_replace_what_was_expected(
    session: Session, as_worker: AsWorker, client: FlaskClient
) -> None:
    def load_days(*days: str) -> None:
        rows = "".join(f"{day},Ngày thử,Test day\n" for day in days)
        with unit_of_work() as own:
            save_holidays(own, read_holidays(io.StringIO(f"on,vi,en\n{rows}")))

    with as_worker():
        load_days("2190-02-05", "2190-02-06", "2191-01-01")
        load_days("2190-02-06", "2190-02-07")
        with unit_of_work() as own:
            assert save_holidays(own, []) == 0
    found = find_holidays(session, date(2190, 1, 1), date(2191, 12, 31))
    days = [str(row.on_date) for row in found]
    assert days == ["2190-02-06", "2190-02-07", "2191-01-01"]
    answer = client.get("/v1/holidays?year=2190")
    assert answer.get_json()["items"][0] == {
        "on": "2190-02-06",
        "name": "Ngày thử",
        "nameEn": "Test day",
    }
    assert client.get("/v1/holidays").status_code == 200
    assert client.get("/v1/holidays?year=1").status_code == 422


@pytest.mark.parametrize(
    "text", ["on,vi\n", "on,vi,en\n5/2/2027,Tết,Tet\n", "on,vi,en\n2027-02-05,,x\n"]
)
def test_a_list_of_holidays_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(CodeListInvalid):
        read_holidays(io.StringIO(text))


def test_a_facility_has_its_place_on_the_map(session: Session, client: FlaskClient) -> None:
    columns = "code,name,latitude,longitude,remote_licence\n"
    rows = read_facilities(
        io.StringIO(f"{columns}99049,Phòng khám Bản đồ,21.0285111,105.8542,GP-1\n")
    )
    save_facilities(session, rows)
    session.commit()
    assert session.get_one(Facility, "99049").latitude == Decimal("21.028511")
    shown = client.get("/v1/facilities/99049").get_json()
    assert (shown["latitude"], shown["longitude"]) == (21.028511, 105.8542)
    assert shown["remoteLicence"] == "GP-1"
    for wrong in ("99049,x,91,0,", "99049,x,north,0,", "99049,x,NaN,0,"):
        with pytest.raises(CodeListInvalid):
            read_facilities(io.StringIO(columns + wrong + "\n"))


def test_the_commands_load_and_name_the_line(
    phr_api: Any,  # noqa: F811
    session: Session,
    tmp_path: Path,
) -> None:
    make_facility(session, code="99048")
    file = tmp_path / "list.csv"
    file.write_text(LIST)
    assert phr_api("services", "load", file).stdout == "2 services\n"
    file.write_text(f"{HEAD}\n99048,A,Khám,x,,,\n")
    refused = phr_api("services", "load", file)
    assert refused.returncode == 2
    assert "line 2: minutes is a number of 1 to 480" in refused.stderr
    assert phr_api("holidays", "load").stdout == "23 holidays\n"
    file.write_text("on,vi,en\nx,y,z\n")
    assert "line 2: on is a day such as 2027-02-05" in phr_api("holidays", "load", file).stderr
