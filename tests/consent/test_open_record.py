"""Opening a record: the right is checked, the scope set, the trace written, or nothing is seen."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope, open_record
from phr_api.consent.problems import RecordSignInNeeded
from phr_api.identity import Principal
from phr_api.identity.models import Profile
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import NotFound, NotSignedIn
from phr_api.vocab import ProfileId, SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.people import make_citizen, make_profile, make_staff, make_system

ALL = frozenset(SensitivityClass)


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    """The database and the keys of the application are in place."""


def opened(principal: Principal, profile: Profile, *, power: str = "see") -> RecordScope:
    with unit_of_work() as session:
        return open_record(
            session, principal, ProfileId(profile.id), action="book.read", power=power
        )


def traces(session: Session, profile: Profile) -> list[str]:
    rows = session.execute(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :person"
        ),
        {"person": profile.id},
    )
    return [action for (action,) in rows]


def refusals(session: Session, profile: Profile) -> int:
    query = text("SELECT count(*) FROM audit_refusal WHERE profile_id = :person")
    return int(session.execute(query, {"person": profile.id}).scalar_one())


def test_ones_own_record_opens_in_full_and_leaves_no_row(session: Session) -> None:
    citizen = make_citizen(session)
    scope = opened(citizen.principal, citizen.profile)
    assert (scope.relation, scope.classes, scope.is_full_view) == ("self", ALL, True)
    assert traces(session, citizen.profile) == []


def test_a_stranger_finds_nothing_and_the_refusal_stays(session: Session) -> None:
    citizen, stranger = make_citizen(session), make_citizen(session)
    with pytest.raises(NotFound):
        opened(stranger.principal, citizen.profile)
    assert refusals(session, citizen.profile) == 1
    assert traces(session, citizen.profile) == []


def test_staff_and_systems_have_no_right_by_being_one(session: Session) -> None:
    citizen = make_citizen(session)
    for principal in (make_staff(session).principal, make_system(session).principal):
        with pytest.raises(NotFound):
            opened(principal, citizen.profile)
    assert refusals(session, citizen.profile) == 2


def test_an_ended_session_opens_nothing_from_the_commit_on(session: Session) -> None:
    citizen = make_citizen(session)
    citizen.session.ended_at = clock.now()
    session.merge(citizen.session)
    session.commit()
    with pytest.raises(NotSignedIn):
        opened(citizen.principal, citizen.profile)


def test_a_session_below_record_level_is_told_to_sign_in_again(session: Session) -> None:
    citizen = make_citizen(session, assurance="account")
    with pytest.raises(RecordSignInNeeded):
        opened(citizen.principal, citizen.profile)


def test_a_carer_opens_the_childs_record_and_it_is_traced(session: Session) -> None:
    parent, child = make_citizen(session), make_profile(session, birth="2020-06-01")
    make_carer(session, account=parent.account, child=child)
    scope = opened(parent.principal, child)
    assert (scope.relation, scope.classes, scope.is_full_view) == ("carer", ALL, False)
    assert traces(session, child) == ["book.read"]


@pytest.mark.parametrize(("birth", "sees"), [("2012-01-01", True), ("2011", False)])
def test_from_fifteen_sensitive_facts_are_hidden_from_a_carer(
    session: Session, *, birth: str, sees: bool
) -> None:
    """A birth with unknown parts counts from its first day: hidden too early, never too late."""
    parent, child = make_citizen(session), make_profile(session, birth=birth)
    make_carer(session, account=parent.account, child=child)
    assert clock.today().year == 2026 or not sees
    assert opened(parent.principal, child).classes == (ALL if sees else frozenset())


def test_a_power_that_was_not_named_opens_nothing(session: Session) -> None:
    parent, child = make_citizen(session), make_profile(session, birth="2020-06-01")
    make_carer(session, account=parent.account, child=child, powers=("book",))
    with pytest.raises(NotFound):
        opened(parent.principal, child)
    assert opened(parent.principal, child, power="book").powers == {"book"}


def test_a_carer_who_is_suspended_or_whose_time_is_over_opens_nothing(session: Session) -> None:
    parent, child = make_citizen(session), make_profile(session, birth="2020-06-01")
    carer = make_carer(session, account=parent.account, child=child, years=1)
    with clock.moved(timedelta(days=20)):
        assert opened(parent.principal, child).relation == "carer"
    carer.suspended_at = clock.now()
    session.merge(carer)
    session.commit()
    with pytest.raises(NotFound):
        opened(parent.principal, child)
