"""A missing or unsafe setting refuses to start and names the variable."""

import base64
import json
from pathlib import Path

import pytest

from phr_api.settings import SettingError, Settings

SECRET = base64.b64encode(b"s" * 32).decode()
PROVIDER = {
    "id": "vneid",
    "issuer": "https://provider.example.vn",
    "clientId": "phr",
    "clientSecret": "do-not-show",
    "audience": "citizen",
    "asserts": ["citizenNumber", "name", "birthDate"],
    "assurance": "record",
    "label": "VNeID",
    "redirectUris": ["https://app.example.vn/signed-in", "vn.example.phr:/signed-in"],
}


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    return {
        "PHR_DATA_DIR": str(tmp_path / "data"),
        "PUBLIC_URL": "https://phr.example.vn",
        "DATABASE_URL": "postgresql://owner:pw@db.example.vn/phr?sslmode=verify-full",
        "WEB_DATABASE_URL": "postgresql://phr_web:pw@127.0.0.1/phr",
        "WORKER_DATABASE_URL": "postgresql://phr_worker:pw@/phr?host=/run/postgresql",
        "PHR_SECRET": SECRET,
        "RECORDS_PUBLIC_KEY": SECRET,
        "OIDC_PROVIDERS": json.dumps([PROVIDER]),
    }


def test_production_is_the_default_and_reads_all_it_needs(production: dict[str, str]) -> None:
    settings = Settings.from_env(production)
    assert settings.environment == "production"
    assert (settings.port, settings.slow_port, settings.metrics_port) == (8000, 8001, 8002)
    assert settings.database.web_url == "postgresql+psycopg://phr_web:pw@127.0.0.1/phr"
    assert settings.providers[0].asserts == {"citizenNumber", "name", "birthDate"}
    assert settings.providers[0].redirect_uris == set(PROVIDER["redirectUris"])
    assert settings.records.private_key is None


@pytest.mark.parametrize("missing", ["PHR_SECRET", "RECORDS_PUBLIC_KEY", "PUBLIC_URL"])
def test_a_missing_setting_is_named(production: dict[str, str], missing: str) -> None:
    del production[missing]
    with pytest.raises(SettingError, match=f"^{missing} is not set"):
        Settings.from_env(production)


def test_a_missing_provider_list_is_named(production: dict[str, str]) -> None:
    del production["OIDC_PROVIDERS"]
    with pytest.raises(SettingError, match=r"^OIDC_PROVIDERS is not set"):
        Settings.from_env(production)


def test_a_process_names_the_database_url_that_it_lacks(production: dict[str, str]) -> None:
    del production["DATABASE_URL"]
    settings = Settings.from_env(production)
    with pytest.raises(SettingError, match=r"^DATABASE_URL is not set"):
        _ = settings.database.migrator_url


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PHR_SECRET", "dev-" + SECRET),
        ("PHR_SECRET", "c2hvcnQ="),
        ("PHR_SECRET", "not base64!"),
        ("RECORDS_PUBLIC_KEY", "dev-" + SECRET),
        ("RECORDS_PRIVATE_KEY", "dev-" + SECRET),
        ("PUBLIC_URL", "http://phr.example.vn"),
        ("PUBLIC_URL", "phr.hospital.vn"),
        ("DATABASE_URL", "postgresql://owner@db.example.vn/phr"),
        ("DATABASE_URL", "postgresql://owner@10.0.0.5/phr?sslmode=require"),
        ("WEB_DATABASE_URL", "postgresql://phr_web@/phr?host=127.0.0.1&host=db2.example.vn:5432"),
        ("WORKER_DATABASE_URL", "mysql://phr_worker@127.0.0.1/phr"),
        ("DATABASE_URL", "nonsense"),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"issuer": "http://127.0.0.1:8003"}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"id": "dev-citizen"}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER, PROVIDER])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"asserts": ["everything"]}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"audience": "robots"}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER, PROVIDER | {"id": "hr", "audience": "staff"}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": []}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": "https://app.example.vn/"}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": ["http://app.example.vn/"]}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": ["https:///back"]}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": ["https://a.vn/#back"]}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": ["https://u@a.vn/back"]}])),
        ("OIDC_PROVIDERS", json.dumps([PROVIDER | {"redirectUris": ["javascript:alert(1)"]}])),
        ("OIDC_PROVIDERS", "{]"),
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("SLOW_PORT", "99999"),
        ("INTAKE_THREADS", "1000"),
        ("TRUST_STORE", "/nowhere/trust.pem"),
        ("TRUSTED_PROXIES", "the-proxy"),
        ("OLDEST_APP_VERSION", "newest"),
        ("LOG_LEVEL", "LOUD"),
        ("PHR_FCM_URL", "http://127.0.0.1:9000"),
        ("FIREBASE_CERTS_URL", "https://certs.example.vn"),
        ("FIREBASE_PROJECT", "Not A Project"),
        ("FCM_CREDENTIALS", "{]"),
        ("FCM_CREDENTIALS", "/nowhere/key.json"),
        ("SLOW_URL", "http://slow.example.vn"),
        ("SMS_URL", "http://sms.example.vn"),
        ("PHR_ENV", "staging"),
    ],
)
def test_an_unsafe_or_malformed_setting_is_named(
    production: dict[str, str], variable: str, value: str
) -> None:
    with pytest.raises(SettingError) as refused:
        Settings.from_env(production | {variable: value})
    assert refused.value.variable == variable
    assert str(refused.value).startswith(f"{variable} ")
    assert value not in str(refused.value)


def test_metrics_stay_on_this_machine_whatever_the_web_listens_on(
    production: dict[str, str],
) -> None:
    settings = Settings.from_env(production | {"HOST": "0.0.0.0"})  # noqa: S104 - a container's
    assert (settings.host, settings.metrics_host) == ("0.0.0.0", "127.0.0.1")  # noqa: S104
    settings = Settings.from_env(production | {"METRICS_HOST": "10.0.0.7"})
    assert settings.metrics_host == "10.0.0.7"


def test_nothing_secret_is_shown(production: dict[str, str]) -> None:
    shown = repr(Settings.from_env(production | {"RECORDS_PRIVATE_KEY": SECRET}))
    for secret in ("do-not-show", ":pw", "ssssssss", SECRET):
        assert secret not in shown


def test_a_web_process_gives_the_private_key_up(production: dict[str, str]) -> None:
    settings = Settings.from_env(production | {"RECORDS_PRIVATE_KEY": SECRET})
    assert settings.records.private_key is not None
    assert settings.without_private_key().records.private_key is None


def test_development_makes_its_keys_once_and_keeps_them_private(tmp_path: Path) -> None:
    env = {"PHR_ENV": "development", "PHR_DATA_DIR": str(tmp_path), "PORT": "9100"}
    first, second = Settings.from_env(env), Settings.from_env(env)
    assert first == second
    assert (tmp_path / "dev-keys.json").stat().st_mode & 0o777 == 0o600
    assert first.public_url == "http://127.0.0.1:9100"
    assert first.providers[0].issuer == "http://127.0.0.1:9103/citizen"
    assert first.database.is_embedded
    assert "phr_web@/phr" in first.database.web_url


def test_commands_beside_make_run_find_the_same_development_settings(tmp_path: Path) -> None:
    env = {"PHR_DATA_DIR": str(tmp_path)}
    made = Settings.from_env(env | {"PHR_ENV": "development"})
    assert Settings.from_env(env) == made
    with pytest.raises(SettingError):
        Settings.from_env(env | {"DATABASE_URL": "postgresql://owner@127.0.0.1/phr"})


def test_development_with_a_database_derives_the_other_two_roles(tmp_path: Path) -> None:
    env = {
        "PHR_ENV": "development",
        "PHR_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://owner:pw@localhost:5433/phr",
    }
    database = Settings.from_env(env).database
    assert not database.is_embedded
    assert database.migrator_url == "postgresql+psycopg://owner:pw@localhost:5433/phr"
    assert database.worker_url == "postgresql+psycopg://phr_worker:pw@localhost:5433/phr"


def test_trusted_proxies_are_networks(production: dict[str, str]) -> None:
    settings = Settings.from_env(production | {"TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16"})
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.1/32", "10.1.0.0/16"]


def test_the_private_database_is_for_development(production: dict[str, str]) -> None:
    """However a process is started: an empty database must not stand in for the hospital's."""
    urls = ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL")
    settings = Settings.from_env({k: v for k, v in production.items() if k not in urls})
    assert settings.database.is_embedded is False
    with pytest.raises(SettingError, match=r"^WEB_DATABASE_URL is not set"):
        _ = settings.database.web_url
