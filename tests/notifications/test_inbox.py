"""The inbox: whose it is, in which words, what is read; rights are checked at each reading."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.identity.models import PhoneProof
from phr_api.kit import clock
from tests.consent.test_carers import family
from tests.factories.consent import make_carer
from tests.factories.notifications import make_notification
from tests.factories.people import (
    Citizen,
    SignedIn,
    make_citizen,
    make_phone,
    make_profile,
    make_staff,
)

WHERE = {"service": "Khám nội", "facility": "Bệnh viện Thử", "when": "2026-11-25T07:30:00+07:00"}


def inbox(client: FlaskClient, who: SignedIn, query: str = "", language: str = "vi") -> dict:  # type: ignore[type-arg]
    answer = client.get(
        f"/v1/notifications{query}", headers=who.headers | {"Accept-Language": language}
    )
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()  # type: ignore[no-any-return]


def test_a_message_has_words_in_the_callers_language(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    booking = uuid4()
    told = make_notification(
        session,
        profile_id=citizen.profile.id,
        params=WHERE,
        ref_kind="booking",
        ref_id=booking,
    )
    item = inbox(client, citizen)["items"][0]
    assert item["title"] == "Lịch hẹn đã được xác nhận"
    assert item["text"] == "Khám nội tại Bệnh viện Thử, 07:30 ngày 25/11/2026."
    assert item["ref"] == {"kind": "booking", "id": str(booking)}
    assert (item["id"], item["profileId"]) == (str(told.id), str(citizen.profile.id))
    english = inbox(client, citizen, language="en")["items"][0]
    assert english["text"] == "Khám nội at Bệnh viện Thử, 07:30 25/11/2026."


def test_a_parameter_that_was_not_given_costs_no_message(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    make_notification(session, profile_id=citizen.profile.id, params={"service": "{x} {0}"})
    assert inbox(client, citizen)["items"][0]["text"] == "{x} {0} tại …, …."


def test_pages_go_on_and_a_cursor_is_its_owners(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    whose = citizen.profile.id
    ids = sorted(str(make_notification(session, profile_id=whose).id) for _ in range(5))
    first = inbox(client, citizen, "?limit=3")
    assert first["unread"] == 5
    second = inbox(client, citizen, f"?limit=3&after={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    other = make_citizen(session)
    answer = client.get(f"/v1/notifications?after={first['next']}", headers=other.headers)
    assert answer.status_code == 400


def test_reading_is_ones_own(client: FlaskClient, session: Session) -> None:
    child = make_citizen(session, profile=make_profile(session, birth="2020-02-02"))
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=child.profile)
    told = [make_notification(session, profile_id=child.profile.id) for _ in range(3)]
    told.sort(key=lambda one: one.id)  # those of one millisecond have no order of their own
    one = f"/v1/notifications/{told[1].id}/read"
    for _ in range(2):
        assert client.post(one, headers=child.headers).status_code == 204
    assert [item["isRead"] for item in inbox(client, child)["items"]] == [False, True, False]
    assert (inbox(client, child)["unread"], inbox(client, parent)["unread"]) == (2, 3)
    assert len(inbox(client, child, "?unread=true")["items"]) == 2
    up_to = {"upTo": str(told[1].id)}
    assert (
        client.post("/v1/notifications/read", json=up_to, headers=child.headers).status_code == 204
    )
    older = {"upTo": str(told[0].id)}
    assert (
        client.post("/v1/notifications/read", json=older, headers=child.headers).status_code == 204
    )
    assert [item["isRead"] for item in inbox(client, child)["items"]] == [False, True, True]
    assert inbox(client, child)["unread"] == 1


def test_nobody_marks_or_sees_what_is_not_theirs(client: FlaskClient, session: Session) -> None:
    told = make_notification(session, profile_id=make_citizen(session).profile.id)
    stranger = make_citizen(session)
    assert inbox(client, stranger)["items"] == []
    url = f"/v1/notifications/{told.id}/read"
    assert client.post(url, headers=stranger.headers).status_code == 404
    up_to = {"upTo": str(told.id)}
    answer = client.post("/v1/notifications/read", json=up_to, headers=stranger.headers)
    assert answer.status_code == 404
    assert (
        client.post("/v1/notifications/read", json={}, headers=stranger.headers).status_code == 422
    )
    assert client.get("/v1/notifications").status_code == 401


def test_a_carer_whose_right_ended_sees_nothing_of_before(
    client: FlaskClient, session: Session
) -> None:
    _, child, _ = family(session)
    parent = make_citizen(session)
    carer = make_carer(session, account=parent.account, child=child)
    make_notification(session, profile_id=child.id)
    own = make_notification(session, account_id=parent.account.id, category="account")
    assert len(inbox(client, parent)["items"]) == 2
    carer.ended_at = clock.now()
    session.add(carer)
    session.commit()
    left = inbox(client, parent)
    assert ([one["id"] for one in left["items"]], left["unread"]) == ([str(own.id)], 1)


def test_sensitive_messages_of_a_teenager_are_the_teenagers(
    client: FlaskClient, session: Session
) -> None:
    teenager = make_citizen(session, profile=make_profile(session, birth="2010-02-02"))
    parent = make_citizen(session)
    make_carer(session, account=parent.account, child=teenager.profile)
    make_notification(session, profile_id=teenager.profile.id, classes=["hiv"])
    make_notification(session, profile_id=teenager.profile.id)
    assert len(inbox(client, teenager)["items"]) == 2
    assert len(inbox(client, parent)["items"]) == 1
    assert inbox(client, parent)["unread"] == 1


def test_a_session_below_record_level_sees_the_accounts_own_alone(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session, assurance="account")
    make_notification(session, profile_id=citizen.profile.id)
    own = make_notification(session, account_id=citizen.account.id, category="account")
    assert [one["id"] for one in inbox(client, citizen)["items"]] == [str(own.id)]


def test_a_phone_sees_what_came_since_its_number_was_proven(
    client: FlaskClient, session: Session
) -> None:
    phone = make_phone(session)
    make_notification(session, account_id=phone.account.id, via_phone=True)
    assert len(inbox(client, phone)["items"]) == 1
    proof = session.get_one(PhoneProof, phone.account.id)
    proof.verified_at = clock.now() + timedelta(seconds=1)
    session.commit()
    assert inbox(client, phone)["items"] == []


def test_what_is_for_later_is_not_shown_yet(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    later = clock.now() + timedelta(hours=2)
    make_notification(session, profile_id=citizen.profile.id, due_at=later)
    assert inbox(client, citizen) == {"items": [], "unread": 0, "next": None}


def test_an_ended_session_sees_nothing(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    make_notification(session, profile_id=citizen.profile.id)
    citizen.session.ended_at = clock.now()
    session.commit()
    assert client.get("/v1/notifications", headers=citizen.headers).status_code == 401


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?unread=perhaps"])
def test_a_bad_question_is_refused(client: FlaskClient, session: Session, query: str) -> None:
    who: SignedIn | Citizen = make_staff(session)
    assert client.get(f"/v1/notifications{query}", headers=who.headers).status_code == 422
