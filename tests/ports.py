"""Free ports for processes that tests start."""

import os
import socket
from itertools import chain

FIRST, LAST = 20100, 29000


def free_ports(count: int) -> int:
    """Return the first of `count` free ports in a row.

    Each process looks from a place of its own on: what it found is bound a moment later.
    """
    begin = FIRST + os.getpid() * 37 % (LAST - FIRST)
    for first in chain(range(begin, LAST, count + 1), range(FIRST, begin, count + 1)):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")
