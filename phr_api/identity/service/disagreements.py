"""A known number with another name or birth is a trace and a count, whoever sends it (R11)."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.kit import clock

log = logging.getLogger(__name__)

DISAGREEMENTS_A_DAY = 50
NOBODY = UUID(int=0)  # the operator's command line sends for no client

_COUNT = text(
    "INSERT INTO disagreement AS d (facility_code, client_id, day, count)"
    " VALUES (:facility, :client, :day, 1)"
    " ON CONFLICT (facility_code, client_id, day) DO UPDATE SET count = d.count + 1"
    " RETURNING count"
)


def note_disagreement(
    session: Session,
    actor: audit.Actor,
    facility_code: str,
    *,
    action: str,
    fields: Sequence[str],
    at: datetime,
    candidate: UUID | None = None,
) -> None:
    """Trace and count it for the system or the member of staff; the 50th of a day is an alarm.

    `fields` are names, never values; `candidate` is the person in question where it is known.
    """
    audit.record(
        session,
        actor,
        action=action,
        subjects=[],  # it stays out of sight until somebody of the facility decides
        details={"fields": list(fields), "candidate": str(candidate) if candidate else None},
    )
    day = at.astimezone(clock.VIETNAM).date()
    parameters = {"facility": facility_code, "client": actor.id or NOBODY, "day": day}
    if session.scalar(_COUNT, parameters) == DISAGREEMENTS_A_DAY:
        log.error(
            "many people disagree with known numbers",
            extra={"facility_code": facility_code, "client_id": str(actor.id)},
        )
