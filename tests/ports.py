"""Free ports for processes that tests start."""

import socket


def free_ports(count: int) -> int:
    """Return the first of `count` free ports in a row."""
    for first in range(20100, 29000, count + 1):
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
