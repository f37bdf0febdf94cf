"""Makes the dump of a release: `python -m tests.migrations.dumping 0.1.0` after its last revision.

A release commits its dump once; later migrations are run over it (tests/migrations/test_release).
"""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from phr_api import migrations
from phr_api.kit.embedded import EmbeddedServer

HERE = Path(__file__).parent
DATABASE = "released"


def make_roles(server: EmbeddedServer) -> None:
    """Create a migrator as a managed PostgreSQL has one, with a database of its own."""
    engine = create_engine(server.superuser_url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE migrator LOGIN CREATEROLE BYPASSRLS"))
        connection.execute(text(f"CREATE DATABASE {DATABASE} OWNER migrator"))
    engine.dispose()


def upgrade(server: EmbeddedServer, database: str = DATABASE) -> None:
    """Migrate as that migrator."""
    migrations.upgrade(
        server.url(database, "migrator"),
        web_url=server.url(database, "phr_web"),
        worker_url=server.url(database, "phr_worker"),
    )


def main(release: str) -> None:
    """Migrate, seed the fictional people through the real intake, dump."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer.start(Path(folder), durable=False) as server,
    ):
        make_roles(server)
        upgrade(server)
        environment = dict(os.environ) | {  # noqa: TID251 - a tool of its own
            "PHR_ENV": "development",
            "PHR_DATA_DIR": folder,
            "DATABASE_URL": server.url(DATABASE, "migrator"),
            "WEB_DATABASE_URL": server.url(DATABASE, "phr_web"),
            "WORKER_DATABASE_URL": server.url(DATABASE, "phr_worker"),
        }
        subprocess.run([sys.executable, "-m", "phr_api", "seed"], env=environment, check=True)
        command = [str(server.bin_dir / "pg_dump"), "-h", str(server.socket_dir), "-U", "postgres"]
        dump = subprocess.run(
            [*command, DATABASE], env=dict(server.environment), check=True, capture_output=True
        ).stdout
    (HERE / f"{release}.sql.gz").write_bytes(gzip.compress(dump, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
