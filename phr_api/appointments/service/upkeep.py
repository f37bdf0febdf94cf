"""What the line leaves behind lives for 90 days: numbers, blocks, and who guests were."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from phr_api.appointments.models import Guest, NumberBlock, QueueDay, Ticket
from phr_api.kit import clock

KEPT = timedelta(days=90)


def trim_line(session: Session, at: datetime) -> None:
    """Delete numbers of days long over, and forget guests' names, phones and births.

    A guest's row stays while bookings point to it; it then says nothing of anybody. The worker's.
    """
    last = (at - KEPT).astimezone(clock.VIETNAM).date()
    for table in (Ticket, NumberBlock, QueueDay):
        session.execute(delete(table).where(table.on_date < last))
    session.execute(
        update(Guest)
        .where(Guest.created_at < at - KEPT, Guest.full_name != "")
        .values(full_name="", search_key="", phone=None, birth=None, sex=None)
    )
