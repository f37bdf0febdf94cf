"""Tickets and blocks of numbers for tests, written past the rules of the service."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.appointments.models import DayClosing, NumberBlock, Ticket
from phr_api.clinics.models import ClinicQueue
from phr_api.kit import clock
from phr_api.kit.ids import new_public_id, new_row_id
from tests.factories.people import FACILITY


def make_ticket(
    session: Session,
    *,
    queue: ClinicQueue,
    number: int = 1,
    state: str = "waiting",
    booking_id: UUID | None = None,
    profile_id: UUID | None = None,
) -> Ticket:
    """Save a ticket of today's line; its number is not taken from the line."""
    row = Ticket(
        id=new_row_id(),
        facility_code=queue.facility_code,
        queue_id=queue.id,
        on_date=clock.today(),
        number=number,
        booking_id=booking_id,
        profile_id=profile_id,
        classes=[],
        state=state,
        source="desk",
        turn=Decimal(number),
        created_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


def make_block(
    session: Session, *, queue: ClinicQueue, account_id: UUID | None = None
) -> NumberBlock:
    """Save a block of the numbers 1 to 10 of today's line."""
    row = NumberBlock(
        id=new_row_id(),
        facility_code=queue.facility_code,
        queue_id=queue.id,
        on_date=clock.today(),
        first=1,
        last=10,
        account_id=account_id or new_public_id(),
        created_at=clock.now(),
    )
    session.add(row)
    session.commit()
    return row


def make_closing(session: Session, *, facility_code: str = FACILITY) -> DayClosing:
    """Save a closing of a day of last year that is undone: it hinders nobody."""
    at = clock.now()
    row = DayClosing(
        id=new_row_id(),
        facility_code=facility_code,
        on_date=clock.today() - timedelta(days=365),
        closed_by=new_public_id(),
        by_name="Nhân viên thử",
        closed_at=at,
        undone_at=at,
        undone_by_name="Nhân viên thử",
        changes={"tickets": [], "bookings": []},
    )
    session.add(row)
    session.commit()
    return row
