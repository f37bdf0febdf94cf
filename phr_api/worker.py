"""The background process: takes in files, carries out orders, runs what is due.

SIGTERM finishes the visits in flight and leaves the rest of the file to the next worker. SIGKILL
loses nothing either: the file's lock dies with its connection, and visits that were entered are
skipped when another worker begins it again.
"""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from phr_api import appointments, identity, notifications, records
from phr_api.kit import clock, cursor, db, idempotency, jobs, limits
from phr_api.settings import Settings
from phr_api.wiring import install, periodic_tasks

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# what somebody waits for: a push and an open stream are told within 100 ms of the commit
PROMPT_SECONDS = 0.05
PROMPT = frozenset({"outbox", "push", "sms"})
AFTER_A_FAILURE_SECONDS = 5.0
# beside the visits in flight: the file's lock, its chunks, an order, a periodic task, the lanes of
# bookings, outbox, pushes (2) and SMS, one spare
OTHER_CONNECTIONS = 10


def configure(settings: Settings) -> None:
    """Bind this process to the worker's role and keys. Raises SettingError."""
    db.configure(
        settings.database.worker_url,
        pool_size=settings.records.threads + OTHER_CONNECTIONS,
        is_worker=True,
    )
    for module in (cursor, idempotency, limits):
        module.configure(settings.secret)
    for room in (identity, records, notifications):
        room.configure(settings)
    install()


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; returns when nothing is in flight. Raises SettingError."""
    configure(settings)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    tasks = periodic_tasks(settings)
    lanes = {
        "files": lambda: records.work_once("file", stop),
        # an order does not wait behind a file of five thousand visits
        "orders": lambda: records.work_once("order", stop),
        "appointments": appointments.work_once,
        "outbox": notifications.drain_once,
        # a slow gateway of one way out does not hold up the other
        "push": lambda: notifications.deliver("push") > 0,
        # and while one batch waits for FCM, another is claimed or recorded
        "push again": lambda: notifications.deliver("push") > 0,
        "sms": lambda: notifications.deliver("sms") > 0,
        "periodic": lambda: bool(jobs.run_due(tasks, clock.now())),
    }
    threads = [
        threading.Thread(target=_lane, args=(name, work, stop), name=name)
        for name, work in lanes.items()
    ]
    for thread in threads:
        thread.start()
    log.info("worker ready")
    stop.wait()
    for thread in threads:
        thread.join()
    db.dispose()
    log.info("worker stopped")


def _lane(name: str, work: Callable[[], bool], stop: threading.Event) -> None:
    """Repeat `work`; pause when there was nothing to do, longer when the database is away."""
    while not stop.is_set():
        pause = PROMPT_SECONDS if name in PROMPT else POLL_SECONDS
        try:
            if work():
                pause = 0
        except SQLAlchemyError as error:
            log.warning("work interrupted", exc_info=error, extra={"lane": name})
            pause = AFTER_A_FAILURE_SECONDS
        except Exception as error:
            log.error("work failed", exc_info=error, extra={"lane": name})  # noqa: TRY400
            pause = AFTER_A_FAILURE_SECONDS
        stop.wait(pause)
