"""Every operation x every role x somebody else's record. A new operation must find its row here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.records import Taken
from tests.consent.test_carers import family
from tests.contract.rows import FACILITY, MINE, PERSONAL, PUBLIC, QUERIES, extra_ids
from tests.factories.consent import make_carer
from tests.factories.people import (
    Citizen,
    make_citizen,
    make_phone,
    make_profile,
    make_staff,
    make_system,
)
from tests.healthbook.test_entries import ALLERGY
from tests.records.conftest import send  # noqa: F401 - a fixture
from tests.records.files import a_file, a_visit, key_of

OURS, THEIRS = "99001", "99002"


@dataclass(frozen=True, slots=True)
class House:
    """A person with a full record at our facility, and one caller of every kind."""

    ids: dict[str, str]
    victim: Citizen
    callers: dict[str, dict[str, str]]


def call(
    client: FlaskClient, house: House, operation: str, body: Any, headers: dict[str, str]
) -> TestResponse:
    method, path = operation.split(" ")
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    kind = {"Content-Type": "application/xml"} if isinstance(body, bytes) else {}
    more = {"Idempotency-Key": uuid4().hex, "If-Match": '"any"'}
    return client.open(
        path.format(**house.ids) + QUERIES.get(operation, ""),
        method=method,
        headers=headers | more | kind,
        **(sent if body is not None else {}),
    )


@pytest.fixture
def house(
    client: FlaskClient,
    session: Session,
    send: Callable[..., Taken],  # noqa: F811
) -> House:
    """What there is to steal, made through the application itself."""
    mother, child, _ = family(session)
    carer = make_carer(session, account=mother.account, child=child)
    victim = make_citizen(session)
    number = session.scalar(
        text("SELECT value FROM profile_identifier WHERE profile_id = :id"),
        {"id": victim.profile.id},
    )
    visit = a_visit(number=number, NGAY_TAI_KHAM="20261105")
    visit["XML14"] = [{"MA_LK": key_of(visit), "SO_GIAYHEN_KL": "HKL-1", "NGAY_HEN_KL": "20261105"}]
    waiting = a_visit(number=number, name="Trần Văn Khác Hẳn")
    taken = send(a_file(visit, waiting))
    assert taken.counts == {"accepted": 1, "needs-review": 1}
    profile = f"/v1/profiles/{victim.profile.id}"
    ids = {"profile_id": str(victim.profile.id), "code": OURS, "visit": key_of(visit)}
    ids |= {"carer_id": str(carer.id), "submission_id": str(taken.submission_id)}
    ids["review_id"] = str(
        session.scalar(
            text("SELECT id FROM received_visit WHERE ma_lk = :key"), {"key": key_of(waiting)}
        )
    )
    for name in ("encounter", "paper"):
        items = client.get(f"{profile}/{name}s", headers=victim.headers).get_json()["items"]
        ids[f"{name}_id"] = items[0]["id"]
    made = client.post(
        f"{profile}/allergies",
        json=ALLERGY,
        headers=victim.headers | {"Idempotency-Key": uuid4().hex},
    )
    ids["entry_id"] = made.get_json()["id"]
    ids |= {"session_id": str(victim.session.id), "device_id": str(victim.session.device_id)}
    declared = client.post(
        "/v1/me/identifiers",
        json=MINE["POST /v1/me/identifiers"],
        headers=victim.headers | {"Idempotency-Key": uuid4().hex},
    )
    ids["identifier_id"] = declared.get_json()["id"]
    return House(ids | extra_ids(session, victim), victim, callers(session))


def callers(session: Session) -> dict[str, dict[str, str]]:
    """Everybody who could come by, none of them with a right to the victim's record."""
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=make_profile(session, birth="2021-01-01"))
    return {
        "stranger": make_citizen(session).headers,
        "carer of another": parent.headers,
        "desk": make_staff(session, facility_code=OURS).headers,
        "doctor": make_staff(session, facility_code=OURS, role="doctor").headers,
        "viewer": make_staff(session, facility_code=OURS, role="viewer").headers,
        "phone session": make_phone(session).headers,
        "desk elsewhere": make_staff(session, facility_code=THEIRS).headers,
        "doctor elsewhere": make_staff(session, facility_code=THEIRS, role="doctor").headers,
        "desk without second factor": make_staff(session, has_second_factor=False).headers,
        "system": make_system(session, facility_codes=[OURS]).headers,
        "directory": make_system(session, facility_codes=[], scopes=["facilities.write"]).headers,
        "system elsewhere": make_system(session, facility_codes=[THEIRS]).headers,
    }


def test_every_operation_has_its_row(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    documented = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    }
    rows = [PUBLIC, set(MINE), set(PERSONAL), set(FACILITY)]
    assert documented == set.union(*rows)
    assert sum(map(len, rows)) == len(documented)


def test_nobody_gets_at_somebody_elses_record(client: FlaskClient, house: House) -> None:
    got = {
        (operation, name): status
        for operation, body in PERSONAL.items()
        for name, headers in house.callers.items()
        if (status := call(client, house, operation, body, headers).status_code) not in {403, 404}
    }
    assert got == {}


def test_the_owner_does_get_at_it(client: FlaskClient, house: House) -> None:
    """Or the refusals above would prove nothing."""
    refused = {
        operation: status
        for operation, body in PERSONAL.items()
        if not operation.startswith("DELETE")
        and "{entry_id}" not in operation
        and (status := call(client, house, operation, body, house.victim.headers).status_code)
        not in {200, 201, 204, 409, 412}  # a change whose version is not the current one
    }
    assert refused == {}


def test_without_a_token_there_is_nothing(client: FlaskClient, house: House) -> None:
    rows = MINE | PERSONAL | {name: body for name, (_, body) in FACILITY.items()}
    for headers in (
        {},
        {"Authorization": "Bearer forged.token.here"},
        {"Authorization": "Basic x"},
    ):
        answered = {
            operation: status
            for operation, body in rows.items()
            if (status := call(client, house, operation, body, headers).status_code) != 401
        }
        assert answered == {}


def test_a_facilitys_lists_are_for_its_own_roles(client: FlaskClient, house: House) -> None:
    wrong = {}
    for operation, (roles, body) in FACILITY.items():
        for name, headers in house.callers.items():
            status = call(client, house, operation, body, headers).status_code
            may = name in roles
            if may != (status not in {401, 403, 404}) and not _nobody_found(operation, may=may):
                wrong[operation, name] = status
    assert wrong == {}


def _nobody_found(operation: str, *, may: bool) -> bool:
    """The desk may record carers; of the two people in this body nobody knows anything.

    Nor of the service that a guest is to be booked at.
    """
    return may and operation in {
        "POST /v1/facilities/{code}/bookings",
        "POST /v1/facilities/{code}/carers",
        "POST /v1/facilities/{code}/carers/{carer_id}/suspension",
    }


def test_ones_own_things_are_for_accounts(client: FlaskClient, house: House) -> None:
    for name in ("stranger", "carer of another", "desk", "doctor"):
        for operation, body in MINE.items():
            status = call(client, house, operation, body, house.callers[name]).status_code
            assert status < 500, (operation, name)
            assert status != 401, (operation, name)
    for operation, body in MINE.items():
        status = call(client, house, operation, body, house.callers["system"]).status_code
        assert status in {403, 404}, operation
