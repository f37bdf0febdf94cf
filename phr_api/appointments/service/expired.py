"""Holds whose time is over, freed for a person before the worker comes by."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Hold
from phr_api.appointments.service.changing import lock_people
from phr_api.appointments.service.seats import free_seat
from phr_api.identity import Principal
from phr_api.kit import clock

_OPEN = text("SELECT relation FROM open_for_booking(:account, :session, :person, :at)")


def free_expired(
    session: Session, principal: Principal, people: Sequence[UUID], *, made_before: datetime
) -> None:
    """Free the seats that these people's old holds still keep, whoever held.

    Offers of the waitlist are the worker's, who passes them on, and so are the holds themselves:
    another account's are not to be seen here. Raises what `open_for_booking` refuses, for
    `raising` to name.
    """
    lock_people(session, people)
    who = {"account": principal.account_id, "session": principal.session_id, "at": clock.now()}
    for person in people:
        session.execute(_OPEN, who | {"person": person})
        # in the order of take_hold, which comes next: the own holds before what they hold
        own = select(Hold.id).where(
            Hold.account_id == principal.account_id,
            Hold.booked_at.is_(None),
            Hold.released_at.is_(None),
        )
        session.execute(own.order_by(Hold.id).with_for_update())
        gone = session.execute(
            delete(Booking)
            .where(
                Booking.profile_id == person,
                Booking.state == "held",
                Booking.source == "app",
                Booking.created_at <= made_before,
            )
            .returning(Booking.id, Booking.slot_id, Booking.seat_no)
        ).all()
        for booking_id, slot_id, seat_no in gone:
            assert slot_id is not None and seat_no is not None  # noqa: S101, PT018 - ck_booking_needs_seat
            free_seat(session, slot_id, seat_no, booking_id)
