"""What the functions that look across people demand of the roles that call them (R1, R10).

They are the last line: whatever the web process is made to send, a missing or unlimited value
proves nobody.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.identity.models import ActivationCode, ProfileLink
from phr_api.kit import clock
from tests.factories.people import (
    BIRTH,
    NAME,
    SignedIn,
    make_account,
    make_profile,
    make_staff,
    new_number,
)

INSUFFICIENT_PRIVILEGE = "42501"
NULL_NOT_ALLOWED = "22004"
INVALID_PARAMETER = "22023"

_BEGIN = text(
    "INSERT INTO sign_in_attempt (id, provider, nonce, state, code_challenge, redirect_uri,"
    " installation_id, device_name, device_platform, created_at, expires_at)"
    " VALUES (:id, 'dev-citizen', 'n', 's', 'c', 'r', :id, 'd', 'android', :at,"
    " CAST(:at AS timestamptz) + interval '10 minutes')"
)
_USE = text("UPDATE sign_in_attempt SET used_at = :at WHERE id = :id")
_ACCOUNT = text("SELECT sign_in_account(:new, :attempt, 'https://provider.test', :subject, :at)")
_LINK = text(
    "SELECT outcome, person FROM link_by_claims(:attempt, :account, :notice, :new, :identifier,"
    " :number, :full_name, :name_key, :search_key, :sex, :birth, :earliest, :latest, :at)"
)
_ISSUE = text(
    "SELECT outcome, person, reasons FROM issue_activation(:account, :session, :facility, :code,"
    " :hash, :document, :new, :identifier, :number, :full_name, :name_key, :search_key, :sex,"
    " :birth, :earliest, :latest, :at)"
)
_MATCH = text(
    "SELECT outcome, person FROM match_person(:systems, :values, :cards, :name_key, :earliest,"
    " :latest, :is_newborn, :locks)"
)

Call = Callable[..., Row[Any]]


def person(number: str) -> dict[str, Any]:
    born = date.fromisoformat(BIRTH)
    return {
        "new": uuid4(),
        "identifier": uuid4(),
        "number": number,
        "full_name": NAME,
        "name_key": NAME.casefold(),
        "search_key": "nguyen thi thu nghiem",
        "sex": "female",
        "birth": BIRTH,
        "earliest": born,
        "latest": born,
    }


@pytest.fixture
def number(session: Session) -> str:
    """The number of somebody whom a hospital knows."""
    number = new_number()
    make_profile(session, numbers=[("citizen-id", number, "received")])
    return number


@pytest.fixture
def desk(app: object, session: Session) -> SignedIn:
    return make_staff(session)


def attempt_of(web: Engine, *, used_at: datetime | None = None) -> UUID:
    """Begin an attempt, and use it up at that time if one is given."""
    attempt = uuid4()
    with web.begin() as connection:
        connection.execute(_BEGIN, {"id": attempt, "at": clock.now()})
        if used_at is not None:
            connection.execute(_USE, {"id": attempt, "at": used_at})
    return attempt


def account_of(web: Engine, attempt: UUID) -> UUID:
    parameters = {"new": uuid4(), "attempt": attempt, "subject": uuid4().hex, "at": clock.now()}
    with web.begin() as connection:
        return UUID(str(connection.scalar(_ACCOUNT, parameters)))


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(DBAPIError) as refused:
        call()
    return str(getattr(refused.value.orig, "sqlstate", None))


@pytest.fixture
def linking(engines: dict[str, Engine], number: str) -> Call:
    """Link by claims as the web's role, by an attempt that proves it, with some values changed."""
    web = engines["phr_web"]

    def call(**changes: Any) -> Row[Any]:
        attempt = attempt_of(web, used_at=clock.now())
        proof = {"attempt": attempt, "account": account_of(web, attempt), "at": clock.now()}
        values = person(number) | proof | {"notice": uuid4()} | changes
        with web.begin() as connection:
            return connection.execute(_LINK, values).one()

    return call


@pytest.fixture
def issuing(engines: dict[str, Engine], desk: SignedIn, number: str) -> Call:
    """Issue an activation code as the web's role, with some values changed."""

    def call(**changes: Any) -> Row[Any]:
        values = {
            "account": desk.account.id,
            "session": desk.session.id,
            "facility": "99001",
            "code": uuid4(),
            "hash": uuid4().bytes,
            "document": "citizen-card",
            "at": clock.now(),
        }
        with engines["phr_web"].begin() as connection:
            return connection.execute(_ISSUE, person(number) | values | changes).one()

    return call


@pytest.fixture
def matching(engines: dict[str, Engine], number: str) -> Call:
    """Match as the worker's role, with some values changed."""

    def call(**changes: Any) -> Row[Any]:
        values = {"systems": ["citizen-id"], "values": [number], "cards": [], "locks": []}
        born = {"earliest": date.fromisoformat(BIRTH), "latest": date.fromisoformat(BIRTH)}
        who = values | born | {"name_key": NAME.casefold(), "is_newborn": False}
        with engines["phr_worker"].begin() as connection:
            return connection.execute(_MATCH, who | changes).one()

    return call


def test_all_that_is_proved_links(session: Session, linking: Call) -> None:
    linked = linking()
    assert linked.outcome == "linked"
    held = session.query(ProfileLink).filter_by(profile_id=linked.person).one()
    assert held.method == "provider"


PERSON = ("number", "name_key", "full_name", "birth", "earliest", "latest", "at")


@pytest.mark.parametrize("missing", PERSON)
def test_a_missing_claim_links_nobody(linking: Call, missing: str) -> None:
    assert refusal(lambda: linking(**{missing: None})) == NULL_NOT_ALLOWED


def test_a_provider_gives_a_whole_birth(linking: Call) -> None:
    year = {"birth": "1990", "earliest": date(1990, 1, 1), "latest": date(1990, 12, 31)}
    assert refusal(lambda: linking(**year)) == INVALID_PARAMETER


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [(date(1900, 1, 1), date(2100, 1, 1)), (date(1990, 12, 31), date(1990, 1, 1))],
    ids=["two centuries", "the wrong way round"],
)
def test_a_birth_is_within_one_year(
    linking: Call, issuing: Call, matching: Call, earliest: date, latest: date
) -> None:
    for call in (linking, issuing, matching):
        assert refusal(lambda c=call: c(earliest=earliest, latest=latest)) == INVALID_PARAMETER  # type: ignore[misc]


def test_an_account_is_linked_by_its_own_sign_in_only(
    engines: dict[str, Engine], session: Session, linking: Call
) -> None:
    web = engines["phr_web"]
    bare = make_account(session)
    assert refusal(lambda: linking(account=bare.id)) == INSUFFICIENT_PRIVILEGE
    assert refusal(lambda: linking(attempt=uuid4())) == INSUFFICIENT_PRIVILEGE
    assert refusal(lambda: linking(attempt=None)) == NULL_NOT_ALLOWED
    assert refusal(lambda: linking(account=None)) == NULL_NOT_ALLOWED
    assert refusal(lambda: linking(attempt=attempt_of(web))) == INSUFFICIENT_PRIVILEGE
    later = clock.now() + timedelta(minutes=6)
    assert refusal(lambda: linking(at=later)) == INSUFFICIENT_PRIVILEGE


def test_an_attempt_names_one_account_after_it_was_used(engines: dict[str, Engine]) -> None:
    web = engines["phr_web"]
    open_one = attempt_of(web)
    assert refusal(lambda: account_of(web, open_one)) == INSUFFICIENT_PRIVILEGE
    old = attempt_of(web, used_at=clock.now() - timedelta(minutes=6))
    assert refusal(lambda: account_of(web, old)) == INSUFFICIENT_PRIVILEGE
    used = attempt_of(web, used_at=clock.now())
    account = account_of(web, used)
    assert refusal(lambda: account_of(web, used)) == INSUFFICIENT_PRIVILEGE
    name = text("UPDATE sign_in_attempt SET account_id = :account WHERE id = :id")

    def rename() -> None:
        with web.begin() as connection:
            connection.execute(name, {"account": account, "id": open_one})

    assert refusal(rename) == INSUFFICIENT_PRIVILEGE


@pytest.mark.parametrize("missing", [*PERSON, "code", "hash", "document", "facility"])
def test_a_missing_value_issues_no_code(session: Session, issuing: Call, missing: str) -> None:
    assert refusal(lambda: issuing(**{missing: None})) == NULL_NOT_ALLOWED


def test_a_code_lives_a_day_whatever_the_caller_says(session: Session, issuing: Call) -> None:
    code, at = uuid4(), clock.now()
    assert issuing(code=code, at=at).outcome == "issued"
    assert session.get_one(ActivationCode, code).expires_at == at + timedelta(hours=24)


def test_another_name_issues_no_code(issuing: Call) -> None:
    refused = issuing(name_key="trần thị thử khác")
    assert (refused.outcome, refused.person, refused.reasons) == ("disagrees", None, ["name"])


@pytest.mark.parametrize(
    "missing",
    ["systems", "values", "cards", "name_key", "earliest", "latest", "is_newborn", "locks"],
)
def test_a_missing_value_matches_nobody(matching: Call, missing: str) -> None:
    assert matching().outcome == "matched"
    assert refusal(lambda: matching(**{missing: None})) == NULL_NOT_ALLOWED


def test_staff_use_no_code(engines: dict[str, Engine], desk: SignedIn, issuing: Call) -> None:
    code = uuid4().bytes
    assert issuing(hash=code).outcome == "issued"
    use = text("SELECT outcome FROM use_activation(:account, :session, :hash, :notice, :at)")
    values = {"account": desk.account.id, "session": desk.session.id, "at": clock.now()}
    with engines["phr_web"].begin() as web:
        web.execute(
            text("SELECT set_config('phr.account_id', :account, true)"),
            {"account": str(desk.account.id)},
        )
        assert web.scalar(use, values | {"hash": code, "notice": uuid4()}) == "not-allowed"


def test_a_used_attempt_cannot_be_made(engines: dict[str, Engine]) -> None:
    made = text(
        "INSERT INTO sign_in_attempt (id, provider, nonce, state, code_challenge, redirect_uri,"
        " installation_id, device_name, device_platform, created_at, expires_at, used_at)"
        " VALUES (:id, 'dev-citizen', 'n', 's', 'c', 'r', :id, 'd', 'android', now(), now(), now())"
    )

    def make() -> None:
        with engines["phr_web"].begin() as web:
            web.execute(made, {"id": uuid4()})

    assert refusal(make) == INSUFFICIENT_PRIVILEGE


@pytest.mark.parametrize(
    "change",
    [
        "session SET assurance = 'record'",
        "session SET kind = 'staff'",
        "session SET has_second_factor = true",
        "session SET signed_in_at = now()",
        "session SET account_id = gen_random_uuid()",
        "device SET account_id = gen_random_uuid()",
        "refresh_token SET token_hash = 'x'",
        "account_notice SET kind = 'x'",
    ],
)
def test_what_a_sign_in_proved_is_not_changed_afterwards(web_connection: Any, change: str) -> None:
    update = text(f"UPDATE {change}")
    assert refusal(lambda: web_connection.execute(update)) == INSUFFICIENT_PRIVILEGE
    web_connection.rollback()
