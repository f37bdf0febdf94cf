"""Sending over HTTP: who may, what is asked of the request, what is answered."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.records import trim_reports
from phr_api.records.models import Submission
from phr_api.records.service import spool
from tests.factories.people import SignedIn, System, make_citizen, make_staff, make_system
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key
from tests.records.looking import count, holder

Drain = Callable[[], None]
ROOT = f"/v1/facilities/{FACILITY}/submissions"


def post(
    client: FlaskClient,
    who: System | SignedIn,
    file: bytes,
    *,
    key: str | None = None,
    root: str = ROOT,
    **query: Any,
) -> Any:
    headers = who.headers | {"Idempotency-Key": key or uuid4().hex}
    return client.post(root, data=file, headers=headers, query_string=query)


def test_a_file_is_taken_polled_and_done(client: FlaskClient, system: System, drain: Drain) -> None:
    visits = [a_visit(), a_visit(number="123")]

    sent = post(client, system, a_file(*visits))

    assert sent.status_code == 202
    assert sent.json["state"] == "received"
    place = sent.headers["Location"]
    assert place == f"{ROOT}/{sent.json['id']}"
    drain()
    done = client.get(place, headers=system.headers).json
    assert done is not None
    assert done["state"] == "done"
    assert done["source"] == "absent"
    assert (done["declaredVisits"], done["visits"]) == (2, 2)
    assert done["counts"] == {
        "accepted": 1,
        "unchanged": 0,
        "superseded": 0,
        "needsReview": 0,
        "refused": 1,
    }
    assert [entry["visit"] for entry in done["entries"]] == [key_of(visit) for visit in visits]
    assert done["next"] is None


def test_entries_come_in_pages(client: FlaskClient, system: System, send: Send) -> None:
    visits = [a_visit() for _ in range(5)]
    taken = send(a_file(*visits))
    place = f"{ROOT}/{taken.submission_id}"

    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = client.get(f"{place}?limit=2{after}", headers=system.headers).json
        assert page is not None
        seen += [entry["visit"] for entry in page["entries"]]
        after = f"&after={page['next']}"

    assert seen == [key_of(visit) for visit in visits]
    assert after == "&after=None"


def test_the_same_key_is_answered_with_the_same_submission(
    client: FlaskClient, system: System, drain: Drain
) -> None:
    file, key = a_file(a_visit()), uuid4().hex
    first = post(client, system, file, key=key)
    drain()

    again = post(client, system, file, key=key)

    assert again.status_code == 202
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json["state"] == "done"
    other = post(client, system, a_file(a_visit()), key=key)
    assert other.json["type"] == "/problems/idempotency-key-reused"


def test_a_file_that_is_being_processed_is_not_taken_twice(
    client: FlaskClient, system: System, drain: Drain
) -> None:
    file = a_file(a_visit())
    first = post(client, system, file)

    second = post(client, system, file)

    assert second.status_code == 409
    assert second.json["type"] == "/problems/records/file-in-progress"
    assert second.json["submissionId"] == first.json["id"]
    drain()
    assert post(client, system, file).status_code == 202
    drain()


def test_without_a_key_nothing_is_read(client: FlaskClient, system: System) -> None:
    answer = client.post(ROOT, data=a_file(a_visit()), headers=system.headers)

    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["type"] == "/problems/idempotency-key-missing"


def test_an_empty_body_is_refused(client: FlaskClient, system: System) -> None:
    answer = post(client, system, b"")

    assert answer.json["type"] == "/problems/records/file-empty"


def test_a_file_over_the_limit_is_refused(client: FlaskClient, system: System) -> None:
    answer = post(client, system, b"x" * (spool.MOST_BYTES + 1))

    assert answer.status_code == 413
    assert answer.json["type"] == "/problems/records/file-too-large"


def test_a_facility_that_the_system_is_not_bound_to_is_not_found(
    client: FlaskClient, session: Session, system: System
) -> None:
    for facility in ("99002", "99999"):
        root = f"/v1/facilities/{facility}/submissions"
        assert post(client, system, a_file(a_visit()), root=root).status_code == 404


def test_another_facilitys_submission_is_not_found(
    client: FlaskClient, session: Session, send: Send
) -> None:
    taken = send(a_file(a_visit()))
    other = make_system(session, facility_codes=("99002",))

    for facility in (FACILITY, "99002"):
        place = f"/v1/facilities/{facility}/submissions/{taken.submission_id}"
        assert client.get(place, headers=other.headers).status_code == 404


def test_staff_read_and_may_not_send(client: FlaskClient, desk: SignedIn, system: System) -> None:
    assert post(client, desk, a_file(a_visit())).status_code == 403
    assert client.get(ROOT, headers=desk.headers).status_code == 200


def test_a_citizen_and_a_stranger_see_nothing(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)

    assert client.get(ROOT, headers=citizen.headers).status_code == 404
    assert client.get(ROOT).status_code == 401
    assert client.post(ROOT, data=b"x").status_code == 401


def test_a_trial_needs_no_key_and_its_report_goes_after_seven_days(
    client: FlaskClient,
    system: System,
    drain: Drain,
    session: Session,
    as_worker: Callable[[], Any],
) -> None:
    sent = client.post(
        f"{ROOT}?validateOnly=true", data=a_file(a_visit(number="123")), headers=system.headers
    )
    assert sent.status_code == 202
    assert sent.json is not None
    drain()
    place = sent.headers["Location"]
    done = client.get(place, headers=system.headers).json
    assert done is not None
    assert (done["validateOnly"], done["counts"]["refused"]) == (True, 1)

    with as_worker(), unit_of_work() as work:
        trim_reports(work, clock.now() + timedelta(days=6))
    assert client.get(place, headers=system.headers).status_code == 200
    with as_worker(), unit_of_work() as work:
        trim_reports(work, clock.now() + timedelta(days=8))
    assert client.get(place, headers=system.headers).status_code == 404
    assert count(session, Submission, id=sent.json["id"]) == 0


def find_rejections(client: FlaskClient, system: System, key: str) -> list[dict[str, Any]]:
    found, after = [], ""
    while True:
        page = client.get(
            f"/v1/facilities/{FACILITY}/rejections?limit=100{after}", headers=system.headers
        ).json
        assert page is not None
        found += [item for item in page["items"] if item["visit"] == key]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_a_rejection_is_open_until_the_visit_arrives_properly(
    client: FlaskClient, system: System, send: Send
) -> None:
    key = new_key()
    send(a_file(a_visit(key, number="123")))

    (rejection,) = find_rejections(client, system, key)
    assert rejection["reasons"][0]["element"] == "SO_CCCD"
    assert rejection["patientCode"] == f"BN-{key}"

    send(a_file(a_visit(key)))
    assert find_rejections(client, system, key) == []


@pytest.mark.parametrize("how", ["accept", "format"])
def test_rejections_as_csv_open_in_a_spreadsheet_and_run_nothing(
    client: FlaskClient, system: System, send: Send, how: str
) -> None:
    key = f"=HYPERLINK(1){new_key()}"
    send(a_file(a_visit(key, number="123", name="Trần Thị Bí Mật")))

    headers = system.headers | ({"Accept": "text/csv"} if how == "accept" else {})
    day = clock.today().isoformat()
    query = {"day": day} | ({"format": "csv"} if how == "format" else {})
    answer = client.get(
        f"/v1/facilities/{FACILITY}/rejections", headers=headers, query_string=query
    )

    assert answer.mimetype == "text/csv"
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    (line,) = [line for line in lines if key in line["MA_LK"]]
    assert line["MA_LK"] == f"'{key}"
    assert (line["table"], line["element"]) == ("XML1", "SO_CCCD")
    assert line["message_vi"]
    assert line["message_en"]
    assert "Bí Mật" not in text


def test_rejections_as_csv_are_all_of_them(
    client: FlaskClient, system: System, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("phr_api.records.routes.rejections"), "CSV_PAGE", 2)
    refused = [a_visit(number="123") for _ in range(5)]
    send(a_file(*refused))

    answer = client.get(f"/v1/facilities/{FACILITY}/rejections?format=csv", headers=system.headers)

    assert answer.is_streamed
    text = answer.get_data(as_text=True).removeprefix("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text)))
    keys = {key_of(visit) for visit in refused}
    # in the order they were entered, which is not that of the file: several are in flight
    assert sorted(line["MA_LK"] for line in lines if line["MA_LK"] in keys) == sorted(keys)


def test_totals_count_by_day(client: FlaskClient, session: Session, send: Send) -> None:
    facility = "99003"
    system = make_system(session, facility_codes=(facility,))
    visits = [a_visit(MA_CSKCB=facility), a_visit(MA_CSKCB=facility, number="123")]
    send(a_file(*visits, facility=facility), facility)
    send(b"<x/>", facility)
    day = clock.today().isoformat()
    root = f"/v1/facilities/{facility}/totals"

    answer = client.get(root, headers=system.headers, query_string={"from": day, "to": day}).json

    assert answer is not None
    (today,) = answer["days"]
    assert (today["day"], today["files"], today["refusedFiles"]) == (day, 2, 1)
    assert (today["counts"]["accepted"], today["counts"]["refused"]) == (1, 1)
    assert (answer["openRejections"], answer["waitingReviews"]) == (1, 0)
    query = {"from": day, "to": "2020-01-01"}
    turned = client.get(root, headers=system.headers, query_string=query)
    assert turned.json is not None
    assert turned.json["type"] == "/problems/records/period-too-long"


def test_submissions_are_listed_newest_first(
    client: FlaskClient, system: System, send: Send
) -> None:
    first, second = send(a_file(a_visit())), send(b"<x/>")

    listed = client.get(f"{ROOT}?limit=2", headers=system.headers).json
    refused = client.get(f"{ROOT}?limit=1&state=refused", headers=system.headers).json

    assert listed is not None
    assert refused is not None
    ids = [item["id"] for item in listed["items"]]
    assert ids == [str(second.submission_id), str(first.submission_id)]
    assert refused["items"][0]["refusal"]["code"] == "wrong-root"
    following = client.get(f"{ROOT}?limit=2&after={listed['next']}", headers=system.headers)
    assert following.status_code == 200
    forged = client.get(f"{ROOT}?after=Zm9yZ2Vk", headers=system.headers)
    assert forged.json is not None
    assert forged.json["type"] == "/problems/invalid-cursor"


def test_messages_come_in_the_callers_language(
    client: FlaskClient, system: System, send: Send
) -> None:
    taken = send(a_file(a_visit(number="123")))
    place = f"{ROOT}/{taken.submission_id}"
    messages = set()
    for spoken in ("vi", "en"):
        headers = system.headers | {"Accept-Language": spoken}
        answer = client.get(place, headers=headers).json
        assert answer is not None
        messages.add(answer["entries"][0]["reasons"][0]["message"])

    assert len(messages) == 2


def test_a_body_that_ends_early_is_not_taken(
    client: FlaskClient, system: System, session: Session
) -> None:
    file = a_file(a_visit())
    headers = system.headers | {"Idempotency-Key": uuid4().hex}

    answer = client.post(
        ROOT,
        input_stream=io.BytesIO(file[:-10]),
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(file))},
    )

    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["type"] == "/problems/records/file-incomplete"


def test_what_staff_look_at_is_in_the_trace_of_the_people_it_concerned(
    client: FlaskClient, desk: SignedIn, system: System, session: Session, send: Send
) -> None:
    visit = a_visit()
    taken = send(a_file(visit))
    owner = holder(session, key_of(visit))
    paths = (f"{ROOT}/{taken.submission_id}", f"/v1/facilities/{FACILITY}/visits/{key_of(visit)}")

    for who in (system, desk):
        for path in paths:
            assert client.get(path, headers=who.headers).status_code == 200

    session.rollback()
    seen = session.execute(
        select(AuditEvent.action, AuditEvent.actor_id)
        .join(AuditSubject, AuditSubject.event_id == AuditEvent.id)
        .where(AuditSubject.profile_id == owner, AuditEvent.action != "visit.sent")
        .order_by(AuditEvent.id)
    ).all()
    assert [tuple(row) for row in seen] == [
        ("visit.list", desk.account.id),
        ("visit.history", desk.account.id),
    ]


def test_a_list_that_is_refreshed_within_a_quarter_of_an_hour_folds(
    client: FlaskClient, desk: SignedIn, session: Session, send: Send
) -> None:
    visit = a_visit()
    path = f"{ROOT}/{send(a_file(visit)).submission_id}"
    owner = holder(session, key_of(visit))

    def times_shown(to: SignedIn) -> int:
        assert client.get(path, headers=to.headers).status_code == 200
        session.rollback()
        shown = (
            select(func.count())
            .select_from(AuditSubject)
            .join(AuditEvent, AuditEvent.id == AuditSubject.event_id)
            .where(AuditSubject.profile_id == owner, AuditEvent.action == "visit.list")
        )
        return session.scalars(shown).one()

    assert [times_shown(desk), times_shown(desk)] == [1, 1]
    assert times_shown(make_staff(session)) == 2  # another clerk is told of
    for minutes, is_told in ((14, False), (16, True)):
        with clock.moved(timedelta(minutes=minutes)), unit_of_work() as web:
            set_scope(web, facility_id=FACILITY, principal_id=desk.account.id)
            actor = replace(desk.principal.actor, facility_code=FACILITY)
            event = audit.record_list(web, actor, action="visit.list", subjects=[owner])
        assert (event is not None) is is_told
