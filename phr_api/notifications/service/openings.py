"""Somebody opened somebody else's record: the person, and whoever else cares for them, is told."""

from datetime import timedelta

from sqlalchemy.orm import Session

from phr_api.audit import ActorKind
from phr_api.consent import RecordOpened
from phr_api.kit.db import do
from phr_api.kit.ids import new_row_id
from phr_api.vocab import SensitivityClass

FOLDED = timedelta(minutes=15)  # as the access log folds a visit of many pages (R7)
KEPT_FOR = timedelta(days=2)

# who it was, as the words say it; the access log has the names
WHO: dict[ActorKind, str] = {"citizen": "carer", "staff": "staff", "operator": "operator"}

_TELL = (
    "SELECT tell_opened(%(id)s, %(person)s, %(actor)s, %(kind)s, %(who)s, %(classes)s,"
    " %(is_urgent)s, %(at)s, %(until)s, %(since)s)"
)


def on_opened(session: Session, opened: RecordOpened) -> None:
    """Tell of it once in a quarter of an hour; who wants a push of which is decided at the drain.

    In the opener's transaction. A system reads only what it sent, which is no opening. Carers from
    whom sensitive things are hidden are not told, as the access log hides others' acts (R18).
    """
    who = WHO.get(opened.actor.kind)
    if who is None:
        return
    do(
        session,
        _TELL,
        {
            "id": new_row_id(),
            "person": opened.profile_id,
            "actor": opened.actor.id,
            "kind": "access.emergency" if opened.is_emergency else "access.opened",
            "who": who,
            "classes": sorted(SensitivityClass),
            "is_urgent": opened.is_emergency,
            "at": opened.at,
            "until": opened.at + KEPT_FOR,
            "since": opened.at - FOLDED,
        },
    )
