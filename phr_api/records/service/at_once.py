"""Taking a file in at once: the command line does what the web process and the worker do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

from phr_api.kit.db import set_scope, unit_of_work
from phr_api.records.models import Outcome, Submission
from phr_api.records.queries.submissions import EntryRow, find_entries
from phr_api.records.service import keys, queue, upload
from phr_api.records.service.spool import Readable, receive

AN_HOUR = 3600.0
LOOK_SECONDS = 0.1
MOST_ENTRIES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a file: its refusal as a whole, or an entry a visit."""

    submission_id: UUID
    refusal: dict[str, Any] | None
    counts: dict[str, int]
    entries: Sequence[EntryRow]

    @property
    def is_refused(self) -> bool:
        """Whether the file or a visit in it was refused."""
        return self.refusal is not None or self.counts.get(Outcome.REFUSED, 0) > 0


def take_in(body: Readable, facility_code: str, *, validate_only: bool = False) -> Taken:
    """Take in one file for an operator and wait for its end; a worker may be the one to do it.

    Raises FileTooLarge, FileEmpty, FileInProgress. A database error leaves the file in the queue.
    """
    spool = receive(body, keys.current().public_key, seconds=AN_HOUR)
    try:
        with unit_of_work() as session:
            set_scope(session, facility_id=facility_code)
            submission_id = upload.take_file(
                session,
                spool,
                facility_code=facility_code,
                client_id=None,
                validate_only=validate_only,
            ).id
    finally:
        spool.close()
    go_on = Event()
    while queue.is_waiting(submission_id):
        if not queue.work_on(submission_id, go_on):
            time.sleep(LOOK_SECONDS)
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        row = session.get_one(Submission, submission_id)
        entries = find_entries(session, submission_id, limit=MOST_ENTRIES)
    return Taken(
        submission_id=submission_id, refusal=row.refusal, counts=row.counts, entries=entries
    )
