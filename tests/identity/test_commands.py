"""The operator's commands, as processes of their own on the same database."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from phr_api import identity
from phr_api.__main__ import cli
from phr_api.devprovider.people import CARER, CITIZEN
from phr_api.devprovider.server import QuietHandler, running
from phr_api.identity import keys
from phr_api.identity.models import (
    Client,
    ClientKey,
    Membership,
    ProfileIdentifier,
    ProfileLink,
)
from phr_api.kit import clock
from phr_api.settings import Settings

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(environment: dict[str, str], app: Flask) -> Command:
    """Run `phr-api` as an operator does."""

    def run(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "phr_api", *arguments],
            env=environment | env,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def told(done: "subprocess.CompletedProcess[str]") -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_system_is_registered_with_a_key_of_its_own_and_ended(
    command: Command, session: Session, tmp_path: Path
) -> None:
    key_file = tmp_path / "key.pem"
    done = command(
        *("clients", "register", "Phần mềm thử", "--facility", "99001"),
        *("--facility", "99002", "--generate-key", str(key_file)),
    )
    (made,) = told(done)

    assert made["facilities"] == ["99001", "99002"]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" in key_file.read_text()
    assert "PRIVATE" not in done.stdout + done.stderr
    listed = [one for one in told(command("clients", "list")) if one["client"] == made["client"]]
    assert [key["key"] for key in listed[0]["keys"]] == [made["key"]]

    told(command("clients", "end-key", made["client"], made["key"]))
    told(command("clients", "end", made["client"]))
    session.expire_all()
    assert session.get_one(Client, made["client"]).ended_at is not None
    assert session.get_one(ClientKey, (made["client"], made["key"])).ended_at is not None
    assert command("clients", "end", made["client"]).returncode == 2


def test_a_registered_key_of_the_hospitals_own_works_over_http(
    command: Command, client: FlaskClient, settings: Settings, tmp_path: Path
) -> None:
    key_file = tmp_path / "key.pem"
    (made,) = told(command("clients", "register", "Thử", "--facility", "99001"))
    added = command("clients", "add-key", made["client"], "--generate-key", str(key_file))
    (key,) = told(added)
    now = int(clock.now().timestamp())
    claims = {"iss": made["client"], "sub": made["client"], "aud": settings.public_url}
    private: Any = load_pem_private_key(key_file.read_bytes(), None)
    assertion = jwt.encode(
        claims | {"iat": now, "exp": now + 60, "jti": uuid4().hex},
        private,
        algorithm="EdDSA",
        headers={"kid": key["key"]},
    )
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    assert client.post("/v1/oauth/token", data=form).status_code == 200


def test_a_system_that_keeps_the_directory_is_of_no_facility(command: Command) -> None:
    (made,) = told(command("clients", "register", "Danh mục", "--scope", "facilities.write"))
    assert made["facilities"] == []
    listed = [one for one in told(command("clients", "list")) if one["client"] == made["client"]]
    assert listed[0]["scopes"] == ["facilities.write"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("clients", "register", "Thử", "--facility", "9900"),
        ("clients", "register", "Thử"),
        ("clients", "register", "Thử", "--scope", "records.read"),
        ("clients", "end-key", str(uuid4()), "nothing"),
        ("staff", "end", "--facility", "99001", str(uuid4())),
    ],
)
def test_an_operators_mistake_is_said_in_a_line(
    command: Command, arguments: tuple[str, ...]
) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Error:" in done.stderr


def test_a_key_file_is_never_overwritten(command: Command, tmp_path: Path) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text("mine")
    done = command(
        *("clients", "register", "Thử", "--facility", "99001", "--generate-key", str(key_file))
    )
    assert done.returncode == 2
    assert key_file.read_text() == "mine"


def test_staff_are_added_listed_and_ended(
    command: Command, session: Session, settings: Settings
) -> None:
    issuer = next(one.issuer for one in settings.providers if one.audience == "staff")
    somebody = ("--issuer", issuer, "--subject", uuid4().hex, "--name", "Nhân viên thử")
    add = ("staff", "add", "--facility", "99003", "--role", "doctor", *somebody)
    assert command(*add).stdout == "added\n"
    assert command(*add).stdout == "has this role already\n"
    listed = told(command("staff", "list", "--facility", "99003"))
    assert listed[-1]["role"] == "doctor"
    done = command("staff", "end", "--facility", "99003", listed[-1]["id"])
    assert done.stdout == "ended\n"
    assert session.get_one(Membership, listed[-1]["id"]).ended_at is not None


def test_keys_are_rotated_listed_and_ended(command: Command, app: Flask) -> None:
    first = keys.current_ring().signing_kid
    refused = command("keys", "end", first)
    (made,) = told(command("keys", "rotate", "--at-once"))
    listed = {one["key"]: one["endsAt"] for one in told(command("keys", "list"))}
    assert refused.returncode == 2
    assert listed[made["key"]] is None
    assert listed[first] is not None
    told(command("keys", "end", first))
    keys.forget()
    assert keys.current_ring().signing_kid == made["key"]
    assert first not in keys.current_ring().public


@pytest.mark.parametrize(
    "arguments", [("keys", "end"), ("clients", "end-key", "00000000-0000-0000-0000-000000000000")]
)
@pytest.mark.parametrize("key", ["-NBgm5QAVgUB4zo8", "--gm5QAVgUB4zo8", "-hBgm5QAVgUB4zo8"])
def test_the_name_of_a_key_may_begin_like_an_option(
    command: Command, arguments: tuple[str, ...], key: str
) -> None:
    done = command(*arguments, key)
    assert "no such live key" in done.stderr


def test_generated_secrets_start_a_production_process() -> None:
    secrets, again = new_secrets(), new_secrets()
    assert set(secrets) == {"PHR_SECRET", "RECORDS_PUBLIC_KEY", "RECORDS_PRIVATE_KEY"}
    assert not set(secrets.values()) & set(again.values())
    settings = Settings.from_env(
        secrets
        | {
            "PHR_ENV": "production",
            "PUBLIC_URL": "https://phr.example.vn",
            "OIDC_PROVIDERS": "[]",
            "WEB_DATABASE_URL": "postgresql://phr_web@localhost/phr",
        }
    )
    assert len(settings.secret) == 48


def new_secrets() -> dict[str, str]:
    done = CliRunner().invoke(cli, ["keys", "generate"])
    return dict(line.split("=", 1) for line in done.output.splitlines())


@pytest.fixture
def listening(
    app: Flask, environment: dict[str, str], settings: Settings
) -> Generator[dict[str, str]]:
    """The application and the local provider on ports of their own; yields those settings."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    with running() as providers:
        provider_port = providers.citizen.issuer.split(":")[2].split("/")[0]
        ports = {"PORT": str(server.server_port), "PROVIDER_PORT": provider_port}
        identity.configure(Settings.from_env(environment | ports))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield ports
        server.shutdown()
        thread.join()
        server.server_close()
    identity.configure(settings)


@pytest.fixture
def unlinked(session: Session) -> None:
    """The demo people as new ones, though a test that seeds linked them to another provider's."""
    numbers = [CITIZEN.citizen_number, CARER.citizen_number]
    theirs = select(ProfileIdentifier.profile_id).where(ProfileIdentifier.value.in_(numbers))
    session.execute(delete(ProfileLink).where(ProfileLink.profile_id.in_(theirs)))
    session.commit()


@pytest.mark.usefixtures("unlinked")
@pytest.mark.parametrize("who", ["citizen", "carer", "desk", "doctor"])
def test_a_demo_person_signs_in_over_http(
    command: Command, listening: dict[str, str], who: str
) -> None:
    (tokens,) = told(command("login", "--as", who, **listening))
    assert set(tokens) == {"accessToken", "expiresIn", "refreshToken", "tokenType"}
    answer = httpx.get(
        f"http://127.0.0.1:{listening['PORT']}/v1/sessions",
        headers={"Authorization": f"Bearer {tokens['accessToken']}"},
    )
    assert answer.status_code == 200
    kind = "citizen" if who in {"citizen", "carer"} else "staff"
    assert answer.json()["items"][0]["kind"] == kind


def test_the_demo_system_signs_in_and_stays_the_same_system(
    command: Command, listening: dict[str, str]
) -> None:
    (first,) = told(command("login", "--as", "system", **listening))
    (second,) = told(command("login", "--as", "system", **listening))
    ids = {
        jwt.decode(one["accessToken"], options={"verify_signature": False})["sub"]
        for one in (first, second)
    }
    assert len(ids) == 1


def test_login_says_when_nothing_answers(command: Command) -> None:
    done = command("login", "--as", "citizen", PORT="9", PROVIDER_PORT="10")
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_there_are_no_demo_people_in_production(command: Command) -> None:
    production = {
        "PHR_ENV": "production",
        "PUBLIC_URL": "https://phr.example.vn",
        "OIDC_PROVIDERS": "[]",
    }
    done = command("login", "--as", "citizen", **production, **new_secrets())
    assert done.returncode == 2
    assert "development only" in done.stderr
