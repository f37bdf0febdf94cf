"""Periodic tasks: each due time is a row, and whoever locks the row runs the task.

Several workers may run; a task runs in one of them, in the transaction that moves its due time on.
Times come from `kit.clock`, so a test runs what is due without waiting (FINDINGS 22).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from phr_api.kit.db import Base, unit_of_work

log = logging.getLogger(__name__)

AGAIN_AFTER_FAILURE = timedelta(minutes=1)


class PeriodicTask(Base):
    """When a task is due next; a task that is new to this database is due at once."""

    __tablename__ = "periodic_task"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`work(session, at)` runs every `every`; it may run twice and must not mind."""

    name: str
    every: timedelta
    work: Callable[[Session, datetime], object]


def run_due(tasks: Sequence[Task], at: datetime) -> list[str]:
    """Run what is due at `at`, each task in its own transaction; returns the names that ran.

    A failure is logged and tried again a minute later; it keeps no other task waiting.
    """
    with unit_of_work() as session:
        known = set(session.scalars(select(PeriodicTask.name)))
        for task in tasks:
            if task.name not in known:
                new = insert(PeriodicTask).values(name=task.name, due_at=at)
                session.execute(new.on_conflict_do_nothing())
    return [task.name for task in tasks if _run(task, at)]


def _run(task: Task, at: datetime) -> bool:
    try:
        with unit_of_work() as session:
            due = (
                select(PeriodicTask)
                .where(PeriodicTask.name == task.name, PeriodicTask.due_at <= at)
                .with_for_update(skip_locked=True)
            )
            row = session.scalar(due)
            if row is None:
                return False
            task.work(session, at)
            row.due_at = at + task.every
    except Exception as error:
        log.error("periodic task failed", exc_info=error, extra={"task": task.name})  # noqa: TRY400
        with unit_of_work() as session:
            session.execute(
                update(PeriodicTask)
                .where(PeriodicTask.name == task.name)
                .values(due_at=at + min(task.every, AGAIN_AFTER_FAILURE))
            )
        return False
    return True
