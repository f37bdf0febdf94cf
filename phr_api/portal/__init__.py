"""The desk's page: static files that call the API."""

from phr_api.portal.routes import register

__all__ = ["register"]
