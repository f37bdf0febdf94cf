"""What a facility's staff looked at, in the trace of the people it concerned (R7)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent import FacilityScope, RecordOpened
from phr_api.kit import clock
from phr_api.kit.events import publish
from phr_api.records.queries import visits
from phr_api.vocab import ProfileId


def trace_staff(
    session: Session,
    scope: FacilityScope,
    action: str,
    visit_ids: Iterable[UUID | None],
    *,
    is_list: bool = True,
) -> None:
    """Write one event with a subject a person; a system reads only what it sent itself.

    A list that is read again within 15 minutes folds (R7). One visit that is opened does not, and
    its people are told that their record was opened.
    """
    if scope.actor.kind == "system":
        return
    known = [visit_id for visit_id in visit_ids if visit_id]
    subjects = visits.find_concerned(session, known)
    if is_list:
        audit.record_list(session, scope.actor, action=action, subjects=subjects)
        return
    audit.record(session, scope.actor, action=action, subjects=subjects)
    for person in sorted(subjects):
        opened = RecordOpened(actor=scope.actor, profile_id=ProfileId(person), at=clock.now())
        publish(session, opened)
