"""Keeping the owner's book as it goes out."""

import gzip

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook.queries.book import BuiltBook

# 6 is zlib's usual choice; a book is compressed once for each change, and sent many times.
LEVEL = 6

# A slower reader never puts an old version over a newer one; a new shape replaces the same version.
_KEEP = text(
    "INSERT INTO record_snapshot (profile_id, version, shape, body)"
    " VALUES (:profile, :version, :shape, :body)"
    " ON CONFLICT (profile_id) DO UPDATE SET version = excluded.version, shape = excluded.shape,"
    " body = excluded.body WHERE excluded.version > record_snapshot.version"
    " OR (excluded.version = record_snapshot.version AND excluded.shape <> record_snapshot.shape)"
)


def keep_book(session: Session, scope: RecordScope, book: BuiltBook) -> bytes:
    """Store the owner's full view; returns its bytes, gzip. Any other view is not stored (R8)."""
    # no time in the header, so that the same book is the same bytes
    packed = gzip.compress(book.body, LEVEL, mtime=0)
    if scope.is_full_view:
        session.execute(
            _KEEP,
            {
                "profile": scope.profile_id,
                "version": book.version,
                "shape": book.shape,
                "body": packed,
            },
        )
    return packed
