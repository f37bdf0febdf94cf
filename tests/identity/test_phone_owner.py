"""A number that changed hands (R2): no news of the owner before, and no fresh quota."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking
from phr_api.identity.models import PhoneProof
from phr_api.kit import clock
from phr_api.notifications import deliver_once, drain_once
from tests.appointments.asking import hold_by_phone, slug
from tests.appointments.test_phones import booked_by_phone
from tests.factories.appointments import make_booking, make_service, make_slot
from tests.factories.notifications import make_notification, make_token
from tests.factories.people import SignedIn, make_phone
from tests.notifications.conftest import FakeSender, empty_outbox, push

__all__ = ["empty_outbox", "push"]


def verify_anew(session: Session, who: SignedIn) -> None:
    """Somebody proves the number now, as phone_account notes it."""
    proof = session.get_one(PhoneProof, who.account.id)
    proof.verified_at = clock.now()
    session.commit()


def phone_booking(session: Session, who: SignedIn) -> Booking:
    booking = make_booking(session)
    booking.profile_id, booking.account_id, booking.via_phone = None, who.account.id, True
    session.commit()
    return booking


@pytest.mark.parametrize("has_new_owner", [True, False])
def test_news_of_a_booking_is_for_whoever_owned_the_number_when_it_was_made(
    client: FlaskClient,
    session: Session,
    push: FakeSender,
    as_worker: Callable[[], AbstractContextManager[None]],
    *,
    has_new_owner: bool,
) -> None:
    phone = make_phone(session)
    booking = phone_booking(session, phone)
    if has_new_owner:
        verify_anew(session, phone)
    make_token(session, phone)
    make_notification(  # the clinic answers only now
        session,
        account_id=phone.account.id,
        via_phone=True,
        wants_sms=True,
        ref_kind="booking",
        ref_id=booking.id,
    )
    with as_worker():
        drain_once()
        deliver_once()
    items = client.get("/v1/notifications", headers=phone.headers).get_json()["items"]
    told = 0 if has_new_owner else 1
    assert (len(items), len(push.sent), len(push.sms.sent)) == (told,) * 3  # type: ignore[attr-defined]


def test_a_fresh_sign_in_gives_no_fresh_quota(client: FlaskClient, session: Session) -> None:
    phone, service = make_phone(session), make_service(session, most_open=1)
    booked_by_phone(client, phone, session=session, service=service)
    verify_anew(session, phone)
    assert client.get("/v1/me/phone-bookings", headers=phone.headers).get_json()["items"] == []
    other = make_slot(session, service=service, starts_in=timedelta(days=4))
    assert slug(hold_by_phone(client, phone, other)) == "appointments/quota-reached"
