"""The command line explains itself at once, and an operator's mistake is one line."""

import base64
import json
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


def production(tmp_path: Path, *, without: str = "") -> dict[str, str]:
    """All that the processes of an installation need, but for one setting."""
    key = base64.b64encode(b"k" * 32).decode()
    provider = {
        "id": "example",
        "issuer": "https://provider.example.vn",
        "clientId": "phr",
        "audience": "citizen",
        "asserts": ["name"],
        "assurance": "record",
        "label": "Example",
        "redirectUris": ["https://app.example.vn/signed-in"],
    }
    env = {
        "PHR_DATA_DIR": str(tmp_path),
        "PUBLIC_URL": "https://phr.example.vn",
        "DATABASE_URL": "postgresql://owner@127.0.0.1:9/phr",
        "WEB_DATABASE_URL": "postgresql://phr_web@127.0.0.1:9/phr",
        "WORKER_DATABASE_URL": "postgresql://phr_worker@127.0.0.1:9/phr",
        "PHR_SECRET": key,
        "RECORDS_PUBLIC_KEY": key,
        "RECORDS_PRIVATE_KEY": key,
        "OIDC_PROVIDERS": json.dumps([provider]),
    }
    return {name: value for name, value in env.items() if name != without}


def test_all_missing_settings_are_named_in_one_line_with_status_78(tmp_path: Path) -> None:
    refused = phr_api("serve", "web", PHR_DATA_DIR=str(tmp_path))
    assert refused.returncode == 78
    assert refused.stderr.startswith(
        "phr-api: PUBLIC_URL, PHR_SECRET, RECORDS_PUBLIC_KEY, OIDC_PROVIDERS, WEB_DATABASE_URL"
        " are not set"
    )
    assert "phr-api keys generate" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("serve web", "WEB_DATABASE_URL"),
        ("serve slow", "WEB_DATABASE_URL"),
        ("worker", "WORKER_DATABASE_URL"),
        ("worker", "RECORDS_PRIVATE_KEY"),
        ("run", "DATABASE_URL"),
        ("run", "RECORDS_PRIVATE_KEY"),
        ("migrate", "DATABASE_URL"),
        ("ingest Procfile --facility 99001", "RECORDS_PRIVATE_KEY"),
        ("clients list", "WORKER_DATABASE_URL"),
    ],
)
def test_no_process_of_production_starts_without_what_it_needs(
    tmp_path: Path, command: str, missing: str
) -> None:
    refused = phr_api(*command.split(), **production(tmp_path, without=missing))
    assert refused.returncode == 78, refused.stderr
    assert refused.stderr.startswith(f"phr-api: {missing} is not set")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["serve web", "worker", "run", "clients list"])
def test_production_without_any_database_url_starts_no_private_one(
    tmp_path: Path, command: str
) -> None:
    env = production(tmp_path)
    urls = [name for name in env if name.endswith("DATABASE_URL")]
    refused = phr_api(*command.split(), **{k: v for k, v in env.items() if k not in urls})
    assert refused.returncode == 78, refused.stderr
    assert "DATABASE_URL" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_development_key_in_production_is_refused(tmp_path: Path) -> None:
    refused = phr_api(
        "migrate",
        PHR_DATA_DIR=str(tmp_path),
        PUBLIC_URL="https://phr.example.vn",
        PHR_SECRET="dev-c2VjcmV0",
    )
    assert refused.returncode == 78
    assert refused.stderr.startswith("phr-api: PHR_SECRET is a development key")


def test_a_sign_in_to_nobody_names_the_address_and_the_variable(tmp_path: Path) -> None:
    env = {"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path), "PORT": "9"}
    refused = phr_api("login", "--as", "citizen", **env)
    assert refused.returncode == 1
    assert "http://127.0.0.1:9" in refused.stderr
    assert "PORT" in refused.stderr


def test_web_has_few_threads_and_slow_has_many(tmp_path: Path) -> None:
    env = {"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path), "PORT": "9000"}
    settings = Settings.from_env(env)
    web, slow = (granian_arguments(part, settings) for part in ("web", "slow"))
    assert web[web.index("--port") + 1] == "9000"
    assert web[web.index("--blocking-threads") + 1] == "8"
    assert slow[slow.index("--port") + 1] == "9001"
    assert int(slow[slow.index("--blocking-threads") + 1]) > 16
    assert slow[slow.index("--workers-kill-timeout") + 1] == "5s"
