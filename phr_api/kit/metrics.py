"""Prometheus metrics of all processes of one installation, on a port of their own.

The processes count into files of one folder (PROMETHEUS_MULTIPROC_DIR, read when prometheus_client
is imported, so an entry point sets it first). Whichever process gets METRICS_PORT answers for all;
when it ends, another takes over within seconds. The port is for the operator's network only.
"""

import logging
import threading
import time
from pathlib import Path
from time import perf_counter

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

log = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 5.0
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

requests = Histogram(
    "phr_http_request_seconds",
    "Time from the first byte of a request to its answer, by route; _count is the number of them.",
    labelnames=("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30),
)


def init_app(app: Flask) -> None:
    """Count every request by method, route (the rule, never the path) and status."""
    app.before_request(_begin)
    app.after_request(_count)


def _begin() -> None:
    g.metrics_began = perf_counter()


def _count(response: Response) -> Response:
    rule = request.url_rule.rule if request.url_rule else "unknown"
    began = g.get("metrics_began")
    if began is not None:
        method = request.method if request.url_rule else "unknown"
        seconds = perf_counter() - began
        requests.labels(method, rule, str(response.status_code)).observe(seconds)
    return response


def serve(folder: Path, *, port: int, host: str = "127.0.0.1") -> threading.Thread:
    """Answer GET /metrics on this port with the sums over all processes, from a daemon thread.

    Returns at once; while another process holds the port, the thread waits for its turn.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    thread = threading.Thread(
        target=_serve_in_turn, args=(registry, host, port), name="metrics", daemon=True
    )
    thread.start()
    return thread


def _serve_in_turn(registry: CollectorRegistry, host: str, port: int) -> None:
    while True:
        try:
            start_http_server(port, host, registry)
        except OSError:  # taken by a sister process
            time.sleep(TRY_AGAIN_SECONDS)
        else:
            log.debug("metrics are served", extra={"port": port})
            return
