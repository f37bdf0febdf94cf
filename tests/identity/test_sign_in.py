"""Signing in over real HTTP, and everything that a provider or an app may get wrong (R1-R3)."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.devprovider import DESK, DemoPerson
from phr_api.devprovider.server import Providers
from phr_api.identity.models import (
    Account,
    AccountNotice,
    AccountSession,
    ProfileIdentifier,
    ProfileLink,
)
from phr_api.identity.openid import OpenIdClient
from phr_api.kit import clock
from phr_api.kit.db import SessionFactory
from tests.factories.people import NAME, link, make_account, make_profile, new_number
from tests.identity.walking import (
    attempt_body,
    begin,
    complete,
    new_person,
    sign_in,
    visit_provider,
)


@pytest.fixture
def person(providers: Providers) -> DemoPerson:
    """Somebody with a number of this test's own."""
    return new_person(providers)


def account_of(session: Session, subject: str) -> Account:
    account = session.scalar(select(Account).where(Account.subject == subject))
    assert account is not None
    return account


def profile_of(session: Session, subject: str) -> object:
    account = account_of(session, subject)
    return session.scalar(
        select(ProfileLink.profile_id).where(ProfileLink.account_id == account.id)
    )


def test_a_citizen_signs_in_and_is_linked_to_their_person(
    client: FlaskClient, session: Session, person: DemoPerson
) -> None:
    answer = sign_in(client, person.subject)

    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == {"accessToken", "expiresIn", "refreshToken", "tokenType"}
    assert answer.json["expiresIn"] == 600
    own = profile_of(session, person.subject)
    numbers = session.execute(
        select(ProfileIdentifier.value, ProfileIdentifier.assurance).where(
            ProfileIdentifier.profile_id == own
        )
    ).all()
    assert numbers == [(person.citizen_number, "verified")]


def test_a_person_known_from_a_hospital_is_found_by_number_name_and_birth(
    client: FlaskClient, session: Session, person: DemoPerson
) -> None:
    known = make_profile(session, numbers=[("citizen-id", person.citizen_number or "", "received")])
    assert sign_in(client, person.subject).status_code == 200
    assert profile_of(session, person.subject) == known.id


def test_a_declared_number_links_nobody(
    client: FlaskClient, session: Session, person: DemoPerson
) -> None:
    other = make_profile(session, numbers=[("citizen-id", person.citizen_number or "", "declared")])
    assert sign_in(client, person.subject).status_code == 200
    assert profile_of(session, person.subject) != other.id


@pytest.mark.parametrize(
    "known", [{"full_name": "Trần Thị Thử Khác"}, {"birth": "1991-02-28"}], ids=["name", "birth"]
)
def test_a_known_number_with_another_name_or_birth_links_nothing_and_says_so(
    client: FlaskClient, session: Session, person: DemoPerson, known: dict[str, str]
) -> None:
    number = ("citizen-id", person.citizen_number or "", "received")
    make_profile(session, numbers=[number], **known)

    assert sign_in(client, person.subject).status_code == 200

    assert profile_of(session, person.subject) is None
    notices = session.scalars(
        select(AccountNotice.kind).where(
            AccountNotice.account_id == account_of(session, person.subject).id
        )
    ).all()
    assert notices == ["identity-disagrees"]


def test_a_second_account_for_a_linked_person_is_refused_and_the_first_is_told(
    client: FlaskClient, session: Session, person: DemoPerson
) -> None:
    known = make_profile(session, numbers=[("citizen-id", person.citizen_number or "", "verified")])
    first = make_account(session)
    link(session, first, known)

    for _ in range(2):
        answer = sign_in(client, person.subject)
        assert answer.status_code == 409
        assert answer.json is not None
        assert answer.json["type"] == "/problems/identity/profile-already-linked"

    # twice refused, told once: a notice a day is enough
    notices = session.scalars(
        select(AccountNotice.kind).where(AccountNotice.account_id == first.id)
    ).all()
    assert notices == ["second-account-refused"]
    second = account_of(session, person.subject)
    sessions = select(AccountSession).where(AccountSession.account_id == second.id)
    assert session.scalars(sessions).all() == []


@pytest.mark.parametrize("claim", ["citizen_number", "name", "birthdate"])
def test_without_all_three_claims_nothing_is_linked(
    client: FlaskClient, session: Session, person: DemoPerson, providers: Providers, claim: str
) -> None:
    providers.citizen.faults.without = (claim,)
    assert sign_in(client, person.subject).status_code == 200
    assert profile_of(session, person.subject) is None


def test_a_number_that_is_none_links_nothing(
    client: FlaskClient, session: Session, person: DemoPerson, providers: Providers
) -> None:
    providers.citizen.faults.claims = {"citizen_number": "999990000000"}
    assert sign_in(client, person.subject).status_code == 200
    assert profile_of(session, person.subject) is None


FAULTS: dict[str, dict[str, Any]] = {
    "wrong nonce": {"wrong_nonce": True},
    "wrong audience": {"wrong_audience": True},
    "an audience beside ours": {"second_audience": True},
    "wrong issuer": {"wrong_issuer": True},
    "expired": {"expired": True},
    "issued tomorrow": {"issued_tomorrow": True},
    "unknown key": {"unknown_kid": True},
    "signed by another key": {"wrong_signature": True},
    "not signed": {"algorithm": "none"},
    "signed with a public value as secret": {"algorithm": "HS256"},
    "for another party": {"claims": {"azp": "another-client"}},
    "no expiry": {"without": ("exp",)},
    "no nonce": {"without": ("nonce",)},
    "no subject": {"without": ("sub",)},
    "a name that is no text": {"claims": {"name": "a\x00b"}},
    "a birth that is no date": {"claims": {"birthdate": "1990-02-31"}},
    "an expiry that is no number": {"claims": {"exp": "soon"}},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_an_id_token_that_does_not_hold_signs_nobody_in(
    client: FlaskClient, person: DemoPerson, providers: Providers, faults: dict[str, Any]
) -> None:
    for name, value in faults.items():
        setattr(providers.citizen.faults, name, value)

    answer = sign_in(client, person.subject)

    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/sign-in-refused"
    providers.citizen.faults.reset()
    assert sign_in(client, person.subject).status_code == 200


def test_rs256_is_accepted_too(
    client: FlaskClient, person: DemoPerson, providers: Providers
) -> None:
    providers.citizen.faults.algorithm = "RS256"
    assert sign_in(client, person.subject).status_code == 200


def test_keys_are_fetched_once_and_not_again_for_every_bad_token(
    client: FlaskClient, person: DemoPerson, providers: Providers
) -> None:
    sign_in(client, person.subject)
    providers.citizen.faults.unknown_kid = True
    for _ in range(5):
        assert sign_in(client, person.subject).status_code == 403
    assert providers.citizen.requests["jwks"] == 1
    assert providers.citizen.requests["discovery"] == 1


def test_a_rotated_key_is_fetched_when_it_is_first_seen(
    client: FlaskClient, person: DemoPerson, providers: Providers
) -> None:
    assert sign_in(client, person.subject).status_code == 200
    providers.citizen.keys = type(providers.citizen.keys)()
    with clock.moved(timedelta(minutes=2)):
        assert sign_in(client, person.subject).status_code == 200
    assert providers.citizen.requests["jwks"] == 2


def test_no_connection_is_held_while_the_provider_answers(
    client: FlaskClient, person: DemoPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    ask = OpenIdClient._request

    def counting(self: OpenIdClient, *arguments: Any) -> httpx.Response:
        held.append(SessionFactory.kw["bind"].pool.checkedout())
        return ask(self, *arguments)

    monkeypatch.setattr(OpenIdClient, "_request", counting)
    assert sign_in(client, person.subject).status_code == 200
    assert held == [0, 0, 0]  # discovery, token, keys


def test_a_provider_that_fails_is_a_passing_problem(
    client: FlaskClient, person: DemoPerson, providers: Providers
) -> None:
    providers.citizen.faults.token_endpoint_fails = True
    answer = sign_in(client, person.subject)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/provider-unavailable"


def test_an_attempt_is_good_once(client: FlaskClient, person: DemoPerson) -> None:
    attempt = begin(client)
    body = visit_provider(attempt, person.subject)
    assert complete(client, attempt, body).status_code == 200
    again = complete(client, attempt, body)
    assert again.status_code == 410
    assert again.json is not None
    assert again.json["type"] == "/problems/identity/sign-in-attempt-over"


def test_an_attempt_is_over_after_ten_minutes(client: FlaskClient, person: DemoPerson) -> None:
    attempt = begin(client)
    body = visit_provider(attempt, person.subject)
    with clock.moved(timedelta(minutes=10, seconds=1)):
        assert complete(client, attempt, body).status_code == 410


@pytest.mark.parametrize(
    "change", [{"state": "another-state"}, {"codeVerifier": "x" * 43}], ids=["state", "verifier"]
)
def test_somebody_elses_answer_ends_the_attempt(
    client: FlaskClient, person: DemoPerson, change: dict[str, str]
) -> None:
    attempt = begin(client)
    body = visit_provider(attempt, person.subject)
    answer = complete(client, attempt, body | change)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/sign-in-attempt-mismatch"
    assert complete(client, attempt, body).status_code == 410


def test_a_code_that_the_provider_did_not_give_is_refused(
    client: FlaskClient, person: DemoPerson
) -> None:
    attempt = begin(client)
    body = visit_provider(attempt, person.subject)
    assert complete(client, attempt, body | {"code": "made-up"}).status_code == 403


def test_an_unknown_attempt_is_over(client: FlaskClient, providers: Providers) -> None:
    body = {"code": "c", "state": "s", "codeVerifier": "v" * 43}
    assert complete(client, {"id": uuid4()}, body).status_code == 410


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"provider": "nobody"}, "identity/unknown-provider"),
        ({"redirectUri": "http://example.org/back"}, "identity/redirect-not-allowed"),
        ({"redirectUri": "javascript:alert(1)"}, "identity/redirect-not-allowed"),
        ({"redirectUri": "https://evil.example/cb"}, "identity/redirect-not-allowed"),
        ({"redirectUri": "javascript.x:alert(1)"}, "identity/redirect-not-allowed"),
        ({"codeChallenge": "short"}, "invalid-request"),
        ({"codeChallenge": "x" * 43 + "\n"}, "invalid-request"),
        ({"provider": "a\x00b"}, "invalid-request"),
        ({"provider": "\ud800"}, "invalid-request"),
        ({"extra": 1}, "invalid-request"),
    ],
)
def test_an_attempt_that_may_not_begin_says_why(
    client: FlaskClient, providers: Providers, change: dict[str, Any], slug: str
) -> None:
    # in ASCII: a lone surrogate has no UTF-8
    body = json.dumps(attempt_body(**change))
    answer = client.post("/v1/sign-in/attempts", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["type"] == f"/problems/{slug}"


def test_one_device_begins_only_so_many_attempts(client: FlaskClient, providers: Providers) -> None:
    body = attempt_body()
    answers = [client.post("/v1/sign-in/attempts", json=body) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_staff_sign_in_with_a_second_factor_only(
    client: FlaskClient, session: Session, providers: Providers
) -> None:
    assert sign_in(client, DESK.subject, provider="dev-staff").status_code == 200
    providers.staff.faults.claims = {"amr": [{"pwd": 1}, "sms"]}
    answer = sign_in(client, DESK.subject, provider="dev-staff")
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["type"] == "/problems/identity/second-factor-needed"


def test_staff_are_linked_to_no_person_whatever_their_provider_says(
    client: FlaskClient, session: Session, providers: Providers
) -> None:
    claims = {"citizen_number": new_number(), "name": NAME, "birthdate": "1990-02-28"}
    providers.staff.faults.claims = claims
    assert sign_in(client, DESK.subject, provider="dev-staff").status_code == 200
    accounts = select(Account.id).where(Account.issuer == providers.staff.issuer)
    account_id = session.scalar(accounts)
    assert session.get(ProfileLink, account_id) is None


def test_staff_do_not_open_their_own_record_at_work(
    client: FlaskClient, session: Session, providers: Providers
) -> None:
    """An issuer that was the citizens' first: the account is linked, and works now."""
    own = make_profile(session)
    account = make_account(session, issuer=providers.staff.issuer)
    account.subject = DESK.subject
    session.commit()
    link(session, account, own)

    answer = sign_in(client, DESK.subject, provider="dev-staff")

    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {(answer.json or {})['accessToken']}"}
    assert client.get(f"/v1/profiles/{own.id}/health-book", headers=headers).status_code == 403
    assert client.get("/v1/sessions", headers=headers).status_code == 200


def test_the_providers_are_listed_for_everybody(client: FlaskClient) -> None:
    answer = client.get("/v1/sign-in/providers")
    assert answer.json is not None
    assert {item["id"] for item in answer.json["items"]} == {"dev-citizen", "dev-staff"}
    assert set(answer.json["items"][0]) == {"id", "label", "audience", "assurance"}
