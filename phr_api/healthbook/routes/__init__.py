"""URLs of the health book, by resource."""

from phr_api.healthbook.routes import access, book, entries, measurements, visits
from phr_api.healthbook.routes.blueprint import blp

blueprints = (blp,)

__all__ = ["access", "blp", "blueprints", "book", "entries", "measurements", "visits"]
