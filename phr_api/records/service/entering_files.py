"""The pass that enters visits: unchanged ones by their hash in bulk, the others read and written.

Reading is Python and happens here, a few visits ahead; the database's part of each visit runs in
the threads of `flight`, several at once, or with one thread here as well.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from phr_api.kit import clock
from phr_api.kit.db import insert_rows, kept_session, retrying, set_scope, unit_of_work
from phr_api.records import rules
from phr_api.records.models import Outcome, SubmissionEntry
from phr_api.records.queries.visits import Current, find_current
from phr_api.records.reader import VisitRefused, VisitSegment, read_visit
from phr_api.records.service import additions, entering, keys, metrics, reading
from phr_api.records.service.arrival import Intake, Piece
from phr_api.records.service.flight import Flight
from phr_api.records.service.job import Job
from phr_api.records.service.reading import Checked

log = logging.getLogger(__name__)

VISITS_A_LOOK = 100
# Read one after the other before the first of them is written: what a processor keeps at hand for
# reading is not driven out by writing after each visit. They are of one look: 4 MiB and a visit.
VISITS_AHEAD = 10
BYTES_A_LOOK = 4 * 1024 * 1024
Do = Callable[[Session], Outcome | None]  # what a visit's transaction does
# data exception, integrity violation, program limit exceeded: of this visit, not of the database
OF_THE_VISIT = ("22", "23", "54")


def enter_all(job: Job, checked: Checked, *, is_resumed: bool, stop: Event) -> bytes | None:
    """Enter every visit of a checked file; returns the bytes between the visits.

    None when `stop` was set: what is in flight was finished, the rest waits.
    """
    if job.event_id is None:
        raise ValueError("a file that is entered has an event in the trace")
    intake = Intake(
        submission_id=job.submission_id,
        facility_code=job.facility_code,
        actor=job.actor,
        event_id=job.event_id,
        source_state=checked.source_state,
        sealer=keys.current().sealer,
    )
    remainder = bytearray()
    threads = keys.current().threads
    with (
        kept_session() if threads == 1 else nullcontext() as kept,
        Flight(threads) as flight,
    ):
        entering_visits = _Pass(intake, flight, kept, is_resumed=is_resumed)
        for batch in _batches(job, checked, remainder):
            if stop.is_set():
                flight.land()
                return None
            entering_visits.take(batch)
        flight.land()
    return bytes(remainder)


def _batches(job: Job, checked: Checked, remainder: bytearray) -> Iterator[list[Piece]]:
    """Gather visits for one look at the database; what lies between them goes to `remainder`."""
    batch: list[Piece] = []
    size = 0
    for part in reading.walk(job.chunks(), checked):
        if not isinstance(part, VisitSegment):
            remainder += part.raw
            continue
        sha256 = hashlib.sha256(part.raw).digest()
        batch.append(Piece(ordinal=part.ordinal, start=part.start, raw=part.raw, sha256=sha256))
        size += len(part.raw)
        if len(batch) == VISITS_A_LOOK or size >= BYTES_A_LOOK:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(slots=True)
class _Pass:
    """One file's visits on their way.

    `sent` are the MA_LK that were read: a later place of the file is not settled by what was
    current before them, for the last one of a file stands. `kept` is the session of all visits
    where they are written by one thread.
    """

    intake: Intake
    flight: Flight
    kept: Session | None
    is_resumed: bool = field(kw_only=True)
    sent: set[str] = field(default_factory=set)

    def take(self, batch: list[Piece]) -> None:
        """Send the visits that say something new one by one, and enter the others at once."""
        with unit_of_work() as session:
            set_scope(session, facility_id=self.intake.facility_code)
            hashes = [piece.sha256 for piece in batch]
            known = find_current(session, self.intake.facility_code, hashes)
            entered: set[int] = set()
            if self.is_resumed:
                entered = _entered(session, self.intake.submission_id, batch)
        unchanged: list[tuple[Piece, Current]] = []
        ahead: list[tuple[str, Piece, Do]] = []
        for piece in batch:
            if piece.ordinal in entered:
                continue
            same = known.get(piece.sha256)
            if same is not None and same.ma_lk not in self.sent:
                unchanged.append((piece, same))
                continue
            key, do = work_of(self.intake, piece)
            self.sent.add(key)
            ahead.append((key, piece, do))
            if len(ahead) == VISITS_AHEAD:
                self._send(ahead)
                ahead = []
        self._send(ahead)
        if unchanged:
            with unit_of_work() as session:
                enter_unchanged(session, self.intake, unchanged)
            metrics.visits.labels(Outcome.UNCHANGED).inc(len(unchanged))

    def _send(self, visits: list[tuple[str, Piece, Do]]) -> None:
        for key, piece, do in visits:
            self.flight.send(key, partial(self._run, piece, do))

    def _run(self, piece: Piece, do: Do) -> None:
        outcome = run(self.intake, piece, do, self.kept)
        if outcome is not None:
            metrics.visits.labels(outcome).inc()


def work_of(intake: Intake, piece: Piece) -> tuple[str, Do]:
    """Read one visit; returns its key (MA_LK, or its place) and what its transaction shall do."""
    key = f"#{piece.ordinal}"
    try:
        read = read_visit(piece.raw)
        key = read.ma_lk
        if not rules.is_whole(read.table_names):
            return key, lambda session: additions.add_tables(session, intake, piece, read)
        arrival = reading.arrive(intake, piece, read)
    except VisitRefused as refused:
        reasons = reading.reason_rows(refused)
        return key, _refusal(intake, piece, reasons, refused.ma_lk, refused.ma_bn)
    except Exception as error:  # noqa: BLE001 - logged; the file's other visits go on
        _log(intake, piece, error)
        return key, _refusal(intake, piece, [rules.FAILED])
    return key, lambda session: entering.enter(session, intake, arrival)


def run(intake: Intake, piece: Piece, do: Do, kept: Session | None = None) -> Outcome | None:
    """Enter one visit in a transaction; a visit that breaks us is refused, and its bytes kept.

    `kept` is a session that is used for it (kit.db.retrying). An error of the database itself is
    the caller's: the file stays and is begun again.
    """
    try:
        return retrying(do, kept)
    except VisitRefused as refused:
        reasons = reading.reason_rows(refused)
        return retrying(_refusal(intake, piece, reasons, refused.ma_lk, refused.ma_bn), kept)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if error.connection_invalidated or not state.startswith(OF_THE_VISIT):
            raise
        _log(intake, piece, error)
    except Exception as error:  # noqa: BLE001 - logged; the file's other visits go on
        _log(intake, piece, error)
    return retrying(_refusal(intake, piece, [rules.FAILED]), kept)


def _refusal(
    intake: Intake,
    piece: Piece,
    reasons: list[dict[str, Any]],
    ma_lk: str | None = None,
    ma_bn: str | None = None,
) -> Do:
    return lambda session: entering.refuse(
        session, intake, piece, reasons, ma_lk=ma_lk, ma_bn=ma_bn
    )


def _log(intake: Intake, piece: Piece, error: Exception) -> None:
    extra = {"submission": str(intake.submission_id), "ordinal": piece.ordinal}
    log.error("visit failed", exc_info=error, extra=extra)


def enter_unchanged(
    session: Session, intake: Intake, unchanged: list[tuple[Piece, Current]]
) -> None:
    """Enter visits whose very bytes are current, unread."""
    set_scope(session, facility_id=intake.facility_code)
    at = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "submission_id": intake.submission_id,
            "ordinal": piece.ordinal,
            "facility_code": intake.facility_code,
            "ma_lk": same.ma_lk,
            "ma_bn": same.ma_bn,
            "outcome": Outcome.UNCHANGED,
            "reasons": [],
            "visit_id": same.id,
            "original_id": same.original_id,
            "start_byte": piece.start,
            "plain_bytes": len(piece.raw),
            "is_open": False,
            "entered_at": at,
        }
        for piece, same in unchanged
    ]
    insert_rows(session, SubmissionEntry, rows, conflict="ON CONFLICT DO NOTHING")


def _entered(session: Session, submission_id: UUID, batch: list[Piece]) -> set[int]:
    """Which of these places an earlier attempt entered."""
    places = [piece.ordinal for piece in batch]
    return set(
        session.scalars(
            select(SubmissionEntry.ordinal).where(
                SubmissionEntry.submission_id == submission_id,
                SubmissionEntry.ordinal.in_(places),
            )
        )
    )
