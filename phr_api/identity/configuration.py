"""What this room needs of the settings, given once at start."""

import hashlib
import hmac

from phr_api.kit import limits
from phr_api.providers import ProviderSettings
from phr_api.settings import Settings


class _Configured:
    settings: Settings | None = None


def configure(settings: Settings) -> None:
    """Take the settings of this process: issuer, providers, secret, proxies."""
    _Configured.settings = settings
    limits.configure(settings.secret)


def settings() -> Settings:
    """Return the settings of this process."""
    if _Configured.settings is None:
        raise RuntimeError("identity is not configured")
    return _Configured.settings


def purpose_key(purpose: str) -> bytes:
    """Derive one purpose's key from the installation's secret (one key per purpose)."""
    return hmac.digest(settings().secret, purpose.encode(), hashlib.sha256)


def provider(provider_id: str) -> ProviderSettings | None:
    """Return the configured provider of that id."""
    return next((one for one in settings().providers if one.id == provider_id), None)
