"""How far one's numbers of today are, for an app that follows them."""

from sqlalchemy.orm import Session

from phr_api.appointments.rules.line import estimate, label_of
from phr_api.identity import Principal
from phr_api.kit import clock
from phr_api.kit.db import run
from phr_api.notifications import Position

_READ = (
    "SELECT ticket_id, booking_id, profile_id, prefix, number, state, room, minutes_each, ahead,"
    " pace FROM read_positions(%(account)s, %(session)s, %(on)s, %(at)s)"
)


def find_positions(session: Session, principal: Principal) -> list[Position]:
    """Return the numbers of today that this session may see now; none once it has ended.

    Of a person's booking only while the right lasts, and only for sessions at record level (R2);
    a phone session sees those of its own bookings.
    """
    at = clock.now()
    values = {
        "account": principal.account_id,
        "session": principal.session_id,
        "on": clock.today(),
        "at": at,
    }
    found = []
    for row in run(session, _READ, values):
        ticket, booking, person, prefix, number, state, room, usual, ahead, pace = row
        waits = state == "waiting"
        found.append(
            Position(
                ticket_id=ticket,
                booking_id=booking,
                profile_id=person,
                label=label_of(prefix, number),
                state=state,
                room=room,
                ahead=ahead if waits else None,
                estimated_at=estimate(at, ahead, pace, usual) if waits else None,
            )
        )
    return found
