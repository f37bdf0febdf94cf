"""Whom a scan finds: bookings of today at this facility, and nothing else (R27)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import Booking, Guest
from phr_api.appointments.rules.scans import CardText
from phr_api.appointments.rules.states import State
from phr_api.consent import FacilityScope
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.vocab import name_key

# a later scan finds the number that was given: those who are here already count
EXPECTED: tuple[State, ...] = ("requested", "confirmed", "arrived", "in-room", "done")

_BY_NUMBER = text("SELECT find_todays(:account, :session, :facility, :number, :since, :until, :at)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A booking that a card may be of."""

    id: UUID
    starts_at: datetime
    service_id: UUID
    profile_id: UUID | None
    person_name: str | None


def day_of(on: date) -> tuple[datetime, datetime]:
    """Return the moments at which a day in Viet Nam begins and ends."""
    start = datetime.combine(on, time(), clock.VIETNAM)
    return start, start + timedelta(days=1)


def find_todays(
    session: Session, scope: FacilityScope, principal: Principal, card: CardText
) -> list[Expected]:
    """Return today's bookings here that the card fits: by number, else by name and full birth.

    Names and births are those that this desk's own list shows it, read by
    ix_booking_facility_code_starts_at.
    """
    since, until = day_of(clock.today())
    found = session.scalars(
        _BY_NUMBER,
        {
            "account": principal.account_id,
            "session": principal.session_id,
            "facility": scope.facility_code,
            "number": card.number,
            "since": since,
            "until": until,
            "at": clock.now(),
        },
    )
    ids = set(found)
    todays = session.execute(
        select(
            Booking.id,
            Booking.starts_at,
            Booking.service_id,
            Booking.profile_id,
            Booking.person_name,
            Booking.person_birth,
            Guest.full_name,
            Guest.birth,
        )
        .outerjoin(Guest, Guest.id == Booking.guest_id)
        .where(
            Booking.facility_code == scope.facility_code,
            Booking.starts_at >= since,
            Booking.starts_at < until,
            Booking.state.in_(EXPECTED),
        )
        .order_by(Booking.starts_at, Booking.id)
    ).all()
    fits = [row for row in todays if row.id in ids] or [
        row
        for row in todays
        if card.birth in {row.person_birth, row.birth}
        and card.name_key in {name_key(row.person_name or ""), name_key(row.full_name or "")}
    ]
    return [
        Expected(
            id=row.id,
            starts_at=row.starts_at,
            service_id=row.service_id,
            profile_id=row.profile_id,
            person_name=row.person_name or row.full_name,
        )
        for row in fits
    ]


def lock_expected(session: Session, scope: FacilityScope, booking_id: UUID) -> Booking | None:
    """Return a booking of today here until the transaction ends; None for any other."""
    since, until = day_of(clock.today())
    query = select(Booking).where(
        Booking.id == booking_id,
        Booking.facility_code == scope.facility_code,
        Booking.starts_at >= since,
        Booking.starts_at < until,
        Booking.state.in_(EXPECTED),
    )
    return session.scalars(query.with_for_update()).first()
