"""Days on which the book asks a person to come back."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from phr_api.consent import open_record
from phr_api.healthbook import FollowUp, facts, find_follow_ups
from phr_api.kit.db import unit_of_work
from phr_api.vocab import VIETNAM, ProfileId, SensitivityClass
from tests.factories.consent import make_carer
from tests.factories.healthbook import make_directory, make_facts, make_visit
from tests.factories.people import FACILITY, Citizen, make_citizen

pytestmark = pytest.mark.usefixtures("app")

STARTED = datetime(2026, 3, 2, 8, 30, tzinfo=VIETNAM)
ALL = (date(2026, 1, 1), date(2026, 12, 31))


def a_visit(
    *,
    started_at: datetime = STARTED,
    papers: bool = True,
    facility_code: str = FACILITY,
    **columns: Any,
) -> facts.Visit:
    """A visit that asks for nothing unless the columns say so; with `papers`, by its paper too."""
    classes = columns.pop("classes", ())
    visit = make_facts(started_at=started_at, facility_code=facility_code, classes=classes)
    nothing = {"revisit_on": (), "medicines_until": None}
    encounter = replace(visit.encounter, **nothing | columns)
    return replace(visit, encounter=encounter, papers=visit.papers if papers else ())


def found(citizen: Citizen, who: Citizen | None = None, between: Any = ALL) -> list[FollowUp]:
    with unit_of_work() as session:
        principal = (who or citizen).principal
        scope = open_record(session, principal, ProfileId(citizen.profile.id), action="test")
        return find_follow_ups(session, scope, since=between[0], until=between[1])


@pytest.fixture
def citizen(session: Session) -> Citizen:
    make_directory(session)
    return make_citizen(session)


def test_a_paper_and_the_visits_own_day_are_one(session: Session, citizen: Citizen) -> None:
    make_visit(session, citizen.profile, a_visit(revisit_on=(date(2026, 4, 2),)))
    (one,) = found(citizen)
    assert (one.kind, one.on, one.facility_code) == ("follow-up", date(2026, 4, 2), FACILITY)
    assert one.paper_id is not None


def test_days_and_last_medicines_count_without_a_paper(session: Session, citizen: Citizen) -> None:
    make_visit(session, citizen.profile, a_visit(papers=False, revisit_on=(date(2026, 5, 2),)))
    later = a_visit(
        papers=False,
        started_at=STARTED + timedelta(days=1),
        facility_code="99002",
        medicines_until=date(2026, 4, 1),
    )
    make_visit(session, citizen.profile, later)
    assert [(one.kind, one.on) for one in found(citizen)] == [
        ("medicines-end", date(2026, 4, 1)),
        ("follow-up", date(2026, 5, 2)),
    ]


def test_the_end_of_medicine_is_left_out_where_a_day_is_named(
    session: Session, citizen: Citizen
) -> None:
    make_visit(session, citizen.profile, a_visit(medicines_until=date(2026, 4, 1)))
    assert [one.kind for one in found(citizen)] == ["follow-up"]


def test_only_days_in_between_count(session: Session, citizen: Citizen) -> None:
    make_visit(session, citizen.profile, a_visit())
    assert found(citizen, between=(date(2026, 4, 3), date(2026, 5, 1))) == []
    assert found(citizen, between=(date(2026, 3, 1), date(2026, 4, 1))) == []
    assert len(found(citizen, between=(date(2026, 4, 2), date(2026, 4, 2)))) == 1


def test_who_came_back_is_not_asked_again(session: Session, citizen: Citizen) -> None:
    make_visit(session, citizen.profile, a_visit())
    early = datetime(2026, 3, 20, 8, tzinfo=VIETNAM)
    make_visit(session, citizen.profile, a_visit(papers=False, started_at=early))
    assert len(found(citizen)) == 1
    back = datetime(2026, 3, 28, 8, tzinfo=VIETNAM)
    make_visit(session, citizen.profile, a_visit(papers=False, started_at=back))
    assert found(citizen) == []


def test_a_carer_sees_no_sensitive_day(session: Session, citizen: Citizen) -> None:
    carer = make_citizen(session)
    make_carer(session, account=carer.account, child=citizen.profile)
    make_visit(session, citizen.profile, a_visit(classes=[SensitivityClass.MENTAL]))
    assert found(citizen, carer) == []
    assert len(found(citizen)) == 1
