"""The rows of the line, check-in, calendar, suggestions."""

from typing import Any

from sqlalchemy.orm import Session

from phr_api.kit.ids import new_row_id
from tests.contract.rows.roles import DESK, READERS, STAFF
from tests.factories.appointments import make_queue
from tests.factories.line import make_block, make_closing, make_ticket
from tests.factories.people import Citizen

_FACILITY = "/v1/facilities/{code}"
_BOOKING = "/v1/profiles/{profile_id}/bookings/{booking_id}"
_PHONE = "/v1/me/phone-bookings/{booking_id}"
_TICKET = f"POST {_FACILITY}/tickets/{{ticket_id}}"
_NUMBERS = {"items": [{"number": 1, "at": "2026-11-24T07:00:00+07:00"}]}

PUBLIC: set[str] = {"GET /v1/screens/{screen_key}"}
MINE: dict[str, Any] = {f"GET {_PHONE}/calendar.ics": None, f"GET {_PHONE}/queue": None}
PERSONAL: dict[str, Any] = {
    f"GET {_BOOKING}/calendar.ics": None,
    f"GET {_BOOKING}/queue": None,
    "GET /v1/profiles/{profile_id}/booking-suggestions": None,
}
FACILITY: dict[str, tuple[frozenset[str], Any]] = {
    f"GET {_FACILITY}/queues": (READERS, None),
    f"GET {_FACILITY}/queues/{{queue_id}}/tickets": (READERS, None),
    f"POST {_FACILITY}/queues/{{queue_id}}/next": (STAFF, {"room": "101"}),
    f"POST {_FACILITY}/queues/{{queue_id}}/blocks": (DESK, {"count": 2}),
    f"POST {_FACILITY}/blocks/{{block_id}}/tickets": (DESK, _NUMBERS),
    f"POST {_FACILITY}/check-ins": (DESK, {"scan": "neither code"}),
    f"POST {_FACILITY}/tickets": (DESK, {"queueId": str(new_row_id())}),
    **{f"{_TICKET}/{name}": (STAFF, None) for name in ("skip", "return", "start", "done", "leave")},
    f"POST {_FACILITY}/day-closings": (DESK, {"on": "2026-01-05"}),
    f"POST {_FACILITY}/day-closings/{{closing_id}}/undo": (DESK, None),
    f"{_TICKET}/room": (STAFF, {"room": "102"}),
}
QUERIES: dict[str, str] = {}


def extra_ids(session: Session, victim: Citizen) -> dict[str, str]:
    """Ids of the victim's things at facility 99001, by the names they have in the addresses."""
    queue = make_queue(session)
    return {
        "queue_id": str(queue.id),
        "ticket_id": str(make_ticket(session, queue=queue, profile_id=victim.profile.id).id),
        "block_id": str(make_block(session, queue=queue).id),
        "closing_id": str(make_closing(session).id),
    }
