"""What the line's addresses share: the desk's day, a ticket as it is shown, one change of it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.appointments.models import Ticket
from phr_api.appointments.problems.queue import DayOver, TicketChanged
from phr_api.appointments.queries import line
from phr_api.appointments.rules.line import ALLOWED, Action, is_over, label_of
from phr_api.clinics import QueueRow, find_queue
from phr_api.consent import FacilityRole, FacilityScope, open_facility
from phr_api.identity import current_principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import InvalidRequest, NotFound
from phr_api.kit.web import demanded_versions, version_tag

DESK: frozenset[FacilityRole] = frozenset({"desk"})
STAFF: frozenset[FacilityRole] = frozenset({"desk", "doctor"})
READERS: frozenset[FacilityRole] = frozenset({"desk", "doctor", "viewer"})

Act = Callable[[Session, FacilityScope, Ticket], None]


@contextmanager
def at_facility(
    code: str, roles: frozenset[FacilityRole]
) -> Generator[tuple[Session, FacilityScope]]:
    """Give a transaction in this facility's scope, or the problem that says why not."""
    with unit_of_work() as session:
        yield session, open_facility(session, current_principal(), code, roles=roles)


def queue_of(session: Session, scope: FacilityScope, queue_id: UUID) -> QueueRow:
    """Return this facility's line, an ended one too, or raise NotFound."""
    queue = find_queue(session, queue_id)
    if queue is None or queue.facility_code != scope.facility_code:
        raise NotFound
    return queue


def named_queue(session: Session, scope: FacilityScope, queue_id: UUID) -> QueueRow:
    """Return the line that a body names; InvalidRequest when this facility has none such."""
    try:
        return queue_of(session, scope, queue_id)
    except NotFound:
        raise InvalidRequest(errors={"json": {"queueId": ["No such queue here."]}}) from None


def change(code: str, ticket_id: UUID, action: Action, act: Act) -> dict[str, Any]:
    """Do one action on a ticket of the day that is as the caller has read it; 409 if it is not.

    Raises VersionMissing (428), NotFound, TicketChanged, DayOver.
    """
    with at_facility(code, STAFF) as (session, scope):
        tags = demanded_versions()
        if action == "room":  # another line gives a number: the day is shared before the row
            line.share_day(session, scope.facility_code, clock.today())
        ticket = line.lock_ticket(session, scope, ticket_id)
        tag = version_tag(ticket)
        if is_over(action, ticket.state, ticket.on_date, clock.today()):
            raise DayOver(state=ticket.state)
        if tag not in tags or ticket.state not in ALLOWED[action]:
            raise TicketChanged(state=ticket.state, version=ticket.version, etag=tag)
        act(session, scope, ticket)
        session.flush()  # read again for the answer
        return shown(session, scope, ticket)


def shown(session: Session, scope: FacilityScope, ticket: Ticket) -> dict[str, Any]:
    """Return one ticket as its facility sees it."""
    queue = queue_of(session, scope, ticket.queue_id)
    return view(ticket, queue, line.find_name(session, ticket))


def view(ticket: Ticket, queue: QueueRow, name: str | None) -> dict[str, Any]:
    """Return what an answer shows of a ticket, with its ETag."""
    return {
        "id": ticket.id,
        "queue_id": ticket.queue_id,
        "label": label_of(queue.prefix, ticket.number),
        "number": ticket.number,
        "priority": ticket.priority,
        "state": ticket.state,
        "room": ticket.room,
        "source": ticket.source,
        "booking_id": ticket.booking_id,
        "person_name": name,
        "created_at": ticket.created_at,
        "called_at": ticket.called_at,
        "calls": ticket.calls,
        "by": ticket.by_name,
        "version": ticket.version,
        "etag": version_tag(ticket),
    }


def place_of(ticket: Ticket) -> str:
    """Return the address of a ticket's line, where it is found again."""
    return f"/v1/facilities/{ticket.facility_code}/queues/{ticket.queue_id}/tickets"
