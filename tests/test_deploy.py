"""What deploy/ relies on holds, as far as it can be shown without building an image."""

import os
import runpy
import ssl
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_database_certificate_is_one_that_verify_full_accepts(tmp_path: Path) -> None:
    make = runpy.run_path(str(ROOT / "deploy" / "make_certificates.py"))["make"]
    assert make(tmp_path, "db", os.geteuid()) is True
    assert make(tmp_path, "db", os.geteuid()) is False
    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    client = ssl.create_default_context(cafile=str(tmp_path / "authority.crt"))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="db")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ours.getpeercert() is not None


def test_every_process_of_the_procfile_is_a_command() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["web", "slow", "worker", "release"]
    assert all(line.partition(": ")[2].startswith("python -m phr_api ") for line in lines)


def test_the_first_make_says_that_it_takes_a_while(tmp_path: Path) -> None:
    command = ["make", "--dry-run", "install", f"STAMP={tmp_path / 'stamp'}"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.index("about a minute") < told.index("pip install")


def test_locks_have_hashes_and_name_no_registry() -> None:
    for name in ("base.txt", "dev.txt"):
        lock = (ROOT / "requirements" / name).read_text()
        assert "--hash=sha256:" in lock
        assert "://" not in lock
        assert "index-url" not in lock
