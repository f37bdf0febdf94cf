"""Activation codes: a desk saw the document, the citizen types the code (R1)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.audit.models import AuditEvent, AuditSubject
from phr_api.identity.models import (
    AccountNotice,
    AccountSession,
    ActivationCode,
    Disagreement,
    Membership,
    ProfileLink,
)
from phr_api.kit import clock
from tests.factories.people import (
    BIRTH,
    NAME,
    SignedIn,
    bearer,
    link,
    make_account,
    make_citizen,
    make_profile,
    make_session,
    make_staff,
    make_system,
    new_number,
    principal_of,
)


@pytest.fixture
def desk(app: object, session: Session) -> SignedIn:
    return make_staff(session)


@pytest.fixture
def newcomer(app: object, session: Session) -> SignedIn:
    """A citizen whose account is linked to nobody yet."""
    account = make_account(session)
    row = make_session(session, account)
    principal = principal_of(row)
    return SignedIn(account=account, session=row, principal=principal, headers=bearer(principal))


def seen(number: str, **changes: Any) -> dict[str, Any]:
    return {
        "citizenNumber": number,
        "fullName": NAME,
        "birth": BIRTH,
        "document": "citizen-card",
    } | changes


def issue(
    client: FlaskClient, who: dict[str, str], body: dict[str, Any], *, key: str | None = None
) -> TestResponse:
    headers = who | {"Idempotency-Key": key or uuid4().hex}
    return client.post("/v1/facilities/99001/activation-codes", json=body, headers=headers)


def use(client: FlaskClient, who: SignedIn, code: str) -> TestResponse:
    return client.post("/v1/me/activation", json={"code": code}, headers=who.headers)


def code_for(client: FlaskClient, desk: SignedIn, number: str) -> str:
    answer = issue(client, desk.headers, seen(number))
    assert answer.status_code == 201, answer.text
    return str((answer.json or {})["code"])


def test_a_code_links_the_account_to_the_person(
    client: FlaskClient, session: Session, desk: SignedIn, newcomer: SignedIn
) -> None:
    number = new_number()
    known = make_profile(session, numbers=[("citizen-id", number, "received")])
    code = code_for(client, desk, number)

    # as a person types it
    assert use(client, newcomer, code.lower().replace("-", " ")).status_code == 204

    own = session.get_one(ProfileLink, newcomer.account.id)
    assert (own.profile_id, own.method) == (known.id, "desk")
    actions = session.scalars(
        select(AuditEvent.action)
        .join(AuditSubject, AuditSubject.event_id == AuditEvent.id)
        .where(AuditSubject.profile_id == known.id)
        .order_by(AuditEvent.id)
    ).all()
    assert actions == ["activation.issue", "activation.use"]


def test_the_answer_for_an_unknown_person_is_the_same(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    number = new_number()
    make_profile(session, numbers=[("citizen-id", number, "received")])
    known = issue(client, desk.headers, seen(number))
    unknown = issue(client, desk.headers, seen(new_number()))
    assert known.status_code == unknown.status_code == 201
    assert set(known.json or {}) == set(unknown.json or {}) == {"id", "code", "expiresAt"}


def test_a_disagreement_names_the_fields_and_no_values(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    number = new_number()
    make_profile(session, numbers=[("citizen-id", number, "received")])
    body = seen(number, fullName="Trần Thị Thử Khác", birth="1991-01-01")
    answer = issue(client, desk.headers, body)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["fields"] == ["name", "birth"]
    assert NAME not in answer.text
    assert answer.json["type"] == "/problems/identity/identity-disagrees"


def test_a_disagreement_at_a_desk_is_audited_and_counted(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    number = new_number()
    make_profile(session, numbers=[("citizen-id", number, "received")])
    for _ in range(2):
        assert issue(client, desk.headers, seen(number, birth="1991-01-01")).status_code == 409

    events = session.scalars(
        select(AuditEvent).where(
            AuditEvent.actor_id == desk.account.id, AuditEvent.action == "activation.disagrees"
        )
    ).all()
    assert [(one.facility_code, one.details["fields"]) for one in events] == [
        ("99001", ["birth"])
    ] * 2
    counted = select(Disagreement.count).where(Disagreement.client_id == desk.account.id)
    assert session.scalars(counted).all() == [2]


def test_a_code_is_good_once(
    client: FlaskClient, session: Session, desk: SignedIn, newcomer: SignedIn
) -> None:
    code = code_for(client, desk, new_number())
    assert use(client, newcomer, code).status_code == 204
    again = use(client, newcomer, code)
    assert again.status_code == 422
    assert again.json is not None
    assert again.json["type"] == "/problems/identity/activation-code-unknown"


def test_a_code_is_over_after_a_day(
    client: FlaskClient, desk: SignedIn, newcomer: SignedIn
) -> None:
    code = code_for(client, desk, new_number())
    with clock.moved(timedelta(hours=24, seconds=1)):
        later = SignedIn(
            account=newcomer.account,
            session=newcomer.session,
            principal=newcomer.principal,
            headers=bearer(newcomer.principal),
        )
        assert use(client, later, code).status_code == 422


def test_a_person_of_another_account_is_refused_and_that_account_is_told(
    client: FlaskClient, session: Session, desk: SignedIn, newcomer: SignedIn
) -> None:
    number = new_number()
    first = make_citizen(
        session, profile=make_profile(session, numbers=[("citizen-id", number, "verified")])
    )
    answer = use(client, newcomer, code_for(client, desk, number))
    assert answer.status_code == 409
    notices = select(AccountNotice.kind).where(AccountNotice.account_id == first.account.id)
    assert session.scalars(notices).all() == ["second-account-refused"]
    assert session.get(ProfileLink, newcomer.account.id) is None


def test_an_account_with_a_person_gets_no_second_one(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    answer = use(client, make_citizen(session), code_for(client, desk, new_number()))
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/account-has-profile"


def test_the_code_is_not_stored_readable(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    answer = issue(client, desk.headers, seen(new_number())).json or {}
    row = session.get_one(ActivationCode, answer["id"])
    assert answer["code"].encode() not in row.code_hash


def test_a_repeated_request_gets_the_same_code(client: FlaskClient, desk: SignedIn) -> None:
    body, key = seen(new_number()), uuid4().hex
    first = issue(client, desk.headers, body, key=key)
    again = issue(client, desk.headers, body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    other = issue(client, desk.headers, seen(new_number()), key=key)
    assert other.status_code == 422


def test_strangers_of_the_facility_see_nothing_and_other_roles_may_not(
    client: FlaskClient, session: Session, newcomer: SignedIn
) -> None:
    body = seen(new_number())
    elsewhere = make_staff(session, facility_code="99002")
    doctor = make_staff(session, role="doctor")
    one_factor = make_staff(session, has_second_factor=False)
    for who, status in (
        (elsewhere.headers, 404),
        (newcomer.headers, 404),
        (one_factor.headers, 404),
        (doctor.headers, 403),
        (make_system(session).headers, 403),
        ({}, 401),
    ):
        assert issue(client, who, body).status_code == status


def test_a_membership_that_ended_opens_nothing_on_the_next_request(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    code_for(client, desk, new_number())
    session.query(Membership).filter_by(account_id=desk.account.id).update(
        {"ended_at": clock.now()}
    )
    session.commit()
    assert issue(client, desk.headers, seen(new_number())).status_code == 404


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"citizenNumber": "00119000000"}, "invalid-request"),
        ({"citizenNumber": "999990000000"}, "identity/identifier-not-valid"),
        ({"birth": "28-02-1990"}, "invalid-request"),
        ({"birth": "1990-02-31"}, "invalid-request"),
        ({"birth": "2999"}, "invalid-request"),
        ({"document": "photo"}, "invalid-request"),
        ({"fullName": ""}, "invalid-request"),
        ({"note": "x"}, "invalid-request"),
    ],
)
def test_a_document_that_cannot_be_is_refused(
    client: FlaskClient, desk: SignedIn, change: dict[str, str], slug: str
) -> None:
    answer = issue(client, desk.headers, seen(new_number(), **change))
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == f"/problems/{slug}"


def test_codes_are_not_tried_one_after_another(client: FlaskClient, newcomer: SignedIn) -> None:
    statuses = [use(client, newcomer, f"AAAA-BBBB-CC{n:02}").status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]


def test_one_number_gets_only_so_many_codes_a_day(client: FlaskClient, desk: SignedIn) -> None:
    body = seen(new_number())
    statuses = [issue(client, desk.headers, body).status_code for _ in range(6)]
    assert statuses == [201] * 5 + [429]


def test_staff_and_systems_activate_nothing(
    client: FlaskClient, session: Session, desk: SignedIn
) -> None:
    code = code_for(client, desk, new_number())
    assert use(client, desk, code).status_code == 403
    system = make_system(session)
    answer = client.post("/v1/me/activation", json={"code": code}, headers=system.headers)
    assert answer.status_code == 403
    assert client.post("/v1/me/activation", json={"code": code}).status_code == 401


def test_a_link_lowers_the_sessions_at_work_of_the_same_account(
    client: FlaskClient, session: Session, desk: SignedIn, newcomer: SignedIn
) -> None:
    at_work = make_session(session, newcomer.account, kind="staff")
    assert use(client, newcomer, code_for(client, desk, new_number())).status_code == 204
    session.expire_all()
    assert session.get_one(AccountSession, at_work.id).assurance == "account"
    assert session.get_one(AccountSession, newcomer.session.id).assurance == "record"


def test_linking_twice_at_a_desk_and_a_provider_is_one_link(
    client: FlaskClient, session: Session, desk: SignedIn, newcomer: SignedIn
) -> None:
    number = new_number()
    known = make_profile(session, numbers=[("citizen-id", number, "verified")])
    link(session, newcomer.account, known)
    assert use(client, newcomer, code_for(client, desk, number)).status_code == 204
