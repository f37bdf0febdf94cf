"""Who hears what, and what the worker does on its own: the two visible tables of the house.

App, worker and command line import it, so that a thing done at the command line has the same
consequences as one done by a request.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import appointments, clinics, consent, identity, notifications, records
from phr_api.appointments.service.schedules import on_facilities_changed, on_service_changed
from phr_api.audit.service import chain_days, close_refusals
from phr_api.kit import events, idempotency
from phr_api.kit.jobs import Task
from phr_api.settings import Settings

log = logging.getLogger(__name__)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A phone that has not asked for longer loads the book anew (410).
CHANGES_KEPT = timedelta(days=400)


def install() -> None:
    """Let rooms hear what others say, in every process alike; called twice it changes nothing."""
    events.subscribe(clinics.ServiceChanged, on_service_changed)
    events.subscribe(clinics.FacilitiesChanged, on_facilities_changed)
    events.subscribe(consent.RecordOpened, notifications.on_opened)
    notifications.use_positions(appointments.find_positions)


def periodic_tasks(settings: Settings) -> tuple[Task, ...]:
    """Return what the worker does on its own, and how often; how long each thing is kept."""

    def chain(session: Session, at: datetime) -> None:
        for day, rows, head in chain_days(session, at, settings.secret):
            # the log leaves this machine: a database restored without a row is found out
            extra = {"day": day.isoformat(), "rows": rows, "head": head.hex()}
            log.info("audit day chained", extra=extra)

    return (
        Task(name="close refusals", every=MINUTE, work=close_refusals),
        Task(name="chain audit days", every=HOUR, work=chain),
        Task(name="trim idempotency", every=HOUR, work=idempotency.trim),  # 7 days
        Task(name="trim identity", every=HOUR, work=identity.trim),
        Task(name="trim validate-only reports", every=HOUR, work=records.trim_reports),  # 7 days
        Task(name="trim changes", every=DAY, work=trim_changes),
        *appointments.tasks(),
        *notifications.tasks(),
    )


def trim_changes(session: Session, at: datetime) -> None:
    """Delete entries of the change feed that are older than CHANGES_KEPT."""
    before = at - CHANGES_KEPT
    session.execute(text("SELECT trim_changes(:before)"), {"before": before})
