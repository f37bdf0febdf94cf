"""What the worker does for appointments: steps that take `(session, at)`, a transaction each."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from phr_api.appointments.service.slots import make_slots
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work

STEPS: tuple[Callable[[Session, datetime], bool], ...] = (make_slots,)


def work_once() -> bool:
    """Do what is due now, in batches; whether there was anything to do."""
    did_something = False
    for step in STEPS:
        with unit_of_work() as session:
            did_something |= step(session, clock.now())
    return did_something
