"""Whose share of a limit a request takes (RIGHTS R24)."""

from datetime import timedelta

from flask import request

from phr_api.identity.configuration import settings
from phr_api.kit import limits
from phr_api.kit.limits import Limit

# A high ceiling: whole villages share one address.
ADDRESS = Limit(name="address", count=600, per=timedelta(minutes=1))


# A broken system tries again and again; another one behind the same address is not stopped by it.
FAILED = Limit(name="failed proofs of address", count=120, per=timedelta(minutes=1))
FAILED_AS = Limit(name="failed proofs of client and address", count=30, per=timedelta(minutes=1))


def take(*uses: tuple[Limit, object]) -> None:
    """Count the request for the given keys, then for its address; TooManyRequests when over."""
    limits.take(*uses, (ADDRESS, _address()))


def take_failure(client: object) -> None:
    """Count a proof that does not hold for whom it named, at this address only.

    What is not proved counts for nobody else: otherwise anybody could use up a client's share.
    """
    address = _address()
    limits.take((FAILED_AS, address and f"{client} {address}"), (FAILED, address))


def _address() -> str | None:
    return limits.client_address(
        request.remote_addr,
        request.headers.get("X-Forwarded-For", ""),
        settings().trusted_proxies,
    )
