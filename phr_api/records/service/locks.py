"""One worker a file: a session-level advisory lock on a connection of its own.

The lock dies with its connection, so a killed worker's file is free at once. Were it lost while
the worker lives, two would read one file; the entries' primary key keeps each visit written once.
"""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine, text

from phr_api.kit.db import SessionFactory

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended('work/' || :id, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended('work/' || :id, 0))")


@contextmanager
def try_lock(work_id: UUID) -> Generator[bool]:
    """Hold the lock while inside; False when another worker holds it."""
    with SessionFactory() as session:
        engine = session.get_bind()
    if not isinstance(engine, Engine):
        raise TypeError("sessions are bound to an engine")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = bool(connection.scalar(_LOCK, {"id": str(work_id)}))
        try:
            yield got
        finally:
            if got:
                connection.scalar(_UNLOCK, {"id": str(work_id)})
