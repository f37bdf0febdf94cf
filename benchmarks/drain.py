"""`python -m benchmarks.drain`: drain and deliver all that was told, as the worker does.

The sender at its end takes everything and keeps nothing. After every tenth batch of the outbox a
line is printed: how many were drained, and this process's memory in KiB.
"""

import os
from collections.abc import Sequence
from datetime import datetime

from benchmarks.processes import resident_kib
from phr_api import worker
from phr_api.notifications import deliver_once, drain_once
from phr_api.notifications.rules.policy import Sent
from phr_api.notifications.service import delivering
from phr_api.notifications.service.outbox import BATCH
from phr_api.notifications.service.sending import Message
from phr_api.settings import Settings

EVERY = 2


class Taker:
    """Stands for a service that takes every message."""

    def send(self, messages: Sequence[Message], at: datetime) -> list[Sent]:  # noqa: ARG002
        return [Sent() for _ in messages]


def main() -> None:
    """Work until nothing is due."""
    worker.configure(Settings.from_env(os.environ))  # noqa: TID251 - entry point of a process
    delivering.use({"push": Taker()})
    batches = 0
    while drain_once():
        batches += 1
        while deliver_once():
            pass
        if batches % EVERY == 0:
            print(batches * BATCH, resident_kib(), flush=True)


if __name__ == "__main__":
    main()
