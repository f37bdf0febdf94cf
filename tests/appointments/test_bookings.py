"""A person's bookings: seen, cancelled, moved, answered."""

from datetime import timedelta
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.appointments import By, offer_alternatives
from phr_api.appointments.models import Booking, BookingDue
from phr_api.appointments.queries.slots import get_slot
from phr_api.appointments.service import moving
from phr_api.kit import clock
from tests.appointments.asking import act, booked, hold, key, mine, seats_by, slug
from tests.factories.appointments import make_booking, make_service, make_slot, seats_of
from tests.factories.consent import make_carer
from tests.factories.people import make_citizen, make_profile, make_staff


def test_bookings_to_come_and_past_ones_are_listed(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    days = (-5, -2, 3, 1, 2)
    made = [
        make_booking(
            session, citizen=citizen, slot=make_slot(session, starts_in=timedelta(days=each))
        )
        for each in days
    ]
    path = f"/v1/profiles/{citizen.profile.id}/bookings"
    first = client.get(f"{path}?limit=2", headers=citizen.headers).get_json()
    rest = client.get(f"{path}?limit=2&after={first['next']}", headers=citizen.headers).get_json()
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert ids == [str(made[index].id) for index in (3, 4, 2)]
    assert "history" not in first["items"][0]
    past = client.get(f"{path}?when=past", headers=citizen.headers).get_json()["items"]
    assert [each["id"] for each in past] == [str(made[index].id) for index in (1, 0)]
    assert client.get(f"{path}?after=x", headers=citizen.headers).status_code == 400
    assert client.get(f"{path}?when=never", headers=citizen.headers).status_code == 422


def test_bookings_are_the_persons_and_their_carers(client: FlaskClient, session: Session) -> None:
    mother, child = make_citizen(session), make_profile(session, birth="2021-01-01")
    make_carer(session, account=mother.account, child=child, powers=("see",))
    owner = make_citizen(session, profile=child)
    booking = make_booking(session, citizen=owner)
    path = mine(owner, str(booking.id))
    assert client.get(path, headers={}).status_code == 401
    assert client.get(path, headers=make_citizen(session).headers).status_code == 404
    assert client.get(path, headers=make_staff(session).headers).status_code in {403, 404}
    assert client.get(path, headers=mother.headers).status_code == 200
    match = {"If-Match": '"any"'}
    refused = client.post(f"{path}/cancellation", json={}, headers=mother.headers | match)
    assert refused.status_code == 404
    traced = text(
        "SELECT count(*) FROM audit_event e JOIN audit_subject s ON s.event_id = e.id"
        " WHERE s.profile_id = :id AND e.action = 'booking.read' AND e.actor_id = :actor"
    )
    values = {"id": child.id, "actor": mother.account.id}
    assert session.scalar(traced, values) == 1


def test_a_teenagers_sensitive_booking_is_hidden_from_carers(
    client: FlaskClient, session: Session
) -> None:
    mother, teen = make_citizen(session), make_profile(session, birth="2010-01-01")
    make_carer(session, account=mother.account, child=teen)
    owner = make_citizen(session, profile=teen)
    slot = make_slot(session, service=make_service(session, classes=["mental"]))
    booking = make_booking(session, citizen=owner, slot=slot, classes=["mental"])
    path = f"/v1/profiles/{teen.id}/bookings"
    assert client.get(path, headers=mother.headers).get_json()["items"] == []
    assert client.get(f"{path}/{booking.id}", headers=mother.headers).status_code == 404
    assert len(client.get(path, headers=owner.headers).get_json()["items"]) == 1


def test_a_booking_is_cancelled_and_its_seat_is_free(client: FlaskClient, session: Session) -> None:
    citizen, slot = make_citizen(session), make_slot(session)
    path = mine(citizen, booked(client, citizen, slot)["id"])
    done = act(client, path, "cancellation", citizen, {"reason": "Bận"})
    assert done.status_code == 200, done.get_json()
    assert (done.get_json()["state"], done.get_json()["isLate"]) == ("cancelled", False)
    assert seats_of(session, slot.id) == {1: None}
    again = act(client, path, "cancellation", citizen, {})
    assert (again.status_code, slug(again)) == (409, "appointments/wrong-state")
    assert session.query(BookingDue).where(BookingDue.booking_id == UUID(path[-36:])).count() == 0


def test_a_late_cancellation_is_counted(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    soon = make_booking(
        session, citizen=citizen, slot=make_slot(session, starts_in=timedelta(hours=1))
    )
    done = act(client, mine(citizen, str(soon.id)), "cancellation", citizen, {})
    assert done.get_json()["isLate"]
    begun = make_booking(
        session, citizen=citizen, slot=make_slot(session, starts_in=timedelta(minutes=-1))
    )
    late = act(client, mine(citizen, str(begun.id)), "cancellation", citizen, {})
    assert (late.status_code, slug(late)) == (409, "appointments/too-late")


def test_a_late_move_counts_like_a_late_cancellation(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    service = make_service(session, cancel_minutes=120, most_open=5)
    later = [make_slot(session, service=service, starts_in=timedelta(days=day)) for day in (2, 3)]
    for minutes, is_late in ((90, True), (150, False)):
        slot = make_slot(session, service=service, starts_in=timedelta(minutes=minutes))
        booking = make_booking(session, citizen=citizen, slot=slot)
        path = mine(citizen, str(booking.id))
        moved = act(client, path, "reschedule", citizen, {"slotId": str(later[0].id)})
        assert (moved.status_code, moved.get_json()["isLate"]) == (200, is_late)
        again = act(client, path, "reschedule", citizen, {"slotId": str(later[1].id)})
        assert again.get_json()["isLate"] == is_late
        gone = act(client, path, "cancellation", citizen, {})
        assert (gone.status_code, gone.get_json()["isLate"]) == (200, is_late)


def test_three_late_moves_leave_one_open_booking(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    service = make_service(session, cancel_minutes=120, most_open=5)
    for days in (2, 3, 4):
        soon = make_slot(session, service=service, starts_in=timedelta(minutes=90))
        booking = make_booking(session, citizen=citizen, slot=soon)
        to = make_slot(session, service=service, starts_in=timedelta(days=days))
        path = mine(citizen, str(booking.id))
        assert act(client, path, "reschedule", citizen, {"slotId": str(to.id)}).status_code == 200
    more = make_slot(session, service=service, starts_in=timedelta(days=5))
    refused = hold(client, citizen, more, [citizen.profile.id])
    assert (refused.status_code, slug(refused)) == (409, "appointments/quota-reached")


def test_a_change_needs_the_version_that_was_read(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    path = mine(citizen, str(make_booking(session, citizen=citizen).id))
    assert client.post(f"{path}/cancellation", json={}, headers=citizen.headers).status_code == 428
    old = citizen.headers | {"If-Match": '"old"'}
    lost = client.post(f"{path}/cancellation", json={}, headers=old)
    assert (lost.status_code, slug(lost)) == (409, "appointments/state-changed")
    retry = citizen.headers | {"If-Match": lost.get_json()["etag"]}
    assert client.post(f"{path}/cancellation", json={}, headers=retry).status_code == 200


def test_a_booking_moves_to_an_overlapping_time_of_its_own(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    old = make_slot(session, service=service)
    new = make_slot(session, service=service, starts_at=old.starts_at + timedelta(minutes=5))
    booking = make_booking(session, citizen=citizen, slot=old)
    path = mine(citizen, str(booking.id))
    done = act(client, path, "reschedule", citizen, {"slotId": str(new.id)})
    assert done.status_code == 200, done.get_json()
    assert (done.get_json()["state"], done.get_json()["slotId"]) == ("requested", str(new.id))
    assert seats_of(session, old.id) == {1: None}
    assert seats_of(session, new.id) == {1: booking.id}
    session.refresh(booking)
    assert booking.sequence == 1


def test_when_the_new_time_is_full_the_old_seat_is_kept(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    old = make_slot(session, service=service)
    full = make_slot(session, service=service, starts_in=timedelta(days=3))
    make_booking(session, slot=full)
    booking = make_booking(session, citizen=citizen, slot=old)
    path = mine(citizen, str(booking.id))
    refused = act(client, path, "reschedule", citizen, {"slotId": str(full.id)})
    assert (refused.status_code, slug(refused)) == (409, "appointments/slot-full")
    assert seats_of(session, old.id) == {1: booking.id}
    elsewhere = act(client, path, "reschedule", citizen, {"slotId": str(make_slot(session).id)})
    assert elsewhere.status_code == 404
    assert act(client, path, "reschedule", citizen, {"slotId": "x"}).status_code == 422


def test_a_move_to_the_time_that_it_has_changes_nothing(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    booking = make_booking(session, citizen=citizen, state="confirmed")
    path = mine(citizen, str(booking.id))
    same = {"slotId": str(booking.slot_id)}
    refused = act(client, path, "reschedule", citizen, same)
    assert (refused.status_code, slug(refused)) == (409, "appointments/same-time")
    clerk = make_staff(session, facility_code=booking.facility_code)
    desk = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
    refused = act(client, desk, "proposal", clerk, same)
    assert (refused.status_code, slug(refused)) == (409, "appointments/same-time")
    session.refresh(booking)
    assert (booking.state, booking.version, booking.proposed_slot_id) == ("confirmed", 1, None)


def test_a_proposal_that_would_be_over_already_names_the_field(
    client: FlaskClient, session: Session
) -> None:
    service = make_service(session)
    booking = make_booking(session, slot=make_slot(session, service=service))
    new = make_slot(session, service=service, starts_in=timedelta(days=3))
    clerk = make_staff(session, facility_code=booking.facility_code)
    desk = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
    body = {"slotId": str(new.id), "until": (clock.now() - timedelta(minutes=1)).isoformat()}
    refused = act(client, desk, "proposal", clerk, body)
    assert (refused.status_code, slug(refused)) == (422, "invalid-request")
    assert list(refused.get_json()["errors"]["json"]) == ["until"]


def test_a_move_onto_another_booking_of_the_person_is_refused(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    other = make_booking(session, citizen=citizen)
    booking = make_booking(
        session,
        citizen=citizen,
        slot=make_slot(session, service=service, starts_in=timedelta(days=5)),
    )
    same_time = make_slot(session, service=service, starts_at=other.starts_at)
    path = mine(citizen, str(booking.id))
    refused = act(client, path, "reschedule", citizen, {"slotId": str(same_time.id)})
    assert (refused.status_code, slug(refused)) == (409, "appointments/overlapping")


def test_a_proposal_holds_both_seats_until_it_is_accepted(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    old = make_slot(session, service=service)
    new = make_slot(session, service=service, starts_in=timedelta(days=3))
    booking = make_booking(session, citizen=citizen, slot=old, state="requested")
    desk = f"/v1/facilities/{booking.facility_code}/bookings/{booking.id}"
    clerk = make_staff(session, facility_code=booking.facility_code)
    proposed = act(client, desk, "proposal", clerk, {"slotId": str(new.id)})
    assert proposed.status_code == 200, proposed.get_json()
    assert proposed.get_json()["proposal"]["until"] <= proposed.get_json()["startsAt"]
    for slot in (old, new):
        assert seats_of(session, slot.id) == {1: booking.id}
    path = mine(citizen, str(booking.id))
    taken = act(client, path, "proposal-answer", citizen, {"accept": True})
    assert taken.status_code == 200, taken.get_json()
    body = taken.get_json()
    assert (body["state"], body["slotId"], body["proposal"]) == ("confirmed", str(new.id), None)
    assert seats_of(session, old.id) == {1: None}
    again = act(client, path, "proposal-answer", citizen, {"accept": True})
    assert (again.status_code, slug(again)) == (409, "appointments/too-late")


def test_a_proposal_is_refused_and_the_old_seat_stays(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    old = make_slot(session, service=service)
    new = make_slot(session, service=service, starts_in=timedelta(days=3))
    booking = make_booking(session, citizen=citizen, slot=old)
    actor = By(kind="worker")
    moving.propose(session, booking.id, new.id, until=None, expected=1, actor=actor)
    session.commit()
    path = mine(citizen, str(booking.id))
    kept = act(client, path, "proposal-answer", citizen, {"accept": False})
    assert (kept.get_json()["state"], kept.get_json()["slotId"]) == ("confirmed", str(old.id))
    assert seats_of(session, new.id) == {1: None}


def test_a_proposed_time_that_was_closed_meanwhile_is_not_accepted(
    client: FlaskClient, session: Session
) -> None:
    citizen, service = make_citizen(session), make_service(session)
    old = make_slot(session, service=service)
    new = make_slot(session, service=service, starts_in=timedelta(days=3))
    booking = make_booking(session, citizen=citizen, slot=old)
    actor = By(kind="worker")
    moving.propose(session, booking.id, new.id, until=None, expected=1, actor=actor)
    new.status = "closed"
    session.commit()
    path = mine(citizen, str(booking.id))
    refused = act(client, path, "proposal-answer", citizen, {"accept": True})
    assert (refused.status_code, slug(refused)) == (409, "appointments/slot-not-open")
    for slot in (old, new):
        assert seats_of(session, slot.id) == {1: booking.id}
    kept = act(client, path, "proposal-answer", citizen, {"accept": False})
    assert (kept.status_code, kept.get_json()["slotId"]) == (200, str(old.id))
    assert seats_of(session, new.id) == {1: None}


def test_a_replan_offers_the_first_time_with_a_seat(session: Session) -> None:
    service = make_service(session)
    booking = make_booking(session, slot=make_slot(session, service=service))
    slots = [
        make_slot(session, service=service, starts_in=timedelta(days=days)) for days in (3, 4, 5, 6)
    ]
    make_booking(session, slot=slots[0])
    assert offer_alternatives(session, booking, [get_slot(session, each.id) for each in slots])
    session.commit()
    moved = session.get_one(Booking, booking.id, populate_existing=True)
    assert (moved.proposed_slot_id, moved.proposal_by) == (slots[1].id, "replan")
    assert moved.alternatives == [slots[2].id, slots[3].id]
    assert moved.state == "confirmed"
    full = get_slot(session, slots[0].id)
    assert not offer_alternatives(session, booking, [full])


def test_still_coming_keeps_the_seat_or_frees_it(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    staying = make_booking(session, citizen=citizen)
    path = mine(citizen, str(staying.id))

    def say(path: str = path, **body: bool) -> TestResponse:
        sent = citizen.headers | key()
        return client.post(f"{path}/still-coming", json=body, headers=sent)

    assert say(coming=True).get_json()["stillComing"] == "yes"
    assert say(coming=False).get_json()["state"] == "cancelled"
    assert seats_by(session, staying) == {1: None}
    late = say(coming=False)
    assert (late.status_code, slug(late)) == (409, "appointments/wrong-state")
    assert say(mine(citizen, str(uuid4())), coming=True).status_code == 404
    assert say().status_code == 422


def test_who_says_again_that_they_do_not_come_is_told_the_same(
    client: FlaskClient, session: Session
) -> None:
    citizen = make_citizen(session)
    booking = make_booking(session, citizen=citizen)
    path, once = f"{mine(citizen, str(booking.id))}/still-coming", citizen.headers | key()
    no = client.post(path, json={"coming": False}, headers=once)
    again = client.post(path, json={"coming": False}, headers=once)
    assert (no.status_code, no.get_json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.get_json()) == (200, no.get_json())
    assert again.headers["ETag"] == no.headers["ETag"]
    other = client.post(path, json={"coming": True}, headers=once)
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    keyless = client.post(path, json={"coming": False}, headers=citizen.headers)
    assert (keyless.status_code, slug(keyless)) == (400, "idempotency-key-missing")


def test_what_was_told_can_be_changed(client: FlaskClient, session: Session) -> None:
    citizen = make_citizen(session)
    asks = [{"id": "fasting", "text": "Đã nhịn ăn?", "kind": "text", "isRequired": True}]
    slot = make_slot(session, service=make_service(session, questions=asks))
    booking = make_booking(session, citizen=citizen, slot=slot, reason="Ho")
    path = mine(citizen, str(booking.id))
    tag = {"If-Match": client.get(path, headers=citizen.headers).headers["ETag"]}
    headers = citizen.headers | tag
    assert client.patch(path, json={"showsNames": True}, headers=citizen.headers).status_code == 428
    refused = client.patch(path, json={"answers": {}}, headers=headers)
    assert (refused.status_code, slug(refused)) == (422, "appointments/answers-needed")
    unknown = client.patch(path, json={"answers": {"fasting": "rồi", "zz": "q"}}, headers=headers)
    assert (unknown.status_code, slug(unknown)) == (422, "invalid-request")
    assert list(unknown.get_json()["errors"]["json"]["answers"]) == ["zz"]
    assert client.patch(path, json={"state": "done"}, headers=headers).status_code == 422
    body = {"showsNames": True, "answers": {"fasting": "rồi"}}
    done = client.patch(path, json=body, headers=headers)
    assert done.status_code == 200, done.get_json()
    shown = done.get_json()
    assert (shown["showsNames"], shown["reason"], shown["answers"]) == (
        True,
        "Ho",
        {"fasting": "rồi"},
    )
    assert client.patch(path, json=body, headers=headers).status_code == 412
