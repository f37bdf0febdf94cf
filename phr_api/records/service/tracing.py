"""What a facility's staff looked at, in the trace of the people it concerned (R7)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from phr_api import audit
from phr_api.consent import FacilityScope
from phr_api.records.queries import visits


def trace_staff(
    session: Session,
    scope: FacilityScope,
    action: str,
    visit_ids: Iterable[UUID | None],
    *,
    is_list: bool = True,
) -> None:
    """Write one event with a subject a person; a system reads only what it sent itself.

    A list that is read again within 15 minutes folds (R7); one visit that is opened does not.
    """
    if scope.actor.kind == "system":
        return
    known = [visit_id for visit_id in visit_ids if visit_id]
    subjects = visits.find_concerned(session, known)
    record = audit.record_list if is_list else audit.record
    record(session, scope.actor, action=action, subjects=subjects)
