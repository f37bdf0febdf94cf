"""Reading, replacing and taking back one entry: the same for all kinds that people enter."""

from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from phr_api.consent import RecordScope
from phr_api.healthbook import queries, service
from phr_api.healthbook.models import Entry
from phr_api.healthbook.queries import Kind
from phr_api.healthbook.routes.answers import opened, raw
from phr_api.healthbook.routes.blueprint import blp


def read(profile_id: UUID, kind: Kind, entry_id: UUID) -> Response:
    """Answer one entry with its version."""
    with opened(profile_id, f"{kind.table}.read") as (session, scope):
        return shown(session, scope, kind, queries.get_entry(session, scope, kind, entry_id))


def change(profile_id: UUID, kind: Kind, entry_id: UUID, new: service.NewEntry) -> Response:
    """Replace an entry, if its version is the one that the caller names."""
    with opened(profile_id, f"{kind.table}.change") as (session, scope):
        entry = queries.get_entry(session, scope, kind, entry_id)
        blp.check_version(entry)
        service.change_entry(session, scope, entry, new)
        return shown(session, scope, kind, entry)


def withdraw(profile_id: UUID, kind: Kind, entry_id: UUID) -> None:
    """Take back an entry, if its version is the one that the caller names."""
    with opened(profile_id, f"{kind.table}.withdraw") as (session, scope):
        entry = queries.get_entry(session, scope, kind, entry_id)
        blp.check_version(entry)
        service.withdraw_entry(session, scope, entry)


def shown(
    session: Session, scope: RecordScope, kind: Kind, entry: Entry, status: int = 200
) -> Response:
    """Answer an entry as it is now, with its version."""
    blp.tell_version(entry)
    return raw(queries.get_by_id(session, scope, kind, entry.id), status)
