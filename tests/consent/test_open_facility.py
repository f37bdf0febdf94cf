"""A facility's own lists: who works there or sends for it, now."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.consent import FacilityScope, open_facility
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import NotAllowed, NotFound, NotSignedIn
from tests.factories.people import make_staff, make_system

pytestmark = pytest.mark.usefixtures("app")


def opened(principal: Principal, code: str = "99001") -> FacilityScope:
    with unit_of_work() as session:
        return open_facility(
            session, principal, code, roles=frozenset({"desk", "doctor", "system"})
        )


def test_staff_and_systems_open_their_own_facility_alone(session: Session, app: Flask) -> None:
    for principal, role in (
        (make_staff(session).principal, "desk"),
        (make_staff(session, role="doctor").principal, "doctor"),
        (make_system(session).principal, "system"),
    ):
        scope = opened(principal)
        assert set(scope.roles) == {role}
        assert scope.actor.facility_code == "99001"
        with pytest.raises(NotFound):
            opened(principal, "99002")


def test_a_system_without_the_scope_to_send_may_nothing(session: Session) -> None:
    with pytest.raises(NotAllowed):
        opened(replace(make_system(session).principal, scopes=frozenset()))


def test_a_membership_that_ended_opens_nothing_on_the_next_request(session: Session) -> None:
    staff = make_staff(session)
    assert opened(staff.principal).roles == {"desk"}
    session.execute(
        text("UPDATE membership SET ended_at = :at WHERE account_id = :id"),
        {"at": clock.now(), "id": staff.account.id},
    )
    session.commit()
    with pytest.raises(NotFound):
        opened(staff.principal)


def test_a_system_that_was_ended_is_told_so(session: Session) -> None:
    system = make_system(session)
    session.execute(
        text("UPDATE client SET ended_at = :at WHERE id = :id"),
        {"at": clock.now(), "id": system.client.id},
    )
    session.commit()
    with pytest.raises(NotSignedIn):
        opened(system.principal)
