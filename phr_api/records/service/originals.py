"""Received bytes, sealed: put away, opened again, put together as they came (R14)."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from phr_api.kit.db import run, unit_of_work
from phr_api.kit.sealed import BrokenSeal, OriginalSealer, open_file
from phr_api.records.models import Original, Submission, SubmissionEntry, UploadChunk

CHUNKS_A_STATEMENT = 16  # 1 MiB, uncompressed
_CHUNKS = (
    "SELECT ordinal, sealed FROM upload_chunk"
    " WHERE submission_id = %(submission)s AND ordinal > %(after)s"
    " ORDER BY ordinal LIMIT %(limit)s"
)


def sealed_row(sealer: OriginalSealer, plain: bytes) -> dict[str, bytes]:
    """Return the sealed columns of an original under a key that can be destroyed alone."""
    wrapped_key, sealed = sealer.seal(plain)
    return {"wrapped_key": wrapped_key, "sealed": sealed}


def open_original(session: Session, sealer: OriginalSealer, original_id: UUID) -> bytes:
    """Return the plain bytes; the caller has set the facility's scope and writes the trace.

    Raises BrokenSeal when the key was destroyed or the bytes are not what was received.
    """
    row = session.get_one(Original, original_id)
    if row.wrapped_key is None:
        raise BrokenSeal("the key of this original was destroyed")
    plain = sealer.open(row.wrapped_key, row.sealed)
    if hashlib.sha256(plain).digest() != row.sha256:
        raise BrokenSeal("the original is not what was received")
    return plain


def reassemble(session: Session, sealer: OriginalSealer, submission_id: UUID) -> Iterator[bytes]:
    """Give the inflated file byte for byte; the facility's scope is set.

    Visits lie where they lay; the gaps between them are the remainder, in order.
    """
    submission = session.get_one(Submission, submission_id)
    rest = b""
    if submission.remainder_id is not None:
        rest = open_original(session, sealer, submission.remainder_id)
    entries = session.execute(
        select(SubmissionEntry.start_byte, SubmissionEntry.plain_bytes, SubmissionEntry.original_id)
        .where(SubmissionEntry.submission_id == submission_id)
        .order_by(SubmissionEntry.start_byte)
    ).all()
    position = taken = 0
    for start, length, original_id in entries:
        gap = start - position
        yield rest[taken : taken + gap]
        taken += gap
        if original_id is None:
            raise BrokenSeal("a report keeps no bytes")
        yield open_original(session, sealer, original_id)
        position = start + length
    yield rest[taken:]


def open_upload(private_key: bytes, submission_id: UUID, wrapped_key: bytes) -> Iterator[bytes]:
    """Give the bytes of a waiting file as they were sent, from its sealed chunks."""
    return open_file(private_key, wrapped_key, _chunks(submission_id))


def forget_upload(session: Session, submission: Submission) -> None:
    """Destroy the waiting file: its chunks and its key."""
    session.execute(delete(UploadChunk).where(UploadChunk.submission_id == submission.id))
    submission.wrapped_key = None


def _chunks(submission_id: UUID) -> Iterator[bytes]:
    """Read ahead by keyset, each mebibyte in a transaction of its own: memory stays flat."""
    after = -1
    while True:
        with unit_of_work() as session:
            rows = run(
                session,
                _CHUNKS,
                {"submission": submission_id, "after": after, "limit": CHUNKS_A_STATEMENT},
                binary=True,
            )
        for _, sealed in rows:
            yield sealed
        if len(rows) < CHUNKS_A_STATEMENT:
            return
        after = rows[-1][0]
