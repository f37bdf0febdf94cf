"""Requests are counted by route across processes, and one process answers for all."""

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

SISTER = """
import sys, time
from pathlib import Path
from flask import Flask
from phr_api.kit import metrics
app = Flask("example")
metrics.init_app(app)
app.add_url_rule("/things/<thing>", view_func=lambda thing: thing)
app.test_client().get("/things/7")
metrics.serve(Path(sys.argv[1]), port=int(sys.argv[2]))
print("counted", flush=True)
time.sleep(60)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_are_summed_behind_one_port(tmp_path: Path) -> None:
    port = free_port()
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", SISTER, str(tmp_path), str(port)]
    sisters = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for sister in sisters:
            assert sister.stdout is not None
            assert sister.stdout.readline() == "counted\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        for sister in sisters:
            sister.kill()
            sister.communicate()
    labels = 'method="GET",route="/things/<thing>",status="200"'
    assert f"phr_http_request_seconds_count{{{labels}}} 2.0" in text
    assert "/things/7" not in text
