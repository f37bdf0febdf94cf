"""The line: tickets, next, skip, screens, blocks."""

from typing import Any
from uuid import UUID

from flask import Response, after_this_request
from flask.views import MethodView
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.appointments.models import NumberBlock, Ticket
from phr_api.appointments.queries import line
from phr_api.appointments.routes.blueprint import queue_blp
from phr_api.appointments.routes.tickets import (
    DESK,
    READERS,
    STAFF,
    at_facility,
    change,
    named_queue,
    place_of,
    queue_of,
    shown,
    view,
)
from phr_api.appointments.rules.line import label_of
from phr_api.appointments.schemas.queue import (
    BlockSchema,
    DayQuerySchema,
    GivenNumbersSchema,
    MoveSchema,
    NewBlockSchema,
    NewTicketSchema,
    NextSchema,
    QueuesSchema,
    ScreenSchema,
    TicketSchema,
    TicketsSchema,
)
from phr_api.appointments.service import blocks
from phr_api.appointments.service import line as service
from phr_api.clinics import QueueRow, find_queues
from phr_api.consent import FacilityScope
from phr_api.identity import current_principal
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.kit.idempotency import Created, once
from phr_api.kit.problems import InvalidRequest, NotFound
from phr_api.kit.web import current_attempt

FACILITY = "/facilities/<string(length=5):code>"
TICKET = f"{FACILITY}/tickets/<uuid:ticket_id>"


@queue_blp.route(f"{FACILITY}/queues")
class Queues(MethodView):
    @queue_blp.response(200, QueuesSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List the facility's lines, with how many wait today"""
        with at_facility(code, READERS) as (session, scope):
            queues = find_queues(session, scope.facility_code)
            waiting = line.count_waiting(session, scope.facility_code, clock.today())
        names = ("id", "name", "prefix", "rooms", "screen_key", "minutes_each")
        return {
            "items": [
                {name: getattr(queue, name) for name in names}
                | {"waiting": waiting.get(queue.id, 0)}
                for queue in queues
            ]
        }


@queue_blp.route(f"{FACILITY}/queues/<uuid:queue_id>/tickets")
@queue_blp.arguments(DayQuerySchema, location="query")
@queue_blp.response(200, TicketsSchema)
def list_tickets(asked: dict[str, Any], code: str, queue_id: UUID) -> dict[str, Any]:
    """List a day's line: who is called, then who waits in calling order, then the rest"""
    day = asked["on"] or clock.today()
    if day < clock.today():  # R7: staff see today and later
        raise InvalidRequest(errors={"query": {"on": ["Today or later."]}})
    with at_facility(code, READERS) as (session, scope):
        queue = queue_of(session, scope, queue_id)
        found = line.find_line(session, queue.id, day)
        people = {ticket.profile_id for ticket, _ in found if ticket.profile_id}
        if people:  # the page asks every few seconds; numbers without people concern nobody
            audit.record_list(session, scope.actor, action="queue.list", subjects=people)
        return {"items": [view(ticket, queue, name) for ticket, name in found]}


@queue_blp.route(f"{FACILITY}/tickets", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(NewTicketSchema)
@queue_blp.response(201, TicketSchema)
def give_ticket(new: dict[str, Any], code: str) -> Any:
    """Give a number to somebody who came without a booking, with or without a phone"""
    ticket = service.NewTicket(source="walk-in", priority=new["priority"], guest=new["guest"])
    with at_facility(code, DESK) as (session, scope):

        def create() -> Created[Ticket]:
            queue = named_queue(session, scope, new["queue_id"])
            return made(service.issue(session, scope, queue, ticket))

        return answered_once(session, scope, create)


@queue_blp.route(f"{FACILITY}/queues/<uuid:queue_id>/next", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(NextSchema)
@queue_blp.response(200, TicketSchema)
@queue_blp.doc(responses={204: {"description": "Nobody waits"}})
def call_next(command: dict[str, Any], code: str, queue_id: UUID) -> Any:
    """Call who is first in line into a room; two rooms at once call two people"""
    with at_facility(code, STAFF) as (session, scope):
        queue = queue_of(session, scope, queue_id)

        def create() -> Created[Ticket | None]:
            ticket = service.call_next(session, scope, queue, command["room"])
            reference = str(ticket.id) if ticket else ""
            status = 200 if ticket else 204
            return Created(entity=ticket, reference=reference, location=None, status=status)

        ticket, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=create,
            again=lambda id_: line.get_ticket(session, scope, UUID(id_)) if id_ else None,
        )
        if ticket is None:
            return Response(status=204)
        return shown(session, scope, ticket), status, headers


@queue_blp.route(f"{TICKET}/skip", methods=["POST"])
@queue_blp.conditional
@queue_blp.response(200, TicketSchema)
def skip_ticket(code: str, ticket_id: UUID) -> dict[str, Any]:
    """Pass over somebody who did not answer the call"""
    return change(code, ticket_id, "skip", service.skip)


@queue_blp.route(f"{TICKET}/return", methods=["POST"])
@queue_blp.conditional
@queue_blp.response(200, TicketSchema)
def return_ticket(code: str, ticket_id: UUID) -> dict[str, Any]:
    """Let somebody who was passed over wait again, behind the next three"""
    return change(code, ticket_id, "return", service.bring_back)


@queue_blp.route(f"{TICKET}/start", methods=["POST"])
@queue_blp.conditional
@queue_blp.response(200, TicketSchema)
def start_ticket(code: str, ticket_id: UUID) -> dict[str, Any]:
    """Note that the person who was called came in"""
    return change(code, ticket_id, "start", service.start)


@queue_blp.route(f"{TICKET}/done", methods=["POST"])
@queue_blp.conditional
@queue_blp.response(200, TicketSchema)
def finish_ticket(code: str, ticket_id: UUID) -> dict[str, Any]:
    """Note that the person was seen"""
    return change(code, ticket_id, "done", service.finish)


@queue_blp.route(f"{TICKET}/leave", methods=["POST"])
@queue_blp.conditional
@queue_blp.response(200, TicketSchema)
def leave_ticket(code: str, ticket_id: UUID) -> dict[str, Any]:
    """Note that the person went away before their turn"""
    return change(code, ticket_id, "leave", service.leave)


@queue_blp.route(f"{TICKET}/room", methods=["POST"])
@queue_blp.conditional
@queue_blp.arguments(MoveSchema)
@queue_blp.response(200, TicketSchema)
def move_ticket(command: dict[str, Any], code: str, ticket_id: UUID) -> dict[str, Any]:
    """Send somebody to another room, or to another line with that line's next number"""

    def move(session: Session, scope: FacilityScope, ticket: Ticket) -> None:
        if command["queue_id"] is None:
            service.move_to_room(session, scope, ticket, command["room"])
        else:
            queue = named_queue(session, scope, command["queue_id"])
            service.move_to_queue(session, scope, ticket, queue)

    return change(code, ticket_id, "room", move)


@queue_blp.route(f"{FACILITY}/queues/<uuid:queue_id>/blocks", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(NewBlockSchema)
@queue_blp.response(201, BlockSchema)
def take_block(command: dict[str, Any], code: str, queue_id: UUID) -> Any:
    """Set numbers of today aside, to be given while the network is away"""
    with at_facility(code, DESK) as (session, scope):
        queue = queue_of(session, scope, queue_id)

        def create() -> Created[NumberBlock]:
            block = blocks.take_block(session, scope, queue, command["count"])
            return Created(entity=block, reference=str(block.id), location=None)

        block, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=create,
            again=lambda id_: line.get_block(session, scope, UUID(id_)),
        )
        return _block(block, queue), status, headers


@queue_blp.route(f"{FACILITY}/blocks/<uuid:block_id>/tickets", methods=["POST"])
@queue_blp.idempotent
@queue_blp.arguments(GivenNumbersSchema)
@queue_blp.response(201, TicketsSchema)
def save_given(command: dict[str, Any], code: str, block_id: UUID) -> Any:
    """Tell of numbers that were given while the network was away; one told twice stays as it is"""
    with at_facility(code, DESK) as (session, scope):
        block = line.get_block(session, scope, block_id)
        queue = queue_of(session, scope, block.queue_id)

        def save() -> list[Ticket]:
            return blocks.save_given(session, scope, queue, block, command["items"])

        tickets, status, headers = once(
            session,
            current_attempt(current_principal().principal_id),
            create=lambda: Created(entity=save(), reference=str(block.id), location=None),
            again=lambda _: save(),
        )
        names = [line.find_name(session, ticket) for ticket in tickets]
        items = [view(*row) for row in zip(tickets, [queue] * len(tickets), names, strict=True)]
        return {"items": items}, status, headers


@queue_blp.route("/screens/<string(maxlength=40):screen_key>")
@queue_blp.public
@queue_blp.response(200, ScreenSchema)
def show_screen(screen_key: str) -> dict[str, Any]:
    """Show a line's screen: numbers and rooms, nobody's name"""
    with unit_of_work() as session:
        rows = line.find_screen(session, screen_key, clock.today())
    if not rows:
        raise NotFound
    after_this_request(_briefly)
    numbered = [(row, label_of(row.prefix, row.number)) for row in rows if row.number is not None]
    return {
        "calling": [
            {"label": label, "room": row.room} for row, label in numbered if row.state != "waiting"
        ],
        "next": [label for row, label in numbered if row.state == "waiting"],
    }


def made(ticket: Ticket, status: int = 201) -> Created[Ticket]:
    """Return what a new ticket's answer needs, now and again."""
    return Created(
        entity=ticket, reference=str(ticket.id), location=place_of(ticket), status=status
    )


def answered_once(session: Session, scope: FacilityScope, create: Any) -> Any:
    """Give a ticket once by the Idempotency-Key; the answer is the ticket as it is now."""
    ticket, status, headers = once(
        session,
        current_attempt(current_principal().principal_id),
        create=create,
        again=lambda id_: line.get_ticket(session, scope, UUID(id_)),
    )
    return shown(session, scope, ticket), status, headers


def _block(block: NumberBlock, queue: QueueRow) -> dict[str, Any]:
    names = ("id", "queue_id", "first", "last")
    return {name: getattr(block, name) for name in names} | {
        "prefix": queue.prefix,
        "on": block.on_date,
    }


def _briefly(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=2"
    return response
