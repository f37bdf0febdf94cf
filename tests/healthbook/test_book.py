"""The whole book: whose it is, what it holds, when it is told again."""

import gzip
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.clinics import NewFacility, save_facilities
from phr_api.consent import open_record
from phr_api.healthbook.models import RecordSnapshot
from phr_api.healthbook.queries import BuiltBook
from phr_api.healthbook.schemas import HealthBookSchema
from phr_api.healthbook.service import keep_book
from phr_api.kit import clock, db
from phr_api.vocab import ProfileId, SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_directory, make_facts, make_visit
from tests.factories.people import (
    FACILITY,
    Citizen,
    bearer,
    make_citizen,
    make_profile,
    make_staff,
    make_system,
)


def url(citizen: Citizen) -> str:
    return f"/v1/profiles/{citizen.profile.id}/health-book"


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    citizen = make_citizen(session)
    make_visit(session, citizen.profile)
    return citizen


def test_the_owner_reads_the_whole_book(client: FlaskClient, citizen: Citizen) -> None:
    answer = client.get(url(citizen), headers=citizen.headers)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Authorization, Accept-Language, Accept-Encoding"
    book = answer.json
    assert book is not None
    assert book["profile"]["fullName"] == citizen.profile.full_name
    (encounter,) = book["encounters"]
    assert encounter["facility"] == {"code": FACILITY, "name": "Bệnh viện Đa khoa Thử Nghiệm"}
    assert encounter["startedAt"] == "2026-03-02T08:30:00+07:00"
    assert encounter["careType"] == {
        "code": "01",
        "display": "Khám bệnh",
        "displayEn": "Outpatient examination",
    }
    assert encounter["diagnoses"][1] == {"code": "Z99.99", "display": "Z99.99", "role": "other"}
    assert encounter["weightKg"] == 52.5
    assert [len(book[name]) for name in ("medications", "results", "papers")] == [2, 2, 1]
    assert book["medications"][0]["medicinesUntil"] == "2026-04-01"
    assert book["results"][0]["number"] == 5.4
    assert book["papers"][0]["details"] == {"note": "Nhịn ăn sáng"}
    assert book["allergies"] == book["measurements"] == []


def test_the_book_has_the_documented_members(client: FlaskClient, citizen: Citizen) -> None:
    book = client.get(url(citizen), headers=citizen.headers).json
    assert book is not None
    assert HealthBookSchema().validate(book) == {}


def test_an_unchanged_book_is_a_304_and_a_changed_one_is_not(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    tag = client.get(url(citizen), headers=citizen.headers).headers["ETag"]
    asked = citizen.headers | {"If-None-Match": tag}
    again = client.get(url(citizen), headers=asked)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag

    make_visit(session, citizen.profile)

    changed = client.get(url(citizen), headers=asked)
    assert changed.status_code == 200
    assert changed.json is not None
    assert len(changed.json["encounters"]) == 2


def test_a_stored_book_goes_out_as_it_lies(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    first = client.get(url(citizen), headers=citizen.headers)
    stored = session.scalar(
        select(RecordSnapshot.body).where(RecordSnapshot.profile_id == citizen.profile.id)
    )
    assert stored is not None

    packed = client.get(url(citizen), headers=citizen.headers | {"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.data == stored
    assert gzip.decompress(packed.data) == first.data
    plain = client.get(url(citizen), headers=citizen.headers | {"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert plain.data == first.data


def test_the_stored_book_does_not_depend_on_the_day(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, make_facts(started_at=clock.now()))
    sections = "profile,coverage,encounters,medications,results,papers,measurements"
    asked = f"{url(citizen)}?sections={sections}"  # built each time, never stored
    before = client.get(asked, headers=citizen.headers).data
    session.execute(
        text("UPDATE session SET expires_at = expires_at + interval '500 days' WHERE id = :id"),
        {"id": citizen.session.id},
    )
    session.commit()
    with clock.moved(timedelta(days=400)):
        after = client.get(asked, headers=bearer(citizen.principal))
    assert after.status_code == 200
    assert after.data == before


def test_a_renamed_facility_is_a_new_book_and_a_new_telephone_is_not(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    tag = client.get(url(citizen), headers=citizen.headers).headers["ETag"]
    name = "Bệnh viện Đa khoa Thử Nghiệm"
    save_facilities(session, [NewFacility(code=FACILITY, name=name, phone="+842400000009")])
    session.commit()
    assert client.get(url(citizen), headers=citizen.headers).headers["ETag"] == tag
    save_facilities(session, [NewFacility(code=FACILITY, name="Bệnh viện Tên Mới")])
    session.commit()
    renamed = client.get(url(citizen), headers=citizen.headers)
    make_directory(session)
    assert renamed.headers["ETag"] != tag
    assert renamed.json is not None
    assert renamed.json["encounters"][0]["facility"]["name"] == "Bệnh viện Tên Mới"


def test_an_old_body_is_never_kept_under_a_newer_version(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    client.get(url(citizen), headers=citizen.headers)
    kept = session.get_one(RecordSnapshot, citizen.profile.id)
    version, shape = kept.version, kept.shape
    for late in (
        BuiltBook(version - 1, "older", b"{}"),
        BuiltBook(version, shape, b"{}"),
    ):
        keep(citizen, late)
        session.refresh(kept)
        assert (kept.version, kept.shape) == (version, shape)
        assert kept.body != gzip.compress(b"{}", 6, mtime=0)
    keep(citizen, BuiltBook(version, "renamed", b"{}"))
    session.refresh(kept)
    assert kept.shape == "renamed"


def keep(citizen: Citizen, book: BuiltBook) -> None:
    """Store a book as the web does, with the owner's right to it."""
    with db.unit_of_work() as session:
        person = ProfileId(citizen.profile.id)
        scope = open_record(session, citizen.principal, person, action="test")
        keep_book(session, scope, book)


def test_sections_narrow_the_book_and_have_a_tag_of_their_own(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    asked = f"{url(citizen)}?sections=profile,papers"
    answer = client.get(asked, headers=citizen.headers)
    assert answer.json is not None
    assert set(answer.json) == {"profile", "papers"}
    known = citizen.headers | {"If-None-Match": answer.headers["ETag"]}
    assert client.get(asked, headers=known).status_code == 304
    assert session.get(RecordSnapshot, citizen.profile.id) is None

    wrong = client.get(f"{url(citizen)}?sections=papers,nothing", headers=citizen.headers)
    assert wrong.status_code == 422
    assert wrong.json is not None
    assert wrong.json["type"] == "/problems/healthbook/section-unknown"


def test_a_stranger_staff_and_systems_find_no_book(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    for other in (make_citizen(session), make_staff(session), make_system(session)):
        assert client.get(url(citizen), headers=other.headers).status_code == 404
    assert client.get(url(citizen)).status_code == 401
    phone_only = make_citizen(session, assurance="account")
    refused = client.get(url(phone_only), headers=phone_only.headers)
    assert refused.status_code == 403


def test_an_ended_session_reads_nothing_more(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    assert client.get(url(citizen), headers=citizen.headers).status_code == 200
    session.execute(
        text("UPDATE session SET ended_at = now() WHERE id = :id"), {"id": citizen.session.id}
    )
    session.commit()
    assert client.get(url(citizen), headers=citizen.headers).status_code == 401


def events_of(session: Session, citizen: Citizen) -> list[str]:
    session.expire_all()
    return list(
        session.scalars(
            select(AuditEvent.action)
            .join(AuditSubject, AuditSubject.event_id == AuditEvent.id)
            .where(AuditSubject.profile_id == citizen.profile.id)
        )
    )


def test_ones_own_reading_is_not_traced_and_a_carers_is(
    client: FlaskClient, session: Session, citizen: Citizen
) -> None:
    client.get(url(citizen), headers=citizen.headers)
    assert events_of(session, citizen) == []
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=citizen.profile)
    assert client.get(url(citizen), headers=carer.headers).status_code == 200
    assert events_of(session, citizen) == ["health-book.read"]


@pytest.mark.parametrize(("birth", "sees"), [("2016-05-01", True), ("2009-05-01", False)])
def test_a_carer_sees_sensitive_facts_until_the_child_is_fifteen(
    client: FlaskClient,
    session: Session,
    birth: str,
    sees: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    child = make_profile(session, birth=birth, full_name="Trần Văn Thử Con")
    make_visit(session, child, make_facts(classes=[SensitivityClass.HIV], code="B20"))
    make_visit(session, child)
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)

    answer = client.get(f"/v1/profiles/{child.id}/health-book", headers=carer.headers)

    book = answer.json
    assert book is not None
    expected = 2 if sees else 1
    for name in ("encounters", "procedures", "programmes", "papers"):
        assert len(book[name]) == expected
    assert ("B20" in answer.get_data(as_text=True)) is sees
    assert session.get(RecordSnapshot, child.id) is None


def test_a_hidden_change_moves_nothing_for_a_carer(client: FlaskClient, session: Session) -> None:
    child = make_profile(session, birth="2009-05-01", full_name="Trần Văn Thử Con")
    make_visit(session, child)
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=child)
    asked = f"/v1/profiles/{child.id}/health-book"
    tag = client.get(asked, headers=carer.headers).headers["ETag"]
    make_visit(session, child, make_facts(classes=[SensitivityClass.HIV]))
    again = client.get(asked, headers=carer.headers | {"If-None-Match": tag})
    assert again.status_code == 304


def test_the_hot_read_is_one_round_trip(
    client: FlaskClient, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get(url(citizen), headers=citizen.headers)  # stored, and the token is remembered
    seen: list[str] = []
    read_once = db._read_once

    def counted(sql: str, params: Any) -> tuple[Any, ...] | None:
        seen.append(sql)
        return read_once(sql, params)

    monkeypatch.setattr(db, "_read_once", counted)
    monkeypatch.setattr(db.SessionFactory, "begin", None)  # no other transaction is begun
    assert client.get(url(citizen), headers=citizen.headers).status_code == 200
    assert len(seen) == 1
