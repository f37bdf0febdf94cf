"""OIDC_PROVIDERS: whom we believe, about what, and where a sign-in may come back to (R1, R3)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from phr_api.kit.devkeys import DEV_PREFIX

Audience = Literal["citizen", "staff"]
Assurance = Literal["record", "account"]

ASSERTABLE = frozenset({"citizenNumber", "name", "birthDate", "secondFactor"})
SHAPE = (
    "is not a JSON list of {id, issuer, clientId, clientSecret?, audience, asserts, assurance,"
    " label, redirectUris}"
)


class UnusableProviders(ValueError):
    """The list is malformed or unsafe; the message shows no value of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One OpenID provider, what it may assert, and how far its word reaches (R1).

    `redirect_uris`: where a sign-in with it comes back to, character by character (R3).
    """

    id: str
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    audience: Audience
    asserts: frozenset[str]
    assurance: Assurance
    label: str
    redirect_uris: frozenset[str] = frozenset()


def read_providers(text: str) -> tuple[ProviderSettings, ...]:
    """Read the list as it stands in the environment. Raises UnusableProviders."""
    try:
        return tuple(_provider(entry) for entry in json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnusableProviders(SHAPE) from None


def check_providers(providers: tuple[ProviderSettings, ...], *, is_development: bool) -> None:
    """Raise UnusableProviders for a list whose parts do not go together or are not safe."""
    if len({provider.id for provider in providers}) != len(providers):
        raise UnusableProviders("names one id twice")
    # an account is (issuer, subject): a citizen's and a member of staff's must not be the same
    audiences = {(provider.issuer, provider.audience) for provider in providers}
    if len({issuer for issuer, _ in audiences}) != len(audiences):
        raise UnusableProviders("gives one issuer both audiences")
    if is_development:
        return
    for provider in providers:
        if not provider.issuer.startswith("https://") or provider.id.startswith(DEV_PREFIX):
            raise UnusableProviders("holds a development or http:// provider")
        if not provider.redirect_uris:
            raise UnusableProviders("holds a provider without redirectUris")


def development_providers(provider_port: int) -> tuple[ProviderSettings, ...]:
    """What `make run` trusts: the local provider, once for citizens and once for staff."""
    root = f"http://127.0.0.1:{provider_port}"
    return (
        ProviderSettings(
            id="dev-citizen",
            issuer=f"{root}/citizen",
            client_id="phr-api",
            audience="citizen",
            asserts=frozenset({"citizenNumber", "name", "birthDate"}),
            assurance="record",
            label="Tài khoản thử nghiệm",
        ),
        ProviderSettings(
            id="dev-staff",
            issuer=f"{root}/staff",
            client_id="phr-api",
            audience="staff",
            asserts=frozenset({"name", "secondFactor"}),
            assurance="record",
            label="Nhân viên thử nghiệm",
        ),
    )


def _provider(entry: Mapping[str, Any]) -> ProviderSettings:
    """Raise ValueError or KeyError for an entry of another shape."""
    asserts = frozenset(entry["asserts"])
    if not asserts <= ASSERTABLE:
        raise ValueError("asserts")
    if entry["audience"] not in {"citizen", "staff"}:
        raise ValueError("audience")
    if entry["assurance"] not in {"record", "account"}:
        raise ValueError("assurance")
    texts = {name: entry[name] for name in ("id", "issuer", "clientId", "label")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise ValueError("text")
    redirects = entry.get("redirectUris", [])
    if not isinstance(redirects, list) or not all(map(_is_redirect, redirects)):
        raise ValueError("redirectUris")
    return ProviderSettings(
        id=texts["id"],
        issuer=texts["issuer"],
        client_id=texts["clientId"],
        client_secret=entry.get("clientSecret"),
        audience=entry["audience"],
        asserts=asserts,
        assurance=entry["assurance"],
        label=texts["label"],
        redirect_uris=frozenset(redirects),
    )


def _is_redirect(uri: object) -> bool:
    """RFC 8252 §7: a claimed https address, or an app's own scheme, which has a dot."""
    if not isinstance(uri, str) or not uri.isascii() or not uri.isprintable():
        return False
    parts = urlsplit(uri)  # ValueError is of another shape too
    if "#" in uri or parts.username is not None:
        return False
    return bool(parts.hostname) if parts.scheme == "https" else "." in parts.scheme
