"""Open streams of this process, woken by NOTIFY and closed when a right is lost (RIGHTS R25).

One connection listens for all of them; an idle stream holds none. NOTIFY carries account ids: what
is told is read under the session's own scope at each wake.
"""

import atexit
import logging
import queue
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Literal
from uuid import UUID

import psycopg

from phr_api.identity import Principal
from phr_api.kit import clock, db
from phr_api.kit.db import unit_of_work
from phr_api.kit.problems import NotAllowed, NotFound
from phr_api.notifications.problems import TooManyStreams
from phr_api.notifications.queries.inbox import Item, find_items
from phr_api.notifications.service import lines
from phr_api.notifications.service.lines import Places, Position
from phr_api.notifications.service.outbox import CHANNEL, LINES

log = logging.getLogger(__name__)

Wake = Literal["look", "line", "lost"]

WAKES: dict[str, Wake] = {CHANNEL: "look", LINES: "line"}
MOST_STREAMS = 3
CHECK_SECONDS = 4.0  # a lost right ends a stream within five seconds
HEARTBEAT_SECONDS = 15.0
LISTEN_SECONDS = 0.5  # as long as closing takes at most
CLOSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
PAGE = 100
REMEMBERED = 500
# Ids follow the clock of who told, not the order of commits: what is a little older is read again,
# and what was sent is not sent twice.
OVERLAP_MS = 30_000

_RIGHTS = "SELECT session_id, people FROM stream_rights(%s::uuid[], %s::uuid[], %s)"


@dataclass(slots=True, eq=False)
class Stream:
    """One open connection. `people` are those it may be told of, once that was read.

    `last` is the newest that it was told, or when it began; `places` are the positions in line as
    it was told of them.
    """

    principal: Principal
    ends_at: datetime
    last: UUID
    people: frozenset[UUID] | None = None
    wakes: "queue.SimpleQueue[Wake]" = field(default_factory=queue.SimpleQueue)
    sent: "deque[UUID]" = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    places: Places = field(default_factory=dict)

    def wake_fully(self) -> None:
        """Let it look for whatever it was not told yet."""
        self.wakes.put("look")
        self.wakes.put("line")

    def next_wakes(self, seconds: float) -> set[Wake]:
        """Wait for a wake; those that came together are one. Raises queue.Empty."""
        wakes = {self.wakes.get(timeout=seconds)}
        while not self.wakes.empty():
            wakes.add(self.wakes.get())
        return wakes

    def must_end(self) -> bool:
        """Whether a right was lost or its token ended, in the midst of much to be told."""
        wakes = set()
        while not self.wakes.empty():
            wakes.add(self.wakes.get())
        for wake in wakes:
            self.wakes.put(wake)
        return "lost" in wakes or clock.now() >= self.ends_at


class Hub:
    """The streams of this process and the thread that wakes them, which the first one starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[UUID, list[Stream]] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS

    def join(self, stream: Stream) -> None:
        """Add a stream. Raises TooManyStreams for an account's fourth."""
        account_id = stream.principal.principal_id
        with self._lock:
            held = self._streams.setdefault(account_id, [])
            if len(held) >= MOST_STREAMS:
                raise TooManyStreams
            held.append(stream)
            if self._thread is None:
                self._closing = threading.Event()
                self._thread = threading.Thread(
                    target=self._listen, args=(self._closing,), name="streams", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread; the next stream starts one anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closing.set()
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def leave(self, stream: Stream) -> None:
        """Remove a stream; one that has left changes nothing."""
        account_id = stream.principal.principal_id
        with self._lock:
            held = self._streams.get(account_id, [])
            if stream in held:
                held.remove(stream)
            if not held:
                self._streams.pop(account_id, None)

    def _all(self) -> list[Stream]:
        with self._lock:
            return [stream for held in self._streams.values() for stream in held]

    def _listen(self, closing: threading.Event) -> None:
        """Listen until it is closed; ask more and more seldom while the database is away."""
        while not closing.is_set():
            try:
                with db.own_connection() as connection:
                    self._serve(connection, closing)
            except psycopg.Error as error:
                # a line without its traceback: this comes again until the database is back
                kind, state = type(error).__name__, error.sqlstate or "none"
                log.warning("streams are not woken: %s, SQLSTATE %s", kind, state)
            except Exception as error:
                log.error("streams are not woken", exc_info=error)  # noqa: TRY400
            closing.wait(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _serve(self, connection: "psycopg.Connection[Any]", closing: threading.Event) -> None:
        for channel in WAKES:
            connection.execute(f"LISTEN {channel}".encode())
        self._pause = FIRST_PAUSE_SECONDS
        for stream in self._all():
            stream.wake_fully()  # what was told while nobody listened
        checked_at = 0.0
        while not closing.is_set():
            if monotonic() - checked_at >= CHECK_SECONDS:
                self._check(connection)
                checked_at = monotonic()
            for notify in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                self._wake(WAKES[notify.channel], notify.payload)

    def _wake(self, wake: Wake, payload: str) -> None:
        with self._lock:
            woken = [
                stream
                for name in payload.split(",")
                for stream in self._streams.get(UUID(name), ())
            ]
        for stream in woken:
            stream.wakes.put(wake)

    def _check(self, connection: "psycopg.Connection[Any]") -> None:
        """One query for all streams: an ended session, or a person lost, ends the stream."""
        streams = self._all()
        if not streams:
            return
        accounts = [str(one.principal.account_id) for one in streams]
        sessions = [str(one.principal.session_id) for one in streams]
        rows = connection.execute(_RIGHTS, (accounts, sessions, clock.now())).fetchall()
        rights = {row[0]: frozenset(row[1]) for row in rows}
        for stream in streams:
            people = rights.get(stream.principal.session_id)
            if people is None or (stream.people or frozenset()) - people:
                stream.wakes.put("lost")
            else:
                stream.people = people


_hub = Hub()
atexit.register(_hub.close)


class _Process:
    serves_streams = False


def configure(*, serves_streams: bool) -> None:
    """Say whether this process has the threads for streams."""
    _Process.serves_streams = serves_streams


def close() -> None:
    """End this process's listening to the database; a stream that is opened begins it anew."""
    _hub.close()


def open_stream(principal: Principal, *, ends_at: datetime, last: UUID | None) -> Stream:
    """Join the streams of this process; `last` is what the app got last, to go on from there.

    Raises NotFound in a process without the threads, NotAllowed to systems, TooManyStreams.
    """
    if not _Process.serves_streams:
        raise NotFound
    if principal.account_id is None:
        raise NotAllowed
    begins = _bound(int(clock.now().timestamp() * 1000))
    stream = Stream(principal=principal, ends_at=ends_at, last=last or begins)
    if last is None:
        stream.sent.extend(item.id for page in _read(stream) for item in page)
    else:
        stream.sent.append(last)
    _hub.join(stream)
    stream.wake_fully()  # what came in between, and since `last`; where one stands in line
    return stream


def close_stream(stream: Stream) -> None:
    """Leave; again changes nothing."""
    _hub.leave(stream)


def follow(stream: Stream) -> Iterator[Item | Position | Literal["lost"] | None]:
    """Yield messages and positions as they come, None as a heartbeat, "lost" when a right was lost.

    Ends then, and at the end of the access token.
    """
    while (left := (stream.ends_at - clock.now()).total_seconds()) > 0:
        try:
            wakes = stream.next_wakes(min(left, HEARTBEAT_SECONDS))
        except queue.Empty:
            yield None
            continue
        if "lost" in wakes:
            yield "lost"
            return
        if "look" in wakes:
            yield from _news(stream)
        if "line" in wakes:
            with unit_of_work() as session:
                moved = list(lines.find_news(session, stream.principal, stream.places))
            yield from moved


def _news(stream: Stream) -> Iterator[Item]:
    """What it was not told yet, oldest first; until it must end, which its caller looks at."""
    for items in _read(stream):
        if stream.must_end():
            return
        for item in items:
            if item.id not in stream.sent:
                stream.sent.append(item.id)
                stream.last = max(item.id, stream.last)
                yield item


def _read(stream: Stream) -> Iterator[list[Item]]:
    """Yield what this session may see since a little before the last one, in pages, oldest first.

    The inbox is read from its newest end. After a long break that is done twice: back, keeping only
    where each page begins, and then forward, each page under the rights of its moment (R25).
    """
    after = _bound((stream.last.int >> 80) - OVERLAP_MS)
    begins: list[UUID] = []
    page = _find(stream, after=after, before=None, most=PAGE)
    while len(page) == PAGE:
        begins.append(page[-1].id)
        page = _find(stream, after=after, before=begins[-1], most=PAGE)
    yield page[::-1]
    while begins:
        after = UUID(int=begins.pop().int - 1)
        # a few may have come into it meanwhile: up to where the next one begins, however many
        before = begins[-1] if begins else None
        yield _find(stream, after=after, before=before, most=None)[::-1]


def _find(stream: Stream, *, after: UUID, before: UUID | None, most: int | None) -> list[Item]:
    with unit_of_work() as session:
        return find_items(
            session, stream.principal, at=clock.now(), after=after, before=before, most=most
        )


def _bound(milliseconds: int) -> UUID:
    """Return what lies before all ids of this millisecond and after those of the one before."""
    return UUID(int=max(milliseconds, 0) << 80)
