"""Tables without a summary: they mean something only beside the visit that was sent before.

The kept bytes of the version that was sent last are read again, the new tables take the place of
those of the same name, and the whole is entered as a changed visit.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api.records import rules
from phr_api.records.models import Outcome
from phr_api.records.reader import ReadVisit, content_digest
from phr_api.records.service import entering, reading
from phr_api.records.service.arrival import Intake, Piece


def add_tables(session: Session, intake: Intake, piece: Piece, read: ReadVisit) -> Outcome | None:
    """Enter tables without a summary; refused as no-summary when there is nothing to add them to.

    Raises VisitRefused when the whole cannot be read.
    """
    known = entering.begin(session, intake, read.ma_lk, piece.ordinal)
    if known.is_entered and piece.original_id is None:
        return None
    names = (read.ma_lk, read.ma_bn)
    kept = known.waiting or known.current  # what waits was sent after what is current
    if kept is None or not rules.is_whole({*kept["tables"], *read.table_names}):
        entering.write_entry(session, intake, piece, names, Outcome.REFUSED, [rules.NO_SUMMARY])
        return Outcome.REFUSED
    content = content_digest(read)
    if rules.is_known_addition(kept["additions"], read.table_names, content.hex()):
        if piece.original_id is not None and known.waiting is not None:
            # run again from the kept bytes: whose the visit is may be known by now
            whole = replace(reading.kept_arrival(session, intake, kept), piece=piece)
            return entering.enter_known(session, intake, whole, known)
        outcome = Outcome.NEEDS_REVIEW if known.waiting else Outcome.UNCHANGED
        visit_id = UUID(kept["id"])
        entering.write_entry(session, intake, piece, names, outcome, [], visit_id=visit_id)
        return outcome
    arrival = reading.merged_arrival(session, intake, piece, read, kept)
    return entering.enter_known(session, intake, arrival, known)
