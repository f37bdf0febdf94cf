"""Reads of the waitlist, under the scope that the caller has set."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from phr_api.appointments.models import WaitlistEntry
from phr_api.consent import RecordScope
from phr_api.kit.problems import NotFound

LIVE = ("waiting", "offered")
_PLACE = text("SELECT waitlist_place(:id)")


def find_entries(session: Session, scope: RecordScope) -> list[WaitlistEntry]:
    """Return the lines that the person stands in, the first joined first."""
    query = select(WaitlistEntry).where(
        WaitlistEntry.profile_id == scope.profile_id, WaitlistEntry.state.in_(LIVE)
    )
    return list(session.scalars(query.order_by(WaitlistEntry.place)))


def get_entry(session: Session, entry_id: UUID) -> WaitlistEntry:
    """Return an entry in scope, or raise NotFound."""
    entry = session.scalar(select(WaitlistEntry).where(WaitlistEntry.id == entry_id))
    if entry is None:
        raise NotFound
    return entry


def place_of(session: Session, entry: WaitlistEntry) -> int:
    """Return the place in the line now, from 1; it counts people, and names none."""
    return int(session.scalar(_PLACE, {"id": entry.id}) or 1)
