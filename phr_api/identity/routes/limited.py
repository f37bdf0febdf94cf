"""Whose share of a limit a request takes (RIGHTS R24)."""

from datetime import timedelta

from flask import request

from phr_api.identity.configuration import settings
from phr_api.kit import limits
from phr_api.kit.limits import Limit

# A high ceiling: whole villages share one address.
ADDRESS = Limit(name="address", count=600, per=timedelta(minutes=1))


def take(*uses: tuple[Limit, object]) -> None:
    """Count the request for the given keys, then for its address; TooManyRequests when over."""
    address = limits.client_address(
        request.remote_addr,
        request.headers.get("X-Forwarded-For", ""),
        settings().trusted_proxies,
    )
    limits.take(*uses, (ADDRESS, address))
