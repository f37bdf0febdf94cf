"""Keys for development: made once, kept beside the data, marked so that they serve nowhere else."""

import base64
import json
import os
from pathlib import Path

from phr_api.kit.sealed import generate_keys

DEV_PREFIX = "dev-"
SECRET_BYTES = 32


class UnreadableKeys(RuntimeError):
    """The file with the development keys belongs to another user or is damaged."""


def has_development_keys(data_dir: Path) -> bool:
    """Tell whether this data directory was made for development."""
    return _file(data_dir).exists()


def ensure_development_keys(data_dir: Path) -> dict[str, str]:
    """Return the keys by their variable's name, made at the first call; of two racers one wins.

    Raises UnreadableKeys.
    """
    file = _file(data_dir)
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(_new_keys(), indent=2))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass  # another process was first; its keys hold
        finally:
            draft.unlink()
    try:
        keys: dict[str, str] = json.loads(file.read_text())
    except (OSError, ValueError):
        raise UnreadableKeys(f"{file} cannot be read: remove it or choose another folder") from None
    return keys


def _file(data_dir: Path) -> Path:
    return data_dir / "dev-keys.json"


def _new_keys() -> dict[str, str]:
    private, public = generate_keys()
    secret = base64.b64encode(os.urandom(SECRET_BYTES)).decode()
    keys = {
        "PHR_SECRET": secret,
        "RECORDS_PRIVATE_KEY": private,
        "RECORDS_PUBLIC_KEY": public,
    }
    return {name: DEV_PREFIX + value for name, value in keys.items()}
