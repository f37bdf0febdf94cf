"""The database revision that this code needs.

A file, and not an import of the migrations: the web process and the supervisor need no Alembic.
"""

from pathlib import Path

HEAD = (Path(__file__).parents[1] / "migrations" / "HEAD").read_text().strip()
