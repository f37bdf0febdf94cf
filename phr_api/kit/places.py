"""Where the embedded PostgreSQL keeps its files: decided by the data directory and the caller.

PostgreSQL refuses to run as root, so for root everything goes below a folder of the system's own
that another user can reach (no folder's mode above is changed); for an ordinary user it stays in
the data directory. The answer is a function of its input, so that a second process finds the
server of the first without asking anybody.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

SYSTEM_FOLDER = Path("/var/lib/phr-api")
SUPERUSER = "postgres"
DATABASE = "phr"
# sockaddr_un holds 108 bytes; PostgreSQL appends "/.s.PGSQL.5432.lock" to the folder.
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders and files of one embedded server; nothing is created by naming them."""

    home: Path
    sockets: Path

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "postgresql.log"

    @property
    def start_lock(self) -> Path:
        """Held for the moment of a start or stop."""
        return self.home / "start.lock"

    @property
    def owner_lock(self) -> Path:
        """Held for as long as the process that started the server lives."""
        return self.home / "owner.lock"

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """Places for a data directory (PHR_DATA_DIR), as the current user."""
        folder = data_dir.resolve()
        key = sha256(str(folder).encode()).hexdigest()[:16]
        if os.geteuid() == 0:
            home = SYSTEM_FOLDER / key
            return cls(home=home, sockets=home / "s")
        home = folder / "postgres"
        sockets = home / "s"
        if len(str(sockets)) > LONGEST_SOCKET_FOLDER:
            sockets = Path("/tmp") / f"phr-api-{os.geteuid()}-{key}"  # noqa: S108 - 0700, owner checked
        return cls(home=home, sockets=sockets)

    def url(self, user: str, database: str = DATABASE) -> str:
        """SQLAlchemy URL of this server; the socket's folder is the only way in."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.sockets}"
