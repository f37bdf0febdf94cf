"""A day's end in one action, and the way back.

What it changed is kept with the version that each row had then, so undoing touches no row that
somebody has worked on since.
"""

from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.appointments.models import DayClosing, Ticket
from phr_api.appointments.problems.bookings import StateChanged
from phr_api.appointments.problems.queue import DayClosed, DayOver
from phr_api.appointments.queries import closing as queries
from phr_api.appointments.queries.bookings import get_booking
from phr_api.appointments.queries.line import is_closed, lock_day
from phr_api.appointments.queries.plans import lock_schedules
from phr_api.appointments.rules.states import By, State
from phr_api.appointments.service import slots
from phr_api.appointments.service.changing import transition
from phr_api.appointments.service.line import AT_THE_CLINIC, who
from phr_api.consent import FacilityScope
from phr_api.kit import clock
from phr_api.kit.ids import new_row_id
from phr_api.kit.problems import InvalidRequest

Change = dict[str, Any]  # id, the state before, the version after
UNDONE_WITHIN = timedelta(hours=12)
ENDS = {"waiting": "left", "called": "left", "skipped": "left", "in-room": "done"}


def close_day(session: Session, scope: FacilityScope, on: date) -> DayClosing:
    """End a day: who did not come is a no-show, who still waited left, who is in a room is done.

    The rest of today can be booked no more: bookings of later hours stay, for the desk to move.
    Raises DayClosed when it is closed already, InvalidRequest for a day to come.
    """
    if on > clock.today():
        raise InvalidRequest(errors={"json": {"on": ["Not a day to come."]}})
    lock_day(session, scope.facility_code, on)
    if is_closed(session, scope.facility_code, on):
        raise DayClosed
    actor, at = who(session, scope), clock.now()
    closing = DayClosing(
        id=new_row_id(),
        facility_code=scope.facility_code,
        on_date=on,
        closed_by=cast("UUID", scope.actor.id),
        by_name=actor.name or "",
        closed_at=at,
        changes={},
    )
    session.add(closing)
    # what the worker made open at this moment, not knowing of the closing, it closes at once
    _make_due(session, scope)
    rest = queries.find_rest(session, scope, on, at=at)
    slots.close(session, rest)
    changes: dict[str, list[Any]] = {"tickets": [], "bookings": []}
    for ticket in queries.lock_open_tickets(session, scope, on):
        if ticket.state == "in-room" and ticket.booking_id is not None:
            changes["bookings"] += _move(
                session, ticket.booking_id, AT_THE_CLINIC, "done", None, actor
            )
        changes["tickets"].append(_end_ticket(ticket, actor))
    for booking_id, version in queries.find_absent(session, scope, on, at=at):
        changes["bookings"] += _move(
            session, booking_id, frozenset({"confirmed"}), "no-show", version, actor
        )
    closing.changes = changes | {"slots": [str(slot_id) for slot_id in rest]}
    _trace(session, scope, closing, "day.close")
    return closing


def undo_closing(session: Session, scope: FacilityScope, closing_id: UUID) -> DayClosing:
    """Open a day again: each row that nobody changed since gets its state back.

    Undoing twice answers as the first time. Raises NotFound, DayOver when it was closed too long
    ago.
    """
    lock_day(session, scope.facility_code, queries.get_closing(session, scope, closing_id).on_date)
    closing = queries.get_closing(session, scope, closing_id, is_locked=True)
    if closing.undone_at is not None:
        return closing
    if closing.closed_at < clock.now() - UNDONE_WITHIN:
        raise DayOver(state="closed")
    actor, changes = who(session, scope), closing.changes
    _make_due(session, scope)  # free times were removed, and are made again
    slots.reopen(session, [UUID(slot_id) for slot_id in changes.get("slots", [])])
    ids = [UUID(change["id"]) for change in changes["tickets"]]
    tickets = queries.lock_tickets(session, scope, ids)
    restored = sum(_reopen_ticket(tickets, change, actor) for change in changes["tickets"])
    session.flush()  # bookings are read again below
    for change in changes["bookings"]:
        back = frozenset({cast("State", change["after"])})
        booking_id, version = UUID(change["id"]), change["version"]
        restored += len(
            _move(session, booking_id, back, change["before"], version, actor, "reopened")
        )
    told = len(changes["tickets"]) + len(changes["bookings"])
    closing.undone_at, closing.undone_by_name = clock.now(), actor.name
    closing.changes = changes | {"restored": restored, "kept": told - restored}
    _trace(session, scope, closing, "day.reopen")
    return closing


def end_late(session: Session, scope: FacilityScope, on: date, tickets: list[Ticket]) -> None:
    """End new tickets of a day that is closed, as part of its closing; on an open day they wait.

    Nobody closes or opens the day meanwhile: the caller shares it.
    """
    closing = queries.lock_live(session, scope, on)
    if closing is None:
        return
    actor = who(session, scope)
    ended = [_end_ticket(ticket, actor) for ticket in tickets]
    closing.changes = closing.changes | {"tickets": [*closing.changes["tickets"], *ended]}


def _make_due(session: Session, scope: FacilityScope) -> None:
    """Let the worker look at the facility's slots at once; schedules are locked before slots."""
    for schedule in lock_schedules(session, scope.facility_code):
        schedule.due_at = clock.now()


def _end_ticket(ticket: Ticket, actor: By) -> Change:
    before, ticket.state = ticket.state, ENDS[ticket.state]
    ticket.version += 1
    ticket.by_name = actor.name
    return {
        "id": str(ticket.id),
        "before": before,
        "after": ticket.state,
        "version": ticket.version,
    }


def _reopen_ticket(tickets: dict[UUID, Ticket], change: Change, actor: By) -> bool:
    ticket = tickets.get(UUID(change["id"]))
    if ticket is None or ticket.version != change["version"]:
        return False
    ticket.state = change["before"]
    ticket.version += 1
    ticket.by_name = actor.name
    return True


def _move(
    session: Session,
    booking_id: UUID,
    allowed: frozenset[State],
    state: State,
    expected: int | None,
    actor: By,
    what: str | None = None,
) -> list[Change]:
    """Change a booking's state; what was done, or nothing when somebody was quicker."""
    before = get_booking(session, booking_id).state
    try:
        booking = transition(
            session,
            booking_id,
            allowed=allowed,
            expected=expected,
            values={"state": state},
            what=what or state,
            actor=actor,
        )
    except StateChanged:
        return []
    change = {"id": str(booking.id), "before": before, "after": state}
    return [change | {"version": booking.version}]


def _trace(session: Session, scope: FacilityScope, closing: DayClosing, action: str) -> None:
    """One event, with a subject for each person whose booking it changed."""
    session.flush()
    ids = [UUID(change["id"]) for change in closing.changes["bookings"]]
    audit.record(
        session,
        scope.actor,
        action=action,
        subjects=queries.find_people(session, scope, ids),
        details={"closing": str(closing.id), "bookings": len(ids)},
    )
