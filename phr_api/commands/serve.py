"""`phr-api serve web|slow`: becomes granian, after the settings were checked."""

import os
import sys

import click

from phr_api.commands.environment import NEEDED_BY_WEB, read_settings
from phr_api.settings import Settings

# Short requests: few threads, since they share one interpreter; but a write waits for the disk, and
# those of eight reach it together: twice the bookings of four. Uploads and event streams wait for
# slow networks most of their time: many threads, so that none keeps another out.
WEB_THREADS = 8
# A stream keeps a thread: a thousand of them, and uploads beside.
SLOW_THREADS = 1100
# A request in flight is finished; an open stream is not waited for, its client resumes.
WEB_KILL_AFTER = "30s"
SLOW_KILL_AFTER = "5s"


@click.command()
@click.argument("part", type=click.Choice(["web", "slow"]))
def serve(part: str) -> None:
    """Run one web process in the foreground.

    `web` answers on PORT with few threads, `slow` on SLOW_PORT with many: uploads, event streams
    and archives belong there. HOST is the address to listen on (default 127.0.0.1; 0.0.0.0 in a
    container). SIGTERM finishes the requests in flight.
    """
    settings = read_settings(*NEEDED_BY_WEB)  # named now if one is missing, not by each worker
    sys.stdout.flush()
    # `web` has few threads: it refuses streams, which would keep them
    os.environ["SERVES_STREAMS"] = "1" if part == "slow" else "0"  # noqa: TID251 - for granian
    os.execv(  # noqa: S606 - no shell, our own interpreter
        sys.executable, [sys.executable, "-m", "granian", *granian_arguments(part, settings)]
    )


def granian_arguments(part: str, settings: Settings) -> list[str]:
    """Command line of granian for `web` or `slow`."""
    is_web = part == "web"
    options = {
        "--interface": "wsgi",
        "--host": settings.host,
        "--port": str(settings.port if is_web else settings.slow_port),
        "--workers": str(settings.web_workers if is_web else 1),
        "--blocking-threads": str(WEB_THREADS if is_web else SLOW_THREADS),
        "--backpressure": str(512 if is_web else SLOW_THREADS),
        "--workers-kill-timeout": WEB_KILL_AFTER if is_web else SLOW_KILL_AFTER,
        "--log-level": "error",  # our own log tells the rest, and a warning here is about threads
    }
    flags = ["--respawn-failed-workers", "--no-ws"]
    pairs = [word for option in options.items() for word in option]
    return [*pairs, *flags, "phr_api.wsgi:application"]
