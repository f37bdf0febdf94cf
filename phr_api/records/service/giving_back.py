"""A file given back to an operator as it was received, and the trace of that (R14)."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent import RecordOpened
from phr_api.kit import clock
from phr_api.kit.db import set_scope, unit_of_work
from phr_api.kit.events import publish
from phr_api.kit.problems import NotFound
from phr_api.kit.sealed import BrokenSeal
from phr_api.records.models import Submission, SubmissionEntry, SubmissionState
from phr_api.records.queries import visits
from phr_api.records.service import keys, originals
from phr_api.vocab import ProfileId


class NothingKept(Exception):
    """No bytes of the file are kept: it waits still, was refused as a whole, or was only tried."""

    def __init__(self) -> None:
        super().__init__("no bytes of this file are kept: it waits, was refused or only tried")


def give_back(submission_id: UUID) -> Iterator[bytes]:
    """Give the inflated file byte for byte; the reading is in the trace before the first byte.

    Raises NotFound; NothingKept when the file is not done, was refused or only tried; BrokenSeal
    when a visit's key was destroyed or the bytes are not those that were received.
    """
    with unit_of_work() as session:
        row = session.get(Submission, submission_id)
        if row is None:
            raise NotFound
        if row.state != SubmissionState.DONE or row.validate_only:
            raise NothingKept
        facility_code, sha256 = row.facility_code, row.inflated_sha256
        set_scope(session, facility_id=facility_code)
        _trace(session, facility_code, submission_id)
    digest = hashlib.sha256()
    with unit_of_work() as session:
        set_scope(session, facility_id=facility_code)
        for piece in originals.reassemble(session, keys.current().sealer, submission_id):
            digest.update(piece)
            yield piece
    if digest.digest() != sha256:
        raise BrokenSeal("the file is not what was received")


def _trace(session: Session, facility_code: str, submission_id: UUID) -> None:
    """Write who the file is about into the trace, and let them know: it is their record (R14)."""
    operator = audit.Actor(kind="operator", id=None, facility_code=facility_code)
    people = _people(session, submission_id)
    audit.record(
        session,
        operator,
        action="originals.read",
        subjects=people,
        details={"submission": str(submission_id)},
    )
    for person in sorted(people):
        publish(session, RecordOpened(actor=operator, profile_id=ProfileId(person), at=clock.now()))


def _people(session: Session, submission_id: UUID) -> list[UUID]:
    of_file = select(SubmissionEntry.visit_id).where(
        SubmissionEntry.submission_id == submission_id, SubmissionEntry.visit_id.is_not(None)
    )
    return visits.find_concerned(session, [row for row in session.scalars(of_file) if row])
