"""URLs of the directory, by resource."""

from phr_api.clinics.routes import directory, practitioners, queues, services
from phr_api.clinics.routes.blueprint import blp

blueprints = (blp,)

__all__ = ["blueprints", "directory", "practitioners", "queues", "services"]
