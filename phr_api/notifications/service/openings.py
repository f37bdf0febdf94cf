"""Somebody opened somebody else's record: the person, and whoever else cares for them, is told."""

from sqlalchemy.orm import Session

from phr_api.consent import RecordOpened
from phr_api.kit.db import do
from phr_api.kit.ids import new_row_id

_TELL = "SELECT tell_opened(%(id)s, %(person)s, %(actor)s, %(is_emergency)s, %(at)s)"


def on_opened(session: Session, opened: RecordOpened) -> None:
    """Tell of it once in a quarter of an hour; who wants a push of which is decided at the drain.

    In the opener's transaction, after its trace: without that nothing is told. A system reads only
    what it sent, which is no opening. Carers from whom sensitive things are hidden are not told, as
    the access log hides others' acts (R18).
    """
    if opened.actor.kind == "system":
        return
    do(
        session,
        _TELL,
        {
            "id": new_row_id(),
            "person": opened.profile_id,
            "actor": opened.actor.id,
            "is_emergency": opened.is_emergency,
            "at": opened.at,
        },
    )
