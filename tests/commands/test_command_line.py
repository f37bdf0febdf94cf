"""The command line explains itself at once, and an operator's mistake is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from phr_api.__main__ import COMMANDS, cli
from phr_api.commands.serve import granian_arguments
from phr_api.settings import Settings


def phr_api(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as an operator does, with only these settings."""
    path = {"PATH": os.defpath}
    return subprocess.run(
        [sys.executable, "-m", "phr_api", *arguments],
        env=path | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_and_imports_no_room() -> None:
    check = (
        "import sys; from phr_api.__main__ import cli; cli(['--help'], standalone_mode=False);"
        "print([m for m in sys.modules if m.startswith(('flask', 'sqlalchemy', 'alembic'))])"
    )
    told = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"  {name}" in told for name in COMMANDS)
    assert told.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_explains_itself_to_a_stranger(name: str) -> None:
    told = CliRunner().invoke(cli, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert len(told.output.split()) > 25


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(cli, ["dance"]).exit_code == 2


def test_a_missing_setting_is_one_line_and_status_78(tmp_path: Path) -> None:
    refused = phr_api("serve", "web", PHR_DATA_DIR=str(tmp_path))
    assert refused.returncode == 78
    assert refused.stderr.startswith("phr-api: PUBLIC_URL is not set")
    assert refused.stderr.count("\n") == 1


def test_a_development_key_in_production_is_refused(tmp_path: Path) -> None:
    refused = phr_api(
        "migrate",
        PHR_DATA_DIR=str(tmp_path),
        PUBLIC_URL="https://phr.example.vn",
        PHR_SECRET="dev-c2VjcmV0",
    )
    assert refused.returncode == 78
    assert refused.stderr.startswith("phr-api: PHR_SECRET is a development key")


def test_web_has_few_threads_and_slow_has_many(tmp_path: Path) -> None:
    env = {"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path), "PORT": "9000"}
    settings = Settings.from_env(env)
    web, slow = (granian_arguments(part, settings) for part in ("web", "slow"))
    assert web[web.index("--port") + 1] == "9000"
    assert web[web.index("--blocking-threads") + 1] == "4"
    assert slow[slow.index("--port") + 1] == "9001"
    assert int(slow[slow.index("--blocking-threads") + 1]) > 16
    assert slow[slow.index("--workers-kill-timeout") + 1] == "5s"
