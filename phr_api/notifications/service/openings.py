"""Somebody opened somebody else's record: the person, and whoever else cares for them, is told."""

from datetime import timedelta

from sqlalchemy.orm import Session

from phr_api.consent import RecordOpened
from phr_api.kit.db import do
from phr_api.kit.ids import new_row_id

FOLDED = timedelta(minutes=15)  # as the access log folds a visit of many pages (R7)
KEPT_FOR = timedelta(days=2)

_TELL = """
INSERT INTO notification (id, profile_id, category, kind, ref_kind, ref_id, params, created_at,
                          due_at, expires_at)
SELECT %(id)s, %(person)s, 'access', 'access.opened', 'actor', %(actor)s,
       jsonb_build_object('who', 'carer', 'when', %(when)s::text), %(at)s, %(at)s, %(until)s
WHERE NOT EXISTS (
    SELECT FROM notification n
    WHERE n.profile_id = %(person)s AND n.kind = 'access.opened' AND n.ref_id = %(actor)s
      AND n.created_at > %(since)s)
"""


def on_opened(session: Session, opened: RecordOpened) -> None:
    """Tell of it once in a quarter of an hour; who wants a push of which is decided at the drain.

    In the opener's transaction, whose scope is the opened person.
    """
    do(
        session,
        _TELL,
        {
            "id": new_row_id(),
            "person": opened.profile_id,
            "actor": opened.actor.id,
            "when": opened.at.isoformat(),
            "at": opened.at,
            "until": opened.at + KEPT_FOR,
            "since": opened.at - FOLDED,
        },
    )
