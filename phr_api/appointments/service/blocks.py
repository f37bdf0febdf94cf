"""Numbers that a desk gives while the network is away: taken before, told of afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy.orm import Session

from phr_api.appointments.models import NumberBlock, Ticket
from phr_api.appointments.queries import line
from phr_api.appointments.service.closing import end_late
from phr_api.appointments.service.line import NewGuest, NewTicket, new_ticket, take_numbers
from phr_api.clinics import QueueRow
from phr_api.consent import FacilityScope
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import InvalidRequest

MOST_NUMBERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenNumber:
    """A number of a block that was given to somebody, at a moment by the desk's own clock."""

    number: int
    priority: str
    at: datetime
    guest: NewGuest | None = None


def take_block(session: Session, scope: FacilityScope, queue: QueueRow, count: int) -> NumberBlock:
    """Set the next `count` numbers of today's line aside for this clerk. Raises DayClosed."""
    on = clock.today()
    numbers = take_numbers(session, queue, on, count)
    block = NumberBlock(
        id=new_row_id(),
        facility_code=scope.facility_code,
        queue_id=queue.id,
        on_date=on,
        first=numbers[0],
        last=numbers[-1],
        account_id=scope.actor.id,
        created_at=clock.now(),
    )
    session.add(block)
    return block


def save_given(
    session: Session,
    scope: FacilityScope,
    queue: QueueRow,
    block: NumberBlock,
    items: Iterable[GivenNumber],
) -> list[Ticket]:
    """Put the given numbers in line, in their own order; one that is known stays as it is.

    A moment outside the block's day, or yet to come by our clock, becomes the nearest that can be.
    Who is told of after the day was closed has left with the others; its undo lets them wait.
    Raises InvalidRequest for a number that is not of this block.
    """
    wanted = list(items)
    if any(not block.first <= item.number <= block.last for item in wanted):
        raise InvalidRequest(errors={"json": {"items": ["A number is not of this block."]}})
    line.share_day(session, block.facility_code, block.on_date)
    line.get_block(session, scope, block.id, is_locked=True)  # others may tell of the same numbers
    known = line.find_numbers(session, block)
    earliest = datetime.combine(block.on_date, time(), clock.VIETNAM)
    added = []
    for item in wanted:
        if item.number not in known:
            at = max(earliest, min(item.at, clock.now()))
            new = NewTicket(source="offline", priority=item.priority, guest=item.guest)
            known[item.number] = new_ticket(
                session, scope, queue, new, on=block.on_date, number=item.number, at=at
            )
            added.append(known[item.number])
    if added:
        end_late(session, scope, block.on_date, added)
        session.add_all(added)
    session.flush()  # shown in the answer by a read
    return [known[item.number] for item in wanted]
