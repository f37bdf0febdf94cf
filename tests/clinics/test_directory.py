"""The public directory: found without diacritics, loaded in versions."""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.clinics import CodeRow, NewFacility, load_codes, load_demo_codes, save_facilities
from phr_api.clinics.problems import CodeListExists, CodeListInvalid
from phr_api.clinics.service import read_codes, read_facilities
from phr_api.kit import clock
from tests.factories.appointments import make_service

PLACES = [
    NewFacility(code="99011", name="Bệnh viện Đà Nẵng Thử", province="Đà Nẵng", phone="+840001"),
    NewFacility(code="99012", name="Bệnh viện Đống Đa Thử", province="Hà Nội"),
    NewFacility(
        code="99013", name="Trạm Y tế Đống Đa Thử", province="Hà Nội", kind="health-station"
    ),
]


@pytest.fixture
def places(session: Session) -> None:
    save_facilities(session, PLACES)
    session.commit()


def codes_of(client: FlaskClient, query: str) -> Any:
    answer = client.get(f"/v1/facilities?q={query}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.json is not None
    return [item["code"] for item in answer.json["items"]]


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("dong da thu", ["99012", "99013"]),
        ("Đống Đa  Trạm thử", ["99013"]),
        ("99011", ["99011"]),
        ("thử đà nẵng", ["99011"]),
        ("khong co noi nay", []),
        ("100%", []),
    ],
)
def test_a_facility_is_found_by_words_without_diacritics(
    client: FlaskClient, query: str, codes: list[str]
) -> None:
    assert codes_of(client, query) == codes


# three in what is Tuyên Quang today, one of them by its name before the merger, and one elsewhere
NORTH = {
    "99061": "Hà Giang",
    "99062": "Tỉnh Tuyên Quang",
    "99063": "Tuyên Quang",
    "99064": "Lào Cai",
}
FOUND = {
    "province=tuyen quang": ["99061", "99062", "99063"],
    "province=Hà Giang": ["99061", "99062", "99063"],
    "province=02": ["99061", "99062", "99063"],
    "province=08": ["99061", "99062", "99063"],
    "province=Yen Bai": ["99064"],
    "province=79": [],
    "service=nhi thu": ["99061", "99064", "99063"],
    "service=NHI-THU&province=Tuyên Quang": ["99061", "99063"],
    "service=răng": [],
}


def test_a_facility_is_found_by_province_old_or_new_and_by_what_it_offers(
    client: FlaskClient, session: Session
) -> None:
    save_facilities(
        session,
        [
            NewFacility(code=code, name="Phòng khám Bắc Thử", province=province)
            for code, province in NORTH.items()
        ],
    )
    session.commit()
    for code in NORTH:
        make_service(
            session,
            facility_code=code,
            code="NHI-THU",
            search_key="kham nhi thu nhi-thu",
            ended_at=clock.now() if code == "99062" else None,
        )
    assert {query: codes_of(client, f"bac thu&{query}") for query in FOUND} == FOUND
    found, after = [], ""
    for _ in range(3):
        page = client.get(f"/v1/facilities?q=bac thu&province=08&limit=1{after}").get_json()
        found += [item["code"] for item in page["items"]]
        after = f"&after={page['next']}"
    assert (found, page["next"]) == (FOUND["province=08"], None)


@pytest.mark.parametrize(
    "wrong", ["province=", f"province={'x' * 61}", f"service={'x' * 101}", "province=%00"]
)
def test_a_filter_that_cannot_be_is_refused(client: FlaskClient, wrong: str) -> None:
    assert client.get(f"/v1/facilities?{wrong}").status_code == 422


@pytest.mark.usefixtures("places")
def test_the_search_goes_page_by_page(client: FlaskClient) -> None:
    first = client.get("/v1/facilities?q=thu&limit=2").json
    assert first is not None
    assert len(first["items"]) == 2
    second = client.get(f"/v1/facilities?q=thu&limit=2&after={first['next']}").json
    assert second is not None
    assert not {item["code"] for item in first["items"]} & {
        item["code"] for item in second["items"]
    }
    assert client.get("/v1/facilities?after=AAAA").status_code == 400
    for query in ("limit=0", "limit=101", f"q={'x' * 101}", "q=%00"):
        assert client.get(f"/v1/facilities?{query}").status_code == 422


@pytest.mark.usefixtures("places")
def test_one_facility_is_read_by_its_code(client: FlaskClient) -> None:
    answer = client.get("/v1/facilities/99013")
    assert answer.json == {
        "code": "99013",
        "name": "Trạm Y tế Đống Đa Thử",
        "kind": "health-station",
        "province": "Hà Nội",
        "address": None,
        "phone": None,
        "latitude": None,
        "longitude": None,
        "remoteLicence": None,
    }
    for code in ("99019", "9%009", "999990"):
        assert client.get(f"/v1/facilities/{code}").status_code == 404


def versions(session: Session) -> dict[str, int]:
    rows = session.execute(text("SELECT name, version FROM reference_version"))
    return {row.name: row.version for row in rows}


@pytest.mark.usefixtures("places")
def test_only_a_changed_name_raises_the_directorys_version(session: Session) -> None:
    before = versions(session)
    save_facilities(session, PLACES)
    save_facilities(session, [NewFacility(code="99012", name=PLACES[1].name, phone="+840009")])
    assert versions(session) == before
    save_facilities(session, [NewFacility(code="99012", name="Bệnh viện Khác Thử")])
    assert versions(session)["directory"] == before["directory"] + 1
    session.rollback()


def words(system: str, *pairs: tuple[str, str]) -> list[CodeRow]:
    return [CodeRow(system=system, code=code, vi=vi) for code, vi in pairs]


def test_a_new_version_of_a_list_becomes_the_current_one(
    client: FlaskClient, session: Session
) -> None:
    before = versions(session)["codes"]
    load_codes(session, "test-list", "1", words("test-list", ("A", "một"), ("B", "hai")))
    load_codes(session, "test-list", "2", words("test-list", ("A", "mốt"), ("C", "ba")))
    session.commit()
    assert versions(session)["codes"] > before
    shown = client.get("/v1/codes/test-list?limit=1").json
    assert shown is not None
    assert (shown["version"], shown["items"]) == (
        "2",
        [{"code": "A", "display": "mốt", "displayEn": None}],
    )
    rest = client.get(f"/v1/codes/test-list?after={shown['next']}").json
    assert rest is not None
    assert [item["code"] for item in rest["items"]] == ["C"]
    assert rest["next"] is None
    for system in ("no-such-list", "a%00b"):
        assert client.get(f"/v1/codes/{system}").status_code == 404


def test_the_same_version_with_the_same_words_changes_nothing(session: Session) -> None:
    rows = words("same-list", ("A", "một"))
    load_codes(session, "same-list", "1", rows)
    before = versions(session)
    assert load_codes(session, "same-list", "1", rows) == 1
    assert versions(session) == before
    with pytest.raises(CodeListExists):
        load_codes(session, "same-list", "1", words("same-list", ("A", "khác")))
    session.rollback()


@pytest.mark.parametrize("rows", [[], [("A", "một"), ("A", "hai")], [("", "một")], [("A", "")]])
def test_a_list_with_an_empty_or_double_code_is_refused(
    session: Session, rows: list[tuple[str, str]]
) -> None:
    with pytest.raises(CodeListInvalid):
        load_codes(session, "bad-list", "1", words("bad-list", *rows))
    session.rollback()


@pytest.mark.parametrize("code", ["9901", "990111", "9901a", "99 11", "9901Đ"])
def test_a_facility_code_of_another_shape_is_refused(session: Session, code: str) -> None:
    with pytest.raises(CodeListInvalid):
        save_facilities(session, [NewFacility(code=code, name="Thử")])


def test_files_are_read_by_their_columns() -> None:
    assert read_codes(io.StringIO("code,vi,en\nI10,Tăng huyết áp,\n"), "icd10") == [
        CodeRow(system="icd10", code="I10", vi="Tăng huyết áp", en=None)
    ]
    both = io.StringIO("system,code,vi,en\nicd10,I10,Một,One\nother,X,Hai,Two\n")
    assert [row.code for row in read_codes(both, "icd10")] == ["I10"]
    (facility,) = read_facilities(io.StringIO("code,name,phone\n99011,Thử,+84\n"))
    assert (facility.kind, facility.phone, facility.address) == ("hospital", "+84", None)
    for read in (lambda f: read_codes(f, "icd10"), read_facilities):
        with pytest.raises(CodeListInvalid):
            read(io.StringIO("a,b\n1,2\n"))


def test_the_demo_lists_fill_only_what_no_operator_has_loaded(session: Session) -> None:
    load_codes(session, "outcome", "ours", words("outcome", ("1", "theo bộ")))
    load_demo_codes(session)
    current = session.execute(
        text("SELECT version FROM code_list WHERE system = 'outcome' AND is_current")
    ).scalar()
    assert current == "ours"
    assert load_demo_codes(session) == 0
    session.rollback()


@pytest.mark.parametrize("table", ["facility", "code_list", "code", "reference_version"])
def test_the_web_role_reads_the_directory_and_writes_none_of_it(
    web_connection: Connection, table: str
) -> None:
    with web_connection.begin():
        web_connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1"))  # noqa: S608
    with pytest.raises(DBAPIError) as refused, web_connection.begin():
        web_connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("path", ["facilities?q=thu&before=zzz", "codes/icd10?page=2"])
def test_an_unknown_member_of_the_query_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/v1/{path}")
    assert answer.status_code == 422
    assert answer.json is not None
    assert list(answer.json["errors"]) == ["query"]
