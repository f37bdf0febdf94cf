"""What people are told: written by the cause, shown in the inbox, handed to their devices."""

from phr_api.kit.jobs import Task
from phr_api.notifications.rules.words import KINDS, Words
from phr_api.notifications.service.delivering import deliver_once
from phr_api.notifications.service.outbox import drain_once
from phr_api.notifications.service.telling import Tell, cancel_untold, tell

__all__ = [
    "KINDS",
    "Tell",
    "Words",
    "cancel_untold",
    "deliver_once",
    "drain_once",
    "tasks",
    "tell",
]


def tasks() -> tuple[Task, ...]:
    """Return what the worker does for this room on its own."""
    return ()
