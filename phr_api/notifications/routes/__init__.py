"""URLs of notifications; each module of this package adds its views."""

from phr_api.notifications.routes import inbox, settings, stream
from phr_api.notifications.routes.blueprint import blp

blueprints = (blp,)

__all__ = ["blp", "blueprints", "inbox", "settings", "stream"]
