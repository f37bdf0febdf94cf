"""`make run`: everything on this computer, started in order, stopped in order.

Database, migrations, demo data once, the Procfile's processes, and in development the local
OpenID provider. Children end with this process, even if it is killed.
"""

import fcntl
import json
import os
import shlex
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import psycopg

from phr_api.commands.environment import database_up, migrate
from phr_api.commands.serve import granian_arguments
from phr_api.kit.children import Child
from phr_api.kit.places import Places
from phr_api.kit.revision import HEAD
from phr_api.settings import SettingError, Settings

ROOT = Path(__file__).parents[2]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 35.0
Named = tuple[str, list[str]]
# what the comment of a seeded database says; a later seed that brings more has another number
SEEDED = "phr-api: demo data 2 is in"


class StartFailedError(RuntimeError):
    """Something did not come up; the message says what, its own lines above say why."""


class Stopped(BaseException):
    """SIGINT or SIGTERM: leave in order, from wherever we are."""


def run(settings: Settings, env: dict[str, str]) -> int:
    """Run until told to stop; exit status 0 then, 1 when a process ended by itself."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            stack.enter_context(_alone(settings))
            _check_ports(settings)
            _clear_metrics(settings)
            answering, working = _commands(settings)
            child_env = _child_env(settings, env)
            fleet = stack.enter_context(Fleet())
            stack.callback(_ignore_signals)  # the way out has begun, for whatever reason
            if _was_prepared(settings):
                fleet.start(answering, child_env)  # they import while the database comes up
            stack.enter_context(database_up(settings))
            stack.callback(fleet.stop)  # before the database does
            stack.callback(_ignore_signals)
            _prepare(settings, env)
            if not fleet.children:
                fleet.start(answering, child_env)
            _wait_until_ready(settings, fleet.children)
            fleet.is_serving = True
            # Two cores are busy enough until somebody can sign in.
            fleet.start(working, child_env)
            _show(settings)
            return _watch(fleet.children)
    except Stopped:
        return 0


class Fleet:
    """The running children; leaving it stops them, all at once, so that the slowest decides."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.is_serving = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, named: list[Named], env: dict[str, str]) -> None:
        for name, command in named:
            streams = {"SERVES_STREAMS": str(int(name == "slow"))}  # as `serve` sets it
            self.children.append(Child(name, command, env | streams))

    def stop(self) -> None:
        """Stop what runs; idempotent."""
        # Before it serves, nothing is in flight, and a process that is still importing hears no
        # SIGTERM: then it is killed after a moment.
        until = time.monotonic() + (STOP_WITHIN_SECONDS if self.is_serving else 1.0)
        for child in self.children:
            child.stop()
        for child in self.children:
            child.wait(until)


def _stop(_number: int, _frame: object) -> None:
    _ignore_signals()
    raise Stopped


def _ignore_signals() -> None:
    """Once is enough: what follows is the orderly way out, which a second Ctrl-C would break."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _child_env(settings: Settings, env: dict[str, str]) -> dict[str, str]:
    """Our environment, with what we decided spelled out: the children decide as we did."""
    search = [str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    return env | {
        "PHR_ENV": settings.environment,
        "PHR_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": os.pathsep.join(search),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _alone(settings: Settings) -> Generator[None]:
    """One run a data directory: the second would share, and then lose, the first one's database."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "run.lock").open("a+") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            mark.seek(0)
            raise SettingError(
                "PHR_DATA_DIR",
                f"{_shown(settings.data_dir)} is in use by another run (PORT {mark.read()});"
                " stop it, or choose another folder",
            ) from None
        mark.truncate(0)
        mark.write(str(settings.port))
        mark.flush()
        yield


def _was_prepared(settings: Settings) -> bool:
    """Whether an earlier run made the private database: then little keeps this one."""
    return settings.database.is_embedded and Places.of(settings.data_dir).cluster.exists()


def _check_ports(settings: Settings) -> None:
    """Name the variable of a port that somebody has; better now than in the third log line."""
    ports = {
        "PORT": settings.port,
        "SLOW_PORT": settings.slow_port,
        "METRICS_PORT": settings.metrics_port,
    }
    if settings.is_development:
        ports["PROVIDER_PORT"] = settings.provider_port
    for variable, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise SettingError(variable, f"{port} is taken; choose another") from None


def _prepare(settings: Settings, env: dict[str, str]) -> None:
    """Migrate unless at head; in development let the intake take the demo files in, once."""
    url = settings.database.migrator_url.replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        if _revision(connection) != HEAD:
            print("Preparing the database …", flush=True)  # noqa: T201 - the one screen of `run`
            migrate(settings)
        if settings.is_development and _mark(connection) != SEEDED:
            print("Taking in the demo files …", flush=True)  # noqa: T201
            _seed(settings, env)
            _set_mark(connection)


def _seed(settings: Settings, env: dict[str, str]) -> None:
    """Raise StartFailedError unless the demo files are in; a stopped run goes on at the next."""
    command = [sys.executable, "-m", "phr_api", "seed"]
    with Fleet() as fleet:
        seed = Child("seed", command, _child_env(settings, env))
        fleet.children.append(seed)
        while seed.returncode is None:
            time.sleep(0.05)
    if seed.returncode != 0:
        raise StartFailedError("the demo data could not be taken in")


def _revision(connection: psycopg.Connection) -> str | None:
    found = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _mark(connection: psycopg.Connection) -> str | None:
    """What the database says of itself: it knows better than a file whether it was seeded."""
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()"
    ).fetchone()
    return None if row is None else row[0]


def _set_mark(connection: psycopg.Connection) -> None:
    statement = psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(
        psycopg.sql.Identifier(connection.info.dbname), psycopg.sql.Literal(SEEDED)
    )
    connection.execute(statement)


def _clear_metrics(settings: Settings) -> None:
    """Counters of processes that are gone; a fresh start counts from zero."""
    for file in (settings.data_dir / "metrics").glob("*.db"):
        file.unlink(missing_ok=True)


def _commands(settings: Settings) -> tuple[list[Named], list[Named]]:
    """The Procfile's processes but the release step, and the development provider.

    First those that answer requests, then those that work behind them.
    """
    named: list[Named] = []
    if settings.is_development:
        named.append(("provider", [sys.executable, "-m", "phr_api.devprovider"]))
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, command = line.partition(":")
        if command.strip() and name != "release":
            words = shlex.split(command)
            command_line = [sys.executable if words[0] == "python" else words[0], *words[1:]]
            if words[-2] == "serve":  # what `serve` becomes: the settings have been checked here
                command_line = [sys.executable, "-m", "granian"]
                command_line += granian_arguments(words[-1], settings)
            named.append((name, command_line))
    answering = [one for one in named if one[0] != "worker"]
    return answering, [one for one in named if one[0] == "worker"]


def _wait_until_ready(settings: Settings, children: list[Child]) -> None:
    """Return when the web processes can be sent requests, and the provider listens."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    waits: list[tuple[int, Callable[[int], bool]]] = [
        (settings.port, _is_ready),
        (settings.slow_port, _is_ready),
    ]
    if settings.is_development:
        waits.append((settings.provider_port, _listens))
    for port, has_come_up in waits:
        while not has_come_up(port):
            ended = [child.name for child in children if child.returncode is not None]
            if ended:
                raise StartFailedError(f"the process `{ended[0]}` ended at once")
            if time.monotonic() > until:
                raise StartFailedError(f"nothing answers on port {port}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/readyz"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(json.load(answer) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def _watch(children: list[Child]) -> int:
    """Return 1 when a child ends by itself; Stopped ends the wait otherwise."""
    while True:
        for child in children:
            if child.returncode is not None:
                print(f"`{child.name}` ended with status {child.returncode}; stopping the others.")  # noqa: T201
                return 1
        time.sleep(0.2)


SCREEN = """
  PHR API is running.

  API             {api}
  Documentation   {api}/docs
  The desk's page {api}/desk
  Metrics         http://127.0.0.1:{metrics}/metrics
  Data            {data}

  Sign in as a demo citizen and print their book (another terminal, this folder):

    TOKEN=$({prefix}{phr} login --as citizen |
      {python} -c 'import json,sys; print(json.load(sys.stdin)["accessToken"])')
    BOOK=$(curl -s -H "Authorization: Bearer $TOKEN" {api}/v1/me |
      {python} -c 'import json,sys; print(json.load(sys.stdin)["profiles"][0]["id"])')
    curl -s --compressed -H "Authorization: Bearer $TOKEN" \\
      {api}/v1/profiles/$BOOK/health-book | {python} -m json.tool --no-ensure-ascii

  Ctrl-C stops everything.
"""


def _show(settings: Settings) -> None:
    if not settings.is_development:
        print(f"PHR API is running on port {settings.port}.", flush=True)  # noqa: T201
        return
    given = {"PORT": (settings.port, 8000), "PHR_DATA_DIR": (settings.data_dir, ROOT / "var")}
    prefix = "".join(f"{name}={value} " for name, (value, usual) in given.items() if value != usual)
    folder = _shown(Path(sys.executable).parent)
    text = SCREEN.format(
        api=f"http://127.0.0.1:{settings.port}",
        metrics=settings.metrics_port,
        data=describe_data(settings),
        phr=f"{folder}/phr-api",
        python=_shown(Path(sys.executable)),
        prefix=prefix,
    )
    print(text, flush=True)  # noqa: T201


def describe_data(settings: Settings) -> str:
    """Where the keys and counters are, and where the database is, which for root is elsewhere."""
    folder = _shown(settings.data_dir)
    if not settings.database.is_embedded:
        return f"{folder}; the database is the one of DATABASE_URL"
    return f"{folder}; the database is in {_shown(Places.of(settings.data_dir).home)}"


def _shown(path: Path) -> Path:
    """Relative to where the reader stands, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
