"""What tests of the line share: one clinic's morning, with the desk's requests."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from phr_api.clinics.models import ClinicQueue
from tests.factories.appointments import make_queue
from tests.factories.people import FACILITY, SignedIn, make_staff


@dataclass(frozen=True, slots=True)
class Desk:
    """A clerk at a line of its own."""

    client: FlaskClient
    clerk: SignedIn
    queue: ClinicQueue

    @property
    def facility(self) -> str:
        """The address of the line's facility."""
        return f"/v1/facilities/{self.queue.facility_code}"

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Ask as the clerk, with a key of its own unless one is given."""
        sent = self.clerk.headers | {"Idempotency-Key": uuid4().hex} | headers
        return self.client.post(f"{self.facility}{path}", json=body, headers=sent)

    def give(self, **body: Any) -> Any:
        """Give a number; the ticket."""
        answer = self.post("/tickets", {"queueId": str(self.queue.id)} | body)
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()

    def next(self, room: str = "101") -> Any:
        """Call the next; the ticket, or None."""
        answer = self.post(f"/queues/{self.queue.id}/next", {"room": room})
        assert answer.status_code in {200, 204}, answer.get_json()
        return answer.get_json() if answer.status_code == 200 else None

    def act(self, action: str, ticket: Any, body: Any = None) -> TestResponse:
        """Do an action on a ticket as it was read."""
        path = f"/tickets/{ticket['id']}/{action}"
        sent = self.clerk.headers | {"If-Match": ticket["etag"]}
        return self.client.post(f"{self.facility}{path}", json=body, headers=sent)

    def labels(self) -> list[str]:
        """Numbers of the line, as the desk sees them."""
        path = f"{self.facility}/queues/{self.queue.id}/tickets"
        answer = self.client.get(path, headers=self.clerk.headers)
        assert answer.status_code == 200
        return [item["label"] for item in answer.get_json()["items"]]


def make_desk(client: FlaskClient, session: Session, *, facility_code: str = FACILITY) -> Desk:
    """A clerk with a new line."""
    return Desk(
        client,
        make_staff(session, facility_code=facility_code),
        make_queue(session, facility_code=facility_code),
    )
