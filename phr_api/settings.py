"""Everything the environment may tell us: read once, checked at start, never printed.

Outside development nothing that protects people has a default: a missing or unsafe setting raises
SettingError, which names the variable, and the process ends before it listens.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, Self, cast
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from phr_api.kit.devkeys import (
    DEV_PREFIX,
    UnreadableKeys,
    ensure_development_keys,
    has_development_keys,
)
from phr_api.kit.places import SUPERUSER, Places
from phr_api.notifying import NotificationSettings, UnusableWay, read_notifications
from phr_api.providers import (
    ProviderSettings,
    UnusableProviders,
    check_providers,
    development_providers,
    read_providers,
)

Environment = Literal["development", "production"]
Network = IPv4Network | IPv6Network

WEB_ROLE = "phr_web"
WORKER_ROLE = "phr_worker"
SMALLEST_SECRET_BYTES = 32
X25519_BYTES = 32
LARGEST_PORT = 65535
MOST_INTAKE_THREADS = 64
MOST_WEB_WORKERS = 64
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")


class SettingError(RuntimeError):
    """A setting is missing, malformed or unsafe; the message begins with the variable's name."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable} {reason}")
        self.variable = variable


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """One URL a role. A process needs only its own; asking for one that is not set names it."""

    is_embedded: bool
    migrator: str | None = field(default=None, repr=False)
    web: str | None = field(default=None, repr=False)
    worker: str | None = field(default=None, repr=False)

    @property
    def migrator_url(self) -> str:
        """Role that owns the tables; `phr-api migrate` alone uses it. Raises SettingError."""
        return _given("DATABASE_URL", self.migrator)

    @property
    def web_url(self) -> str:
        """Role phr_web. Raises SettingError."""
        return _given("WEB_DATABASE_URL", self.web)

    @property
    def worker_url(self) -> str:
        """Role phr_worker; the worker and the command line. Raises SettingError."""
        return _given("WORKER_DATABASE_URL", self.worker)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSettings:
    """Intake: keys of what hospitals send (X25519, raw bytes), and how much runs at once."""

    public_key: bytes = field(repr=False)
    private_key: bytes | None = field(default=None, repr=False)
    trust_store: Path | None = None
    threads: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration of a process. `repr` shows no secret and no database URL."""

    environment: Environment
    host: str
    port: int
    slow_port: int
    metrics_host: str
    metrics_port: int
    provider_port: int
    web_workers: int
    public_url: str
    data_dir: Path
    database: DatabaseSettings
    secret: bytes = field(repr=False)
    records: RecordsSettings
    providers: tuple[ProviderSettings, ...]
    trusted_proxies: tuple[Network, ...]
    oldest_app_version: str | None
    log_level: str
    slow_url: str = ""
    serves_streams: bool = False
    notifications: NotificationSettings = field(default_factory=NotificationSettings)

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    def without_private_key(self) -> Self:
        """Settings of the web processes: they seal files and open none (R14), and send nothing."""
        return replace(
            self,
            records=replace(self.records, private_key=None),
            notifications=replace(self.notifications, fcm_credentials=None, sms_token=None),
        )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read and check every setting. Raises SettingError.

        In development missing keys are made once and kept in PHR_DATA_DIR/dev-keys.json (0600).
        """
        data_dir = Path(env.get("PHR_DATA_DIR") or "var").absolute()
        environment = _environment(env, data_dir)
        is_development = environment == "development"
        if is_development:
            env = _development_keys(data_dir) | {k: v for k, v in env.items() if v}
        port = _port(env, "PORT", 8000)
        provider_port = _port(env, "PROVIDER_PORT", port + 3)
        secret_of = partial(_key, env, allow_development=is_development)
        return cls(
            environment=environment,
            host=env.get("HOST") or "127.0.0.1",
            port=port,
            slow_port=_port(env, "SLOW_PORT", port + 1),
            metrics_host=env.get("METRICS_HOST") or "127.0.0.1",
            metrics_port=_port(env, "METRICS_PORT", port + 2),
            provider_port=provider_port,
            web_workers=_number(env, "WEB_WORKERS", 1, most=MOST_WEB_WORKERS),
            public_url=_public_url(env, port, is_development=is_development),
            data_dir=data_dir,
            database=_database(env, data_dir, is_development=is_development),
            secret=secret_of("PHR_SECRET", at_least=SMALLEST_SECRET_BYTES),
            records=_records(env, is_development=is_development),
            providers=_providers(env, provider_port, is_development=is_development),
            trusted_proxies=_networks(env, "TRUSTED_PROXIES"),
            oldest_app_version=_version(env, "OLDEST_APP_VERSION"),
            log_level=_choice(env, "LOG_LEVEL", LOG_LEVELS, "INFO"),
            slow_url=_slow_url(env, port, is_development=is_development),
            serves_streams=env.get("SERVES_STREAMS") == "1",  # set by `phr-api serve slow`
            notifications=_notifications(env, is_development=is_development),
        )


def _given(variable: str, value: str | None) -> str:
    if not value:
        raise SettingError(variable, "is not set (PHR_ENV=development needs no settings)")
    return value


def _environment(env: Mapping[str, str], data_dir: Path) -> Environment:
    """Production, unless told otherwise, or the data directory is one that `make run` made.

    The second makes `phr-api ingest` and `phr-api login` work beside `make run`; whatever names a
    database or a secret of its own is never taken for a laptop.
    """
    own = ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL", "PHR_SECRET")
    is_laptop = has_development_keys(data_dir) and not any(env.get(name) for name in own)
    default = "development" if is_laptop else "production"
    return cast("Environment", _choice(env, "PHR_ENV", ("development", "production"), default))


def _development_keys(data_dir: Path) -> dict[str, str]:
    try:
        return ensure_development_keys(data_dir)
    except (UnreadableKeys, OSError) as error:
        raise SettingError("PHR_DATA_DIR", f"is of no use: {error}") from None


def _choice(env: Mapping[str, str], variable: str, known: tuple[str, ...], default: str) -> str:
    value = env.get(variable) or default
    if value not in known:
        raise SettingError(variable, f"is not one of {', '.join(known)}")
    return value


def _number(env: Mapping[str, str], variable: str, default: int, *, most: int) -> int:
    text = env.get(variable) or str(default)
    if not re.fullmatch(r"\d{1,6}", text) or not 1 <= int(text) <= most:
        raise SettingError(variable, f"is not a number from 1 to {most}")
    return int(text)


def _port(env: Mapping[str, str], variable: str, default: int) -> int:
    return _number(env, variable, default, most=LARGEST_PORT)


def _version(env: Mapping[str, str], variable: str) -> str | None:
    value = env.get(variable)
    if value and not VERSION.fullmatch(value):
        raise SettingError(variable, "is not a version such as 2.10.0")
    return value or None


def _networks(env: Mapping[str, str], variable: str) -> tuple[Network, ...]:
    parts = [part.strip() for part in (env.get(variable) or "").split(",") if part.strip()]
    try:
        return tuple(ip_network(part) for part in parts)
    except ValueError:
        raise SettingError(variable, "is not a comma list of addresses or networks") from None


def _key(env: Mapping[str, str], variable: str, *, at_least: int, allow_development: bool) -> bytes:
    """Bytes of a base64 secret; a development key is refused where it must not be."""
    text = _given(variable, env.get(variable))
    if text.startswith(DEV_PREFIX) and not allow_development:
        raise SettingError(variable, "is a development key; make a new one with `phr-api keys`")
    try:
        raw = base64.b64decode(text.removeprefix(DEV_PREFIX), validate=True)
    except binascii.Error:
        raise SettingError(variable, "is not base64") from None
    if len(raw) < at_least:
        raise SettingError(variable, f"is shorter than {at_least} bytes")
    return raw


def _records(env: Mapping[str, str], *, is_development: bool) -> RecordsSettings:
    key = partial(_key, env, at_least=X25519_BYTES, allow_development=is_development)
    private = key("RECORDS_PRIVATE_KEY") if env.get("RECORDS_PRIVATE_KEY") else None
    trust_store = Path(env["TRUST_STORE"]) if env.get("TRUST_STORE") else None
    if trust_store is not None and not trust_store.is_file():
        raise SettingError("TRUST_STORE", "does not name a file")
    return RecordsSettings(
        public_key=key("RECORDS_PUBLIC_KEY"),
        private_key=private,
        trust_store=trust_store,
        threads=_number(env, "INTAKE_THREADS", 8, most=MOST_INTAKE_THREADS),
    )


def _notifications(env: Mapping[str, str], *, is_development: bool) -> NotificationSettings:
    try:
        return read_notifications(env, is_development=is_development)
    except UnusableWay as error:
        raise SettingError(error.variable, error.reason) from None


def _database(env: Mapping[str, str], data_dir: Path, *, is_development: bool) -> DatabaseSettings:
    """URLs as given; in development without any, those of the server in the data directory."""
    variables = ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL")
    if is_development and not any(env.get(variable) for variable in variables):
        places = Places.of(data_dir)
        return DatabaseSettings(
            is_embedded=True,
            migrator=places.url(SUPERUSER),
            web=places.url(WEB_ROLE),
            worker=places.url(WORKER_ROLE),
        )
    migrator, web, worker = (
        _database_url(variable, env[variable], is_development=is_development)
        if env.get(variable)
        else None
        for variable in variables
    )
    if is_development and migrator is not None:
        # `migrate` gives the two roles the password that their URL carries
        web = web or migrator.set(username=WEB_ROLE)
        worker = worker or migrator.set(username=WORKER_ROLE)
    return DatabaseSettings(
        is_embedded=False, migrator=_text(migrator), web=_text(web), worker=_text(worker)
    )


def _text(url: URL | None) -> str | None:
    return None if url is None else url.render_as_string(hide_password=False)


def _database_url(variable: str, text: str, *, is_development: bool) -> URL:
    """PostgreSQL through psycopg; beyond this machine only with the server verified (R16)."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingError(variable, "is not a database URL") from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise SettingError(variable, "is not a postgresql:// URL")
    is_verified = url.query.get("sslmode") == "verify-full"
    if not is_development and not is_verified and not all(map(_is_local, _hosts(url))):
        raise SettingError(variable, "leaves this machine without sslmode=verify-full")
    return url.set(drivername="postgresql+psycopg")


def _hosts(url: URL) -> list[str]:
    """Every host that libpq may try: in the address, `host=` and `hostaddr=`, comma lists too."""
    given: list[str] = [url.host or ""]
    for name in ("host", "hostaddr"):
        value = url.query.get(name, ())
        given.extend([value] if isinstance(value, str) else value)
    return [host for entry in given for host in entry.split(",") if host]


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host.partition(":")[0] == "localhost":
        return True  # a unix socket, or this machine by name
    for candidate in (host.strip("[]"), host.rpartition(":")[0].strip("[]")):
        try:
            return ip_address(candidate).is_loopback
        except ValueError:
            continue
    return False


def _public_url(env: Mapping[str, str], port: int, *, is_development: bool) -> str:
    """Our issuer and the root of our addresses: scheme and authority, no slash at the end."""
    text = env.get("PUBLIC_URL") or (f"http://127.0.0.1:{port}" if is_development else None)
    parts = urlsplit(_given("PUBLIC_URL", text).rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise SettingError("PUBLIC_URL", "is not an address such as https://phr.example.vn")
    if parts.scheme == "http" and not is_development:
        raise SettingError("PUBLIC_URL", "is http://; outside development it must be https://")
    return parts.geturl()


def _slow_url(env: Mapping[str, str], port: int, *, is_development: bool) -> str:
    """The public root of the slow process: SLOW_URL, or where the proxy leads it by path."""
    slow_port = _port(env, "SLOW_PORT", port + 1)
    default = f"http://127.0.0.1:{slow_port}" if is_development else env.get("PUBLIC_URL", "")
    text = (env.get("SLOW_URL") or default).rstrip("/")
    parts = urlsplit(text)
    schemes = {"http", "https"} if is_development else {"https"}
    if parts.scheme not in schemes or not parts.netloc:
        raise SettingError("SLOW_URL", "is not an address such as https://slow.phr.example.vn")
    return text


def _providers(
    env: Mapping[str, str], provider_port: int, *, is_development: bool
) -> tuple[ProviderSettings, ...]:
    text = env.get("OIDC_PROVIDERS")
    if not text and is_development:
        return development_providers(provider_port)
    try:
        providers = read_providers(_given("OIDC_PROVIDERS", text))
        check_providers(providers, is_development=is_development)
    except UnusableProviders as error:
        raise SettingError("OIDC_PROVIDERS", str(error)) from None
    return providers
