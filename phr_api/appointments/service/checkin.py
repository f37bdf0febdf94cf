"""People arrive: by their booking's code, by their citizen card, or from the desk's list."""

import secrets
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit, clinics
from phr_api.appointments.models import Booking, Ticket
from phr_api.appointments.problems.queue import NothingToday, ScanUnreadable
from phr_api.appointments.queries import checkin, line
from phr_api.appointments.queries.checkin import Expected
from phr_api.appointments.rules.scans import BookingCode, read_scan
from phr_api.appointments.service.changing import (
    NO_PROPOSAL,
    OPEN,
    forget_reminders,
    free_proposed,
    transition,
)
from phr_api.appointments.service.line import NewTicket, issue, who
from phr_api.clinics import QueueRow
from phr_api.consent import FacilityScope
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.problems import InvalidRequest


def find_scanned(
    session: Session, scope: FacilityScope, principal: Principal, text: str
) -> tuple[str, list[Expected]]:
    """Return how a scan was read (qr, card) and which of today's bookings here it is of.

    The text is looked at and dropped: it is not kept, logged or repeated (R27). A code of another
    day, another facility or with a wrong secret is nobody's. Raises ScanUnreadable, NothingToday.
    """
    scan = read_scan(text)
    if scan is None:
        raise ScanUnreadable
    if isinstance(scan, BookingCode):
        line.share_day(session, scope.facility_code, clock.today())  # before the booking is locked
        booking = checkin.lock_expected(session, scope, scan.booking_id)
        own = (booking.qr_secret or "") if booking else ""
        if booking is None or not secrets.compare_digest(own.encode(), scan.secret.encode()):
            raise NothingToday
        return "qr", [_expected(booking)]
    fits = checkin.find_todays(session, scope, principal, scan)
    if not fits:
        raise NothingToday
    return "card", fits


def arrive(
    session: Session,
    scope: FacilityScope,
    booking_id: UUID,
    *,
    source: str,
    priority: str,
    queue_id: UUID | None,
) -> tuple[Ticket, bool]:
    """Note that a booked person is here and give a number; (ticket, whether it is new).

    Who is here already keeps the number; a requested booking is confirmed by coming, and a proposal
    of another time is off. Raises NothingToday, DayClosed, InvalidRequest when it is not clear
    which line.
    """
    line.share_day(session, scope.facility_code, clock.today())  # before the booking is locked
    booking = checkin.lock_expected(session, scope, booking_id)
    if booking is None:
        raise NothingToday
    given = line.find_ticket_of(session, booking.id)
    if given is not None:
        return given, False
    if booking.state == "done":
        raise NothingToday
    queue = _choose_queue(session, scope, booking, queue_id)
    if booking.state in OPEN:
        free_proposed(session, booking)
        booking = transition(
            session,
            booking.id,
            allowed=OPEN,
            expected=booking.version,
            values={"state": "arrived", "respond_by": None} | NO_PROPOSAL,
            what="arrived",
            actor=who(session, scope),
        )
        forget_reminders(session, booking.id)
    ticket = issue(
        session, scope, queue, NewTicket(source=source, priority=priority, booking=booking)
    )
    subjects = [booking.profile_id] if booking.profile_id else []
    audit.record(session, scope.actor, action="booking.check-in", subjects=subjects)
    return ticket, True


def _expected(booking: Booking) -> Expected:
    return Expected(
        id=booking.id,
        starts_at=booking.starts_at,
        service_id=booking.service_id,
        profile_id=booking.profile_id,
        person_name=booking.person_name,
    )


def _choose_queue(
    session: Session, scope: FacilityScope, booking: Booking, queue_id: UUID | None
) -> QueueRow:
    """Return the line that the desk names, else the service's, else the only one there is."""
    queues = {queue.id: queue for queue in clinics.find_queues(session, scope.facility_code)}
    service = clinics.find_service(session, booking.service_id)
    wanted = queue_id or (service.queue_id if service else None)
    if wanted in queues:
        return queues[wanted]
    if queue_id is None and len(queues) == 1:
        return next(iter(queues.values()))
    raise InvalidRequest(errors={"json": {"queueId": ["Name one of this facility's queues."]}})
