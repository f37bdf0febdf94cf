"""The private PostgreSQL starts, stops, survives its parent's death, and keeps to itself."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from phr_api.kit import embedded
from phr_api.kit.embedded import EmbeddedServer, EmbeddedServerError
from phr_api.kit.embedded_files import find_binaries, shared_copy
from phr_api.kit.places import LONGEST_SOCKET_FOLDER, Places

NOBODY = 65534
AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def server(data_dir: Path) -> Generator[EmbeddedServer]:
    with EmbeddedServer.start(data_dir, durable=False) as started:
        yield started


def ask(server: EmbeddedServer, question: str) -> object:
    address = server.superuser_url().replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(server: EmbeddedServer, order: str) -> None:
    with psycopg.connect(server.superuser_url().replace("+psycopg", "")) as connection:
        connection.execute(order.encode())


def test_it_folds_vietnamese_letters_and_listens_on_no_port(server: EmbeddedServer) -> None:
    assert ask(server, "SELECT lower('ĐỖ THỊ ỔN')") == "đỗ thị ổn"
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW timezone") == "UTC"


def test_its_folders_are_closed_to_others(server: EmbeddedServer) -> None:
    assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    assert server.log_path.stat().st_mode & 0o777 == 0o600
    assert len(str(server.socket_dir)) <= LONGEST_SOCKET_FOLDER


def test_a_failing_row_leaves_no_value_in_the_log(server: EmbeddedServer) -> None:
    with psycopg.connect(server.superuser_url().replace("+psycopg", "")) as connection:
        connection.execute("CREATE TEMP TABLE t (name text CHECK (name <> 'Nguyễn Thị Thử'))")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO t VALUES (%s)", ["Nguyễn Thị Thử"])
    logged = server.log_path.read_text()
    assert "violates check constraint" in logged
    assert "Thử" not in logged


def test_a_second_starter_joins_and_does_not_stop_it(
    server: EmbeddedServer, data_dir: Path
) -> None:
    second = EmbeddedServer.start(data_dir, durable=False)
    second.stop()
    assert server.is_owner
    assert not second.is_owner
    assert ask(server, "SELECT 1") == 1


def test_it_restarts_within_a_second_with_its_data(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as first:
        tell(first, "CREATE TABLE kept AS SELECT 7 AS n")
    began = time.monotonic()
    with EmbeddedServer.start(data_dir, durable=False) as again:
        assert time.monotonic() - began < 1
        assert ask(again, "SELECT n FROM kept") == 7


PARENT = """
import sys, time
from pathlib import Path
from phr_api.kit.embedded import EmbeddedServer
server = EmbeddedServer.start(Path(sys.argv[1]), durable=False)
print((Places.of(Path(sys.argv[1])).cluster / "postmaster.pid").read_text().split()[0], flush=True)
time.sleep(60)
"""


def start_in_another_process(data_dir: Path) -> tuple[subprocess.Popen[str], int]:
    """Process that owns the server, and the server's process id."""
    script = "from phr_api.kit.places import Places" + PARENT
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def is_running(process_id: int) -> bool:
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # a zombie waits only to be counted


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_ends_when_its_parent_is_killed(data_dir: Path) -> None:
    parent, server_pid = start_in_another_process(data_dir)
    with parent:
        parent.kill()
    wait_until(lambda: not is_running(server_pid))


def test_a_start_right_after_a_kill_takes_the_cluster_over(data_dir: Path) -> None:
    parent, server_pid = start_in_another_process(data_dir)
    with parent:
        parent.kill()
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert server.is_owner
        assert ask(server, "SELECT 1") == 1
    assert not is_running(server_pid)


def test_a_killed_server_recovers(data_dir: Path) -> None:
    parent, server_pid = start_in_another_process(data_dir)
    os.kill(server_pid, signal.SIGKILL)
    with parent:
        parent.kill()
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert ask(server, "SELECT 1") == 1


def test_an_open_socket_folder_is_refused(tmp_path: Path) -> None:
    places = Places.of(tmp_path)
    places.sockets.mkdir(parents=True)
    places.sockets.chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="open to others"):
        EmbeddedServer.start(tmp_path)


def test_a_deep_data_directory_still_has_a_short_socket_path(tmp_path: Path) -> None:
    assert len(str(Places.of(tmp_path / ("x" * 90)).sockets)) <= LONGEST_SOCKET_FOLDER


@pytest.mark.skipif(not AS_ROOT, reason="only root has a server of another account")
def test_as_root_the_server_is_somebody_else_and_no_folder_above_changes(tmp_path: Path) -> None:
    above = [tmp_path, *tmp_path.parents]
    modes = [folder.stat().st_mode for folder in above]
    with EmbeddedServer.start(tmp_path, durable=False):
        pid_file = Places.of(tmp_path).cluster / "postmaster.pid"
        server_pid = int(pid_file.read_text().split()[0])
        assert Path(f"/proc/{server_pid}").stat().st_uid != 0
    assert [folder.stat().st_mode for folder in above] == modes


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's cluster lies in its data directory")
def test_a_removed_data_directory_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with EmbeddedServer.start(folder, durable=False) as first:
        tell(first, "CREATE TABLE kept AS SELECT 7 AS n")
    shutil.rmtree(folder)
    folder.mkdir()
    with EmbeddedServer.start(folder, durable=False) as again:
        assert ask(again, "SELECT to_regclass('kept')") is None


def run_as_nobody(work: Callable[[], None]) -> int:
    """Exit status of `work` in a child without root's rights (the interpreter may be private)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not AS_ROOT, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_runs_it_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = shared_copy(find_binaries())
    monkeypatch.setattr(embedded, "find_binaries", lambda: reachable)
    folder = Path(f"/tmp/phr-test-{os.getpid()}")  # noqa: S108 - the user must reach it
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)

    def start_and_ask() -> None:
        with EmbeddedServer.start(folder, durable=False) as server:
            assert ask(server, "SELECT 1") == 1

    try:
        assert run_as_nobody(start_and_ask) == 0
        assert (folder / "postgres" / "cluster" / "PG_VERSION").exists()
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
