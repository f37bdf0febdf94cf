"""Visits in flight: several transactions at once, so that their commits share a flush.

Visits of one MA_LK follow each other in the order of the file: the last one of a file stands. With
one thread there is no pool: reading and writing take turns in the thread that reads, and nothing is
spent on handing the interpreter from one thread to another.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import BoundedSemaphore
from types import TracebackType
from typing import Self

QUEUED_A_THREAD = 2


class Flight:
    """A bounded pool; the first failure is kept and raised to the one who sends."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "visit") if threads > 1 else None
        self._room = BoundedSemaphore(threads * QUEUED_A_THREAD)
        self._latest: dict[str, Future[None]] = {}
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def send(self, key: str, work: Callable[[], None]) -> None:
        """Run `work` when there is room, after what was sent before under this key."""
        self._raise_failure()
        if self._pool is None:
            self._fly(work)
            return
        earlier = self._latest.get(key)
        if earlier is not None:
            wait([earlier])
        self._room.acquire()
        future = self._pool.submit(self._fly, work)
        self._latest[key] = future
        future.add_done_callback(lambda done: self._landed(key, done))

    def land(self) -> None:
        """Wait until nothing is in flight; raise what failed first."""
        wait(list(self._latest.values()))
        self._raise_failure()

    def _fly(self, work: Callable[[], None]) -> None:
        """Keep a failure before the work counts as done: who waits for it must see it."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised to the one who sends
            self._failure = self._failure or error

    def _landed(self, key: str, done: Future[None]) -> None:
        if self._latest.get(key) is done:
            self._latest.pop(key, None)
        self._room.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
