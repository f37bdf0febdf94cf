"""An offer of the waitlist is for whoever has the right over the person now (RIGHTS R5, R17)."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Hold, WaitlistEntry
from phr_api.identity.models import Profile
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from tests.appointments.asking import act, book, hold, seats_by
from tests.appointments.test_waiting import Bound, a_full_slot, by_day, free, offer_to, work
from tests.factories.appointments import make_slot
from tests.factories.consent import make_carer
from tests.factories.people import Citizen, make_citizen, make_profile
from tests.factories.waiting import make_entry


@pytest.fixture(autouse=True)
def daytime() -> object:
    with clock.moved(by_day()):
        yield


@dataclass(frozen=True, slots=True)
class Offered:
    """A child's offer: the carer who joined the line and whose right ended, and another one."""

    child: Profile
    ended: Citizen
    other: Citizen
    offer: dict[str, Any]


@pytest.fixture
def offered(client: FlaskClient, session: Session, as_worker: Bound) -> Offered:
    slot, booking = a_full_slot(session)
    child = make_profile(session, birth="2020-02-02")
    ended, other = make_citizen(session), make_citizen(session)
    right = make_carer(session, account=ended.account, child=child)
    make_carer(session, account=other.account, child=child)
    make_entry(session, slot=slot, citizen=ended, profile_id=child.id)
    free(session, booking)
    work(as_worker)
    offer = offer_to(client, ended)
    assert offer is not None
    right.ended_at = clock.now()
    session.commit()
    return Offered(child, ended, other, offer)


def is_open(session: Session, offered: Offered) -> bool:
    session.rollback()
    row = session.scalars(select(Hold).where(Hold.id == offered.offer["id"])).one()
    return row.booked_at is None and row.released_at is None


def test_a_carer_whose_right_ended_neither_sees_nor_takes_nor_declines_an_offer(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    assert offer_to(client, offered.ended) is None
    assert book(client, offered.ended, offered.offer).status_code == 404
    url = f"/v1/holds/{offered.offer['id']}"
    assert client.delete(url, headers=offered.ended.headers).status_code == 404
    assert is_open(session, offered)


def test_another_carer_sees_and_takes_it_and_the_booking_is_theirs(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    seen = offer_to(client, offered.other)
    assert seen is not None
    assert (seen["id"], seen["kind"]) == (offered.offer["id"], "offer")
    made = book(client, offered.other, seen, name="k")
    assert made.status_code == 201, made.get_json()
    session.rollback()
    row = session.scalars(select(Booking).where(Booking.hold_id == seen["id"])).one()
    assert (row.account_id, row.state) == (offered.other.account.id, "requested")
    traced = session.execute(
        text(
            "SELECT e.actor_id, e.action FROM audit_event e JOIN audit_subject s"
            " ON s.event_id = e.id WHERE s.profile_id = :id"
        ),
        {"id": offered.child.id},
    ).all()
    assert (offered.other.account.id, "booking.create") in traced
    assert (offered.other.account.id, "waitlist.offers") in traced
    by = session.scalars(
        text("SELECT actor_id FROM booking_event WHERE booking_id = :id"), {"id": row.id}
    ).all()
    assert by == [offered.other.account.id]
    again = book(client, offered.other, seen, name="k")
    assert (again.status_code, again.get_json()) == (201, made.get_json())
    assert book(client, offered.ended, seen).status_code == 404
    path = f"/v1/profiles/{offered.child.id}/bookings/{row.id}"
    assert act(client, path, "cancellation", offered.other, {}).status_code == 200
    assert seats_by(session, row) == {1: None}


def test_another_carer_declines_it(client: FlaskClient, session: Session, offered: Offered) -> None:
    url = f"/v1/holds/{offered.offer['id']}"
    stranger = make_citizen(session)
    assert client.delete(url, headers=stranger.headers).status_code == 404
    assert client.delete(url, headers=offered.other.headers).status_code == 204
    assert not is_open(session, offered)
    assert client.delete(url, headers=offered.other.headers).status_code == 404
    traced = session.scalars(
        text(
            "SELECT e.action FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
            " WHERE s.profile_id = :id AND e.actor_id = :who"
        ),
        {"id": offered.child.id, "who": offered.other.account.id},
    ).all()
    assert "waitlist.decline" in traced


def test_a_carer_who_may_only_see_takes_no_offer(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    seer = make_citizen(session)
    make_carer(session, account=seer.account, child=offered.child, powers=("see",))
    assert offer_to(client, seer) is None
    assert book(client, seer, offered.offer).status_code == 404
    url = f"/v1/holds/{offered.offer['id']}"
    assert client.delete(url, headers=seer.headers).status_code == 404
    assert is_open(session, offered)


def test_news_of_an_offer_reaches_those_who_have_the_right_now(
    session: Session, as_worker: Bound, offered: Offered
) -> None:
    told = session.scalars(
        text("SELECT id FROM notification WHERE profile_id = :id AND kind = 'offer.made'"),
        {"id": offered.child.id},
    ).all()
    with as_worker(), unit_of_work() as worker:
        to = worker.execute(
            text("SELECT account_id FROM notification_targets(:ids, :at)"),
            {"ids": list(told), "at": clock.now()},
        )
        accounts = {row.account_id for row in to}
    assert accounts == {offered.other.account.id}


def test_leaving_the_line_by_another_carer_declines_the_offer(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    entry = session.scalars(
        select(WaitlistEntry).where(WaitlistEntry.profile_id == offered.child.id)
    ).one()
    url = f"/v1/profiles/{offered.child.id}/waitlist/{entry.id}"
    assert client.delete(url, headers=offered.ended.headers).status_code == 404
    assert client.delete(url, headers=offered.other.headers).status_code == 204
    assert not is_open(session, offered)


def test_a_teenagers_sensitive_offer_is_the_teenagers(
    client: FlaskClient, session: Session, as_worker: Bound
) -> None:
    slot, booking = a_full_slot(session)
    person = make_profile(session, birth="2010-01-01")
    teenager, carer = make_citizen(session, profile=person), make_citizen(session)
    make_carer(session, account=carer.account, child=teenager.profile)
    make_entry(session, slot=slot, citizen=teenager, classes=["reproductive"])
    free(session, booking)
    work(as_worker)
    offer = offer_to(client, teenager)
    assert offer is not None
    assert offer_to(client, carer) is None
    assert book(client, carer, offer).status_code == 404
    assert client.delete(f"/v1/holds/{offer['id']}", headers=carer.headers).status_code == 404
    assert book(client, teenager, offer).status_code == 201


def test_offers_do_not_count_against_what_an_account_holds(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    own = hold(client, offered.other, make_slot(session), [offered.other.profile.id])
    assert own.status_code == 201
    listed = client.get("/v1/holds", headers=offered.other.headers).get_json()["items"]
    assert {each["kind"] for each in listed} == {"hold", "offer"}


def test_a_refused_decline_is_on_record(
    client: FlaskClient, session: Session, offered: Offered
) -> None:
    url = f"/v1/holds/{offered.offer['id']}"
    assert client.delete(url, headers=offered.ended.headers).status_code == 404
    refused = session.scalars(
        text("SELECT action FROM audit_refusal WHERE actor_id = :who"),
        {"who": offered.ended.account.id},
    ).all()
    assert refused == ["waitlist.decline"]
