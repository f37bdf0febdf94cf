"""Base model, column types, the unit of work, and the one-round-trip read."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    Enum,
    MetaData,
    NullPool,
    Table,
    Text,
    create_engine,
    event,
    func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    declared_attr,
    mapped_column,
    sessionmaker,
)

from phr_api.kit.hot import HotReads
from phr_api.kit.ids import new_row_id
from phr_api.kit.pipelined import PipelinedConnection

T = TypeVar("T")

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

UuidPk = Annotated[UUID, mapped_column(primary_key=True, default=new_row_id)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
TextList = Annotated[list[str], mapped_column(postgresql.ARRAY(Text), server_default="{}")]
Json = Annotated[dict[str, Any], mapped_column(postgresql.JSONB, server_default="{}")]
JsonList = Annotated[list[Any], mapped_column(postgresql.JSONB, server_default="[]")]

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
MOST_TRIES = 3


def _values(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


class Base(DeclarativeBase):
    """Every table of the house."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own attribute
        datetime: DateTime(timezone=True),
        str: Text,
        StrEnum: Enum(StrEnum, native_enum=False, values_callable=_values, length=40),
    }


class Versioned:
    """Optimistic lock; its number is the resource's ETag."""

    version: Mapped[int]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class attribute of the mapper
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


def person_table(section: str) -> dict[str, Any]:
    """Return the `info` of a table with one person's data; tests derive its policies from it."""
    return {"person": True, "section": section}


# No lazy load can surprise us after commit: attributes stay, relationships are lazy="raise".
SessionFactory = sessionmaker(expire_on_commit=False)


@dataclass(frozen=True, slots=True)
class _Engines:
    """One role's ways in: writes with a ping; hot reads in AUTOCOMMIT, no ping (FINDINGS 6)."""

    writes: Engine
    reads: HotReads


class _Process:
    engines: _Engines | None = None


@lru_cache(maxsize=8)
def _engines(url: str, pool_size: int, *, is_worker: bool) -> _Engines:
    opener = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def connect() -> psycopg.Connection[Any]:
        opened = opener.raw_connection()
        driver = cast("psycopg.Connection[Any]", opened.driver_connection)
        opened.detach()
        driver.autocommit = True
        return driver

    writes = create_engine(
        url, pool_pre_ping=not is_worker, pool_size=pool_size, max_overflow=0, hide_parameters=True
    )
    if is_worker:
        event.listen(
            writes,
            "do_connect",
            lambda _dialect, _record, args, named: PipelinedConnection.connect(*args, **named),
        )
    return _Engines(writes, HotReads(connect, most_idle=pool_size))


def configure(url: str, *, pool_size: int = 16, is_worker: bool = False) -> None:
    """Bind sessions and hot reads of this process to the database at `url` (one role).

    `pool_size`: at most so many connections for sessions, two for each thread of `serve web`.

    Each connection is pinged before a transaction, so that none fails after the database came back.
    The worker (`is_worker`) does without: it tries again anyway, and a ping a visit counts. Its
    connections keep what has no answer until one is waited for (kit.pipelined).
    """
    _Process.engines = _engines(url, pool_size, is_worker=is_worker)
    SessionFactory.configure(bind=_Process.engines.writes)


def dispose() -> None:
    """Close this process's connections; the next use opens new ones."""
    if _Process.engines is not None:
        _Process.engines.writes.dispose()
        _Process.engines.reads.close()


def own_connection() -> psycopg.Connection[Any]:
    """Open a connection outside the pool, in autocommit, for LISTEN; the caller closes it."""
    if _Process.engines is None:
        raise RuntimeError("kit.db is not configured")
    url = _Process.engines.writes.url.set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def unit_of_work() -> Generator[Session]:
    """One request, or one job, one transaction: commits on a clean exit."""
    with SessionFactory.begin() as session:
        yield session


@contextmanager
def kept_session() -> Generator[Session]:
    """A session with a connection of its own for many transactions, one after the other.

    To be given to `retrying`, which ends each of them at the driver: making a session, asking the
    pool for a connection and SQLAlchemy's own accounts of a transaction cost each of them as much
    as a statement otherwise.
    """
    if _Process.engines is None:
        raise RuntimeError("kit.db is not configured")
    with (
        _Process.engines.writes.connect() as connection,
        SessionFactory(bind=connection) as session,
    ):
        yield session


def retrying(work: Callable[[Session], T], kept: Session | None = None) -> T:
    """Run `work` in a transaction of its own; a deadlock or serialization failure runs it again.

    At most three tries; then the OperationalError is the caller's. `kept` is a session that is used
    for it, and is empty afterwards.
    """
    for attempt in range(1, MOST_TRIES + 1):
        try:
            with _transaction(kept) as session:
                return work(session)
        except OperationalError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state not in {SERIALIZATION_FAILURE, DEADLOCK_DETECTED} or attempt == MOST_TRIES:
                raise
    raise AssertionError  # the loop returns or raises


@contextmanager
def _transaction(kept: Session | None) -> Generator[Session]:
    if kept is None:
        with unit_of_work() as session:
            yield session
        return
    try:
        yield kept
        _at_driver(kept, lambda driver: driver.commit())  # to the session it is one transaction
    except BaseException:
        kept.rollback()
        raise
    finally:
        kept.expunge_all()


def set_scope(session: Session, **settings: object) -> None:
    """Set `phr.*` settings that row-level security reads, until this transaction ends.

    Lists become comma lists; None becomes the empty string, which no policy accepts.
    """
    columns = ", ".join(
        f"set_config('phr.{name}', %({name})s, true) AS {name}" for name in sorted(settings)
    )
    do(session, f"SELECT {columns}", {name: _setting(value) for name, value in settings.items()})


def _setting(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(sorted(str(item) for item in value))
    return str(value)


def do(session: Session, sql: str, params: Mapping[str, Any]) -> None:
    """As `run`, for a statement without a result.

    The worker does not wait for it: its error is raised by what follows, by the commit at the
    latest; in a savepoint at once, for that can still be undone by itself.
    """

    def tell(driver: "psycopg.Connection[tuple[Any, ...]]") -> None:
        if not isinstance(driver, PipelinedConnection):
            driver.cursor().execute(sql.encode(), params, prepare=True)
        elif session.in_nested_transaction():
            driver.ask(sql, params)
        else:
            driver.send(sql, params)

    _at_driver(session, tell)


def run(
    session: Session, sql: str, params: Mapping[str, Any], *, binary: bool = False
) -> list[tuple[Any, ...]]:
    """Run one static query on the session's connection; returns its rows.

    `binary` asks for results in that format: half the size for bytea.

    For the busiest writes: `sql` is psycopg's (%(name)s), prepared, and passes by SQLAlchemy's
    compilation and result layers, which cost more than the statement. Pending objects are flushed
    first. Raises DBAPIError like session.execute.
    """

    def ask(driver: "psycopg.Connection[tuple[Any, ...]]") -> list[tuple[Any, ...]]:
        if isinstance(driver, PipelinedConnection):
            return driver.ask(sql, params, binary=binary)
        cursor = driver.cursor(binary=binary)
        cursor.execute(sql.encode(), params, prepare=True)
        return cursor.fetchall()

    return _at_driver(session, ask)


def _at_driver(session: Session, work: Callable[["psycopg.Connection[tuple[Any, ...]]"], T]) -> T:
    """Run `work` on the session's connection, after what is pending; errors as session.execute."""
    session.flush()  # as session.execute does: what follows may change the scope
    connection = session.connection()
    driver = cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)
    try:
        return work(driver)
    except psycopg.Error as error:
        raise _as_sqlalchemy(connection, driver, error) from error
    except BaseException as error:
        if driver.closed:  # interrupted: nobody knows what of it was done
            connection.invalidate(error)
        raise


def _as_sqlalchemy(
    connection: Connection, driver: "psycopg.Connection[tuple[Any, ...]]", error: psycopg.Error
) -> BaseException:
    """Return the error as session.execute would raise it; a lost connection leaves the pool."""
    if driver.closed:
        connection.invalidate(error)
    return DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=driver.closed,
    )


def read_row(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run one statement in its own implicit transaction, in one round trip; the first row or None.

    For hot reads only: `sql` is psycopg's (%s), prepared and read in the binary format (kit.hot). A
    lost connection is tried once more on a new one. Raises DBAPIError like session.execute.
    """
    try:
        try:
            return _read_once(sql, params)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and not error.sqlstate.startswith(("08", "57P")):
                raise
            return _read_once(sql, params)
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


def write_row(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """As read_row, for one statement that writes: its implicit transaction commits it.

    Never tried again: after a lost connection it may have been committed, and only the client's
    Idempotency-Key can tell.
    """
    try:
        return _read_once(sql, params)
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


def _read_once(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    if _Process.engines is None:
        raise RuntimeError("kit.db is not configured")
    return _Process.engines.reads.first_row(sql, params)


def insert_rows(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, conflict: str = ""
) -> None:
    """Insert rows of one table by one static statement, the rows as one JSON parameter.

    COPY is refused to roles under row-level security, and a multi-row VALUES is compiled anew for
    each count; this statement is prepared once a table. Every row has the same keys: columns.
    """
    if rows:
        statement = _recordset_insert(model, tuple(rows[0]), "rows")
        do(session, f"{statement} {conflict}", {"rows": _recordset(rows)})


def _recordset(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows, default=_to_json).decode()


@lru_cache(maxsize=256)
def _recordset_insert(model: type[Base], names: tuple[str, ...], parameter: str) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    table = cast("Table", model.__table__)
    types = ", ".join(f"{n} {table.c[n].type.compile(dialect=dialect)}" for n in names)
    columns = ", ".join(names)
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {columns}"  # noqa: S608 - from our models
        f" FROM json_to_recordset(CAST(%({parameter})s AS json)) AS r({types})"
    )


def _to_json(value: object) -> object:
    """What orjson does not know: dates, moments and ids it writes as PostgreSQL reads them."""
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
