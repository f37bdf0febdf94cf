"""Who has touched this record: the trace, with names."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from phr_api import audit, clinics
from phr_api.consent import RecordScope
from phr_api.vocab import SensitivityClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One act: who, for which facility, when, what, why.

    Names as they are now; name and reason are None if unknown, or not the reader's to know.
    """

    id: UUID
    at: datetime
    action: str
    actor: str
    name: str | None
    facility: dict[str, str] | None
    reason: str | None


def find_accesses(
    session: Session,
    scope: RecordScope,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Access]:
    """Newest first, by keyset; three statements whatever the number of rows.

    A carer from whom sensitive facts are hidden reads only of their own acts: a name of a facility
    in anybody else's would tell what is hidden (R18). Why somebody acted, and the names of other
    citizens, are told to the person themself; to a carer only of their own acts (R17).
    """
    sees_all = scope.classes == frozenset(SensitivityClass)
    events = audit.find_access_events(
        session,
        scope.profile_id,
        limit=limit,
        before=before,
        actor_id=None if sees_all else scope.actor.id,
    )
    rows = session.execute(
        text("SELECT event_id, name FROM access_names(:events)"),
        {"events": [event.id for event in events]},
    )
    names: dict[UUID, str | None] = dict(rows.all())
    codes = {event.facility_code for event in events if event.facility_code}
    places = clinics.find_facility_names(session, codes)
    return [
        Access(
            id=event.id,
            at=event.at,
            action=event.action,
            actor=event.actor_kind,
            name=names.get(event.id) if event.actor_kind != "citizen" or told else None,
            facility=_place(event.facility_code, places),
            reason=event.reason if told else None,
        )
        for event in events
        for told in (scope.relation == "self" or event.actor_id == scope.actor.id,)
    ]


def _place(code: str | None, names: dict[str, str]) -> dict[str, str] | None:
    return None if code is None else {"code": code, "name": names.get(code, code)}
