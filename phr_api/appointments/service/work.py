"""What the worker does for appointments: steps that take `(session, at)`, a transaction each."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from phr_api.appointments.service.due import (
    answer_unanswered,
    lapse_proposals,
    remind_desks,
    send_due,
)
from phr_api.appointments.service.lapsing import lapse_holds
from phr_api.appointments.service.slots import make_slots
from phr_api.appointments.service.waiting import offer_freed
from phr_api.kit import clock
from phr_api.kit.db import unit_of_work

STEPS: tuple[Callable[[Session, datetime], bool], ...] = (
    lapse_holds,
    lapse_proposals,
    offer_freed,
    remind_desks,
    answer_unanswered,
    send_due,
    make_slots,
)


def work_once() -> bool:
    """Do what is due now, in batches; whether there was anything to do.

    A step that fails does not keep the others from their work; the last failure is raised then.
    """
    did_something, failure = False, None
    for step in STEPS:
        try:
            with unit_of_work() as session:
                did_something |= step(session, clock.now())
        except SQLAlchemyError as error:
            failure = error
    if failure is not None:
        raise failure
    return did_something
