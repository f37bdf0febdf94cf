"""What people are told: written by the cause, shown in the inbox, handed to their devices."""

from datetime import timedelta

from phr_api.kit.jobs import Task
from phr_api.notifications.queries.deliveries import find_deliveries
from phr_api.notifications.rules.words import KINDS, Words
from phr_api.notifications.service.configuring import configure, events_address
from phr_api.notifications.service.delivering import deliver, deliver_once
from phr_api.notifications.service.expiring import tell_expiring
from phr_api.notifications.service.lines import Position, use_positions
from phr_api.notifications.service.openings import on_opened
from phr_api.notifications.service.outbox import drain_once
from phr_api.notifications.service.telling import Tell, cancel_untold, tell
from phr_api.notifications.service.upkeep import trim

__all__ = [
    "KINDS",
    "Position",
    "Tell",
    "Words",
    "cancel_untold",
    "configure",
    "deliver",
    "deliver_once",
    "drain_once",
    "events_address",
    "find_deliveries",
    "on_opened",
    "tasks",
    "tell",
    "tell_expiring",
    "trim",
    "use_positions",
]


def tasks() -> tuple[Task, ...]:
    """Return what the worker does for this room on its own."""
    return (
        Task(name="trim notifications", every=timedelta(hours=1), work=trim),
        Task(name="tell what ends soon", every=timedelta(hours=6), work=tell_expiring),
    )
