"""Who sent this request, for views alone: services are given the principal and know no request."""

from typing import cast

from flask import g

from phr_api.identity.principal import Principal


def current_principal() -> Principal:
    """Return who sent this request; the guard has put it there."""
    return cast("Principal", g.principal)
