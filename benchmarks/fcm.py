"""`python -m benchmarks.fcm`: the tests' FCM server in a process of its own, until stdin ends.

Its first line is a JSON object: `url` is PHR_FCM_URL, `key` FCM_CREDENTIALS.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.notifications.fcm_server import FcmServer

ROOT = Path(__file__).parents[1]


@contextmanager
def running() -> Generator[tuple[str, str]]:
    """Start it as a process; its address and the key of its service account."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fcm"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("pipes were asked for")
    try:
        said = json.loads(process.stdout.readline())
        yield said["url"], said["key"]
    finally:
        process.stdin.close()
        process.wait(30)


def main() -> None:
    """Serve until stdin ends."""
    with FcmServer() as fcm:
        print(json.dumps({"url": fcm.url, "key": fcm.key}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
