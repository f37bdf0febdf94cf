"""FCM_CREDENTIALS, SMS_URL, FIREBASE_PROJECT and theirs: the ways out to phones, and in by one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UnusableWay(ValueError):
    """One of these settings is malformed or unsafe."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable} {reason}")
        self.variable = variable
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """Ways out to phones; what is not set is printed by the worker instead (a laptop).

    `fcm_credentials` is a Google service account's key, as JSON. The addresses in place of Google's
    are for development, where a loopback server stands for it.
    """

    fcm_credentials: str | None = field(default=None, repr=False)
    fcm_url: str | None = None
    sms_url: str | None = None
    sms_token: str | None = field(default=None, repr=False)
    firebase_project: str | None = None
    firebase_certs_url: str | None = None


def read_notifications(env: Mapping[str, str], *, is_development: bool) -> NotificationSettings:
    """Read the group from the environment. Raises UnusableWay."""
    for variable in ("PHR_FCM_URL", "FIREBASE_CERTS_URL"):
        if not env.get(variable):
            continue
        parts = urlsplit(env[variable])
        if not is_development or parts.hostname not in LOOPBACK:
            raise UnusableWay(variable, "is only for development, and for this machine")
    sms_url = env.get("SMS_URL") or None
    if sms_url and urlsplit(sms_url).scheme != "https" and not is_development:
        raise UnusableWay("SMS_URL", "is not https://")
    project = env.get("FIREBASE_PROJECT") or None
    if project and not PROJECT.fullmatch(project):
        raise UnusableWay("FIREBASE_PROJECT", "is not a project id")
    return NotificationSettings(
        fcm_credentials=_json_or_file(env, "FCM_CREDENTIALS"),
        fcm_url=env.get("PHR_FCM_URL") or None,
        sms_url=sms_url,
        sms_token=env.get("SMS_TOKEN") or None,
        firebase_project=project,
        firebase_certs_url=env.get("FIREBASE_CERTS_URL") or None,
    )


def _json_or_file(env: Mapping[str, str], variable: str) -> str | None:
    """A JSON object as it is, or the path of a file with one."""
    text = env.get(variable)
    if not text:
        return None
    try:
        if not text.lstrip().startswith("{"):
            text = Path(text).read_text(encoding="utf-8")
        is_object = isinstance(json.loads(text), dict)
    except (OSError, ValueError):
        is_object = False
    if not is_object:
        raise UnusableWay(variable, "is neither a JSON object nor a file with one")
    return text
