"""The keys of intake in this process: the web process can seal a file and not open it (R14)."""

from functools import cached_property

from phr_api.kit.sealed import OriginalSealer
from phr_api.settings import RecordsSettings, SettingError, Settings


class Keys:
    """What the settings give; made once at start."""

    def __init__(self, settings: RecordsSettings) -> None:
        self._settings = settings

    @property
    def public_key(self) -> bytes:
        return self._settings.public_key

    @property
    def private_key(self) -> bytes:
        """Raise SettingError in a process that may not open what was sealed."""
        if self._settings.private_key is None:
            raise SettingError("RECORDS_PRIVATE_KEY", "is not set")
        return self._settings.private_key

    @property
    def threads(self) -> int:
        """How many visits are in flight."""
        return self._settings.threads

    @cached_property
    def sealer(self) -> OriginalSealer:
        return OriginalSealer(self.private_key)

    @property
    def trust_store(self) -> bytes | None:
        """PEM of whom to believe a signature; None when none is configured."""
        path = self._settings.trust_store
        return path.read_bytes() if path else None


class _Configured:
    keys: Keys | None = None


def configure(settings: Settings) -> None:
    """Keep the keys of this process, once at start."""
    _Configured.keys = Keys(settings.records)


def current() -> Keys:
    """Return the keys of this process; RuntimeError before `configure`."""
    if _Configured.keys is None:
        raise RuntimeError("records is not configured")
    return _Configured.keys
