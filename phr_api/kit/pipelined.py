"""A connection that keeps statements without an answer until one is asked for, and sends all.

A visit of intake is BEGIN, three statements and COMMIT; to wait for each costs as much as two of
them. The worker's connections send statements in libpq's pipeline mode, prepared once, past
psycopg's cursor, whose waiting is Python. To SQLAlchemy it is a psycopg connection: whatever takes
a cursor finds all that was sent before done.
"""

import re
import select
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Self, cast

import psycopg
from psycopg import errors, pq
from psycopg.abc import AdaptContext
from psycopg.adapt import PyFormat, Transformer

MOST_STATEMENTS = 200  # a statement counts once for each set of types that its values have
_PARAMETER = re.compile(r"%(?:\((\w+)\)s|%)")
_DONE = {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}
Row = tuple[Any, ...]


class PipelinedConnection(psycopg.Connection[Row]):
    """A statement that failed raises where its answer is waited for: `ask`, a cursor, `commit`.

    What SQLAlchemy says of the statement then is of the one that waited. As psycopg's, but in a
    transaction always, and psycopg itself prepares nothing on it: with its own names it would
    have these forgotten.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._is_doubtful = False  # after a failure: some were not prepared
        self._is_ahead = False  # in pipeline mode: something was sent and not waited for
        self._socket = select.poll()
        self._socket.register(self.pgconn.socket, select.POLLIN)

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """As psycopg's."""
        return super().connect(*args, **{**kwargs, "prepare_threshold": None})

    def send(self, sql: str, params: Mapping[str, Any]) -> None:
        """Send one statement (%(name)s for values), in a transaction; its result is not wanted.

        It goes out with what waits for an answer (what libpq holds no more, before): a server that
        begins at once would work beside this process, but waking it has its price, and where each
        core has a worker nothing is won.
        """
        self._send(sql, params, pq.Format.TEXT)

    def ask(self, sql: str, params: Mapping[str, Any], *, binary: bool = False) -> list[Row]:
        """As `send`; wait for it and for what was sent before, and return its rows.

        Raises the psycopg.Error of the first statement that failed.
        """
        form = pq.Format.BINARY if binary else pq.Format.TEXT
        transformer = self._send(sql, params, form)
        result = self._wait()
        transformer.set_pgresult(result, format=form)
        rows: list[Row] = transformer.load_rows(0, result.ntuples, tuple)
        return rows

    def commit(self) -> None:
        """Commit what was sent, in the same round trip; or raise as `ask`, and it is all undone."""
        if not self._is_ahead:
            super().commit()
            return
        self._send_prepared("COMMIT")
        try:
            self._wait()
        except psycopg.Error:
            if not self.closed:
                super().rollback()  # the transaction is over, as after any COMMIT
            raise

    def rollback(self) -> None:
        """Undo the transaction, whatever became of its statements."""
        if self._is_ahead:
            with suppress(psycopg.Error):
                self._wait()
        super().rollback()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """Return a psycopg cursor, after what was sent. Raises as `ask`."""
        if self._is_ahead:
            self._wait()
        return super().cursor(*args, **kwargs)

    def _send(self, sql: str, params: Mapping[str, Any], form: pq.Format) -> Any:
        if not self._is_ahead:
            if self._is_doubtful or len(self._names) >= MOST_STATEMENTS:
                self._forget()
            begins = self.pgconn.transaction_status == pq.TransactionStatus.IDLE
            self.pgconn.enter_pipeline_mode()
            self._is_ahead = True
            if begins:
                self._send_prepared("BEGIN")
        transformer = Transformer(cast("AdaptContext", self))
        names = _numbered(sql)[1]
        values = transformer.dump_sequence(
            [params[name] for name in names], [PyFormat.AUTO] * len(names)
        )
        # None is NULL; the declared type forgot it
        values = cast("Sequence[bytes]", values)
        self._send_prepared(sql, transformer.types or (), values, transformer.formats, form)
        return transformer

    def _send_prepared(
        self,
        sql: str,
        types: tuple[int, ...] = (),
        values: Sequence[bytes] = (),
        formats: Sequence[pq.Format] | None = None,
        form: pq.Format = pq.Format.TEXT,
    ) -> None:
        name = self._names.get((sql, types))
        if name is None:
            name = f"ahead_{len(self._names)}".encode()
            self.pgconn.send_prepare(name, _numbered(sql)[0], types)
            self._names[sql, types] = name
        self.pgconn.send_query_prepared(name, values, formats, form)

    def _wait(self) -> pq.abc.PGresult:
        """Wait for all that was sent; return the last result, or raise the first error."""
        try:
            last, failed = self._results()
        except BaseException:
            # lost, or interrupted among answers that nobody would match to their statements
            self._is_ahead = False
            self.close()
            raise
        self.pgconn.exit_pipeline_mode()
        self._is_ahead = False
        if failed is not None:
            self._is_doubtful = True
            raise errors.error_from_result(failed)
        return cast("pq.abc.PGresult", last)  # something was sent

    def _results(self) -> tuple[pq.abc.PGresult | None, pq.abc.PGresult | None]:
        """Return the last result of those that came out well, and the first that did not."""
        self.pgconn.pipeline_sync()
        while self.pgconn.flush():
            self._wait_for(select.POLLIN | select.POLLOUT)
        last = failed = None
        while (result := self._next()) is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
            if result is None:  # between two statements
                continue
            if result.status in _DONE:
                last = result
            elif failed is None:
                failed = result
        return last, failed

    def _next(self) -> pq.abc.PGresult | None:
        while self.pgconn.is_busy():
            self._wait_for(select.POLLIN)
        if self.pgconn.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError("the connection was lost")
        return self.pgconn.get_result()

    def _wait_for(self, events: int) -> None:
        """Wait without the interpreter's lock until the socket is ready, and take what came."""
        self._socket.modify(self.pgconn.socket, events)
        self._socket.poll()
        self.pgconn.consume_input()

    def _forget(self) -> None:
        """Begin the names anew; in a transaction that failed the server keeps them until later."""
        if self.pgconn.exec_(b"DEALLOCATE ALL").status == pq.ExecStatus.COMMAND_OK:
            self._names.clear()
            self._is_doubtful = False


@lru_cache(maxsize=512)
def _numbered(sql: str) -> tuple[bytes, list[str]]:
    """Return the statement with $1, $2 … for its %(name)s, and the names in their order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(number, sql).encode(), names
