"""Reads that must not cost more than their one round trip.

A psycopg cursor waits in Python, and a pooled connection passes through SQLAlchemy: together they
cost three times what the read itself does. Here a statement is prepared once a connection and run
by libpq, which waits without the interpreter's lock; values go and come in the binary format.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

Connection = psycopg.Connection[Any]


class HotReads:
    """Idle connections in AUTOCOMMIT, the last used first, each with the statements it knows."""

    def __init__(self, connect: Callable[[], Connection], *, most_idle: int) -> None:
        self._connect = connect
        self._most_idle = most_idle
        # append and pop of a deque are atomic: no lock between threads
        self._idle: deque[_Reader] = deque()

    def first_row(self, sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
        """Run one statement (%s for values) in its own implicit transaction; its first row or None.

        Raises psycopg.Error; after a lost connection it is an OperationalError without SQLSTATE,
        or of class 08 or 57P, and that connection is not used again.
        """
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = _Reader(self._connect())
        try:
            return reader.first_row(sql, params)
        finally:
            if reader.is_usable and len(self._idle) < self._most_idle:
                self._idle.append(reader)
            else:
                reader.close()

    def close(self) -> None:
        """Close what is idle; a connection in use goes back to the others."""
        while self._idle:
            self._idle.pop().close()


class _Reader:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}

    @property
    def is_usable(self) -> bool:
        return self._connection.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def close(self) -> None:
        self._connection.close()

    def first_row(self, sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
        transformer = Transformer(self._connection)
        values = transformer.dump_sequence(params, [PyFormat.BINARY] * len(params))
        name = self._prepared(sql, transformer.types or ())
        result = self._connection.pgconn.exec_prepared(
            name,
            cast("Sequence[bytes]", values),  # None is NULL; the declared type forgot it
            transformer.formats,
            pq.Format.BINARY,
        )
        self._check(result)
        if result.ntuples == 0:
            return None
        transformer.set_pgresult(result, format=pq.Format.BINARY)
        return transformer.load_row(0, tuple)

    def _prepared(self, sql: str, types: tuple[int, ...]) -> bytes:
        key = (sql, types)
        name = self._names.get(key)
        if name is None:
            name = f"hot_{len(self._names)}".encode()
            statement = _numbered(sql, len(types))
            self._check(self._connection.pgconn.prepare(name, statement, types))
            self._names[key] = name
        return name

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
            if self._connection.pgconn.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError("the connection was lost")
            raise errors.error_from_result(result)


@lru_cache(maxsize=64)
def _numbered(sql: str, count: int) -> bytes:
    """Return the statement with $1, $2 … for its %s."""
    return (sql % tuple(f"${number}" for number in range(1, count + 1))).encode()
