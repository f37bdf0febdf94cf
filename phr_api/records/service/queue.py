"""The worker's queue: files and orders, oldest first, each by one worker at a time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import unit_of_work
from phr_api.records.models import IntakeWork, WorkKind
from phr_api.records.service import carrying_out, files
from phr_api.records.service.locks import try_lock

log = logging.getLogger(__name__)

LOOK_AT = 20
# A file that has ended its worker so often (killed, out of memory) is put aside, its bytes kept;
# an order that failed so often is refused, or it would bar every later order of its visit.
MOST_ATTEMPTS = 10
LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One row of the queue."""

    id: UUID
    kind: str
    facility_code: str
    attempts: int


def work_once(kind: str, stop: Event) -> bool:
    """Do the oldest due piece of work that nobody else holds; False when there is none."""
    with unit_of_work() as session:
        due = session.scalars(
            select(IntakeWork.id)
            .where(IntakeWork.kind == kind, IntakeWork.due_at <= clock.now())
            .order_by(IntakeWork.received_at, IntakeWork.id)
            .limit(LOOK_AT)
        ).all()
    return any(work_on(work_id, stop) for work_id in due if not stop.is_set())


def work_on(work_id: UUID, stop: Event) -> bool:
    """Do this piece of work unless another worker holds it or it is done; True if done here.

    When `stop` is set meanwhile, a file is left where it is and stays due. An error of the database
    is the caller's, after the work was put off.
    """
    with try_lock(work_id) as is_ours:
        if not is_ours:
            return False
        with unit_of_work() as session:
            work = _begin(session, work_id)
        if work is None:
            return False
        do: Callable[[Work, Event], bool] = _DO[work.kind]
        try:
            return do(work, stop)
        except Exception:
            _put_off(work, clock.now())
            raise


def is_waiting(work_id: UUID) -> bool:
    """Whether this piece of work is in the queue still."""
    with unit_of_work() as session:
        return session.get(IntakeWork, work_id) is not None


def _begin(session: Session, work_id: UUID) -> Work | None:
    """Count the attempt before it is made: a killed worker cannot count it afterwards."""
    row = session.execute(
        update(IntakeWork)
        .where(IntakeWork.id == work_id)
        .values(attempts=IntakeWork.attempts + 1)
        .returning(IntakeWork.kind, IntakeWork.facility_code, IntakeWork.attempts)
    ).first()
    if row is None:
        return None
    return Work(id=work_id, kind=row[0], facility_code=row[1], attempts=row[2])


def _put_off(work: Work, at: datetime) -> None:
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(work.attempts, MOST_ATTEMPTS)))
    with unit_of_work() as session:
        session.execute(
            update(IntakeWork).where(IntakeWork.id == work.id).values(due_at=at + pause)
        )


def _file(work: Work, stop: Event) -> bool:
    if work.attempts > MOST_ATTEMPTS:
        log.error("file given up", extra={"submission": str(work.id)})
        files.give_up(work.id, work.facility_code)
        return True
    is_done = files.process(work.id, work.facility_code, is_resumed=work.attempts > 1, stop=stop)
    if not is_done:
        with unit_of_work() as session:  # stopped on purpose: this attempt does not count
            session.execute(
                update(IntakeWork)
                .where(IntakeWork.id == work.id)
                .values(attempts=IntakeWork.attempts - 1)
            )
    return is_done


def _order(work: Work, _stop: Event) -> bool:
    if work.attempts > MOST_ATTEMPTS:
        log.error("order given up", extra={"order": str(work.id)})
        carrying_out.give_up(work.id, work.facility_code)
    else:
        carrying_out.carry_out(work.id, work.facility_code)
    return True


_DO: dict[str, Callable[[Work, Event], bool]] = {WorkKind.FILE: _file, WorkKind.ORDER: _order}
