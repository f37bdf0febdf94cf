"""Rate limits, kept in the database so that every process counts together (RIGHTS R24).

Count account, device, then the target number or client; an address only as a high ceiling, since
whole villages share one. A key is hashed with the installation's secret: no number is stored.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, LargeBinary, delete, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from phr_api.kit import clock
from phr_api.kit.db import Base, unit_of_work
from phr_api.kit.problems import TooManyRequests

KEPT = timedelta(days=2)

_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d{1,5})?|(?P<four>[\d.]+):\d{1,5}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RateLimit(Base):
    """Until when a key has used up its share (the generic cell rate algorithm, ITU-T I.371)."""

    __tablename__ = "rate_limit"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    full_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `count` at once and on average over `per`, for each value of the key `name`."""

    name: str
    count: int
    per: timedelta

    @property
    def step(self) -> timedelta:
        """How much time one use takes from the share."""
        return self.per / self.count


class _Key:
    secret: bytes = b""


def configure(secret: bytes) -> None:
    """Derive this purpose's key from the installation's secret, once at start."""
    _Key.secret = hmac.digest(secret, b"rate limits", hashlib.sha256)


# One statement: the row moves only when there is room, so two racers cannot share the last place.
_TAKE = text(
    "INSERT INTO rate_limit AS r (key, full_at) VALUES (:key, CAST(:at AS timestamptz) + :step)"
    " ON CONFLICT (key) DO UPDATE SET full_at = greatest(r.full_at, :at) + :step"
    " WHERE greatest(r.full_at, :at) + :step <= CAST(:at AS timestamptz) + :per"
    " RETURNING full_at"
)


def take(*uses: tuple[Limit, object]) -> None:
    """Count one use of each limit, in order, in transactions of their own: refusals count too.

    A value of None is not counted. Raises TooManyRequests with the seconds until there is room.
    """
    for limit, value in uses:
        if value is not None:
            _take(limit, str(value))


def give_back(*uses: tuple[Limit, object]) -> None:
    """Take back one use of each limit, of what came to nothing by no fault of who asked."""
    with unit_of_work() as session:
        for limit, value in uses:
            session.execute(
                update(RateLimit)
                .where(RateLimit.key == key_of(limit.name, str(value)))
                .values(full_at=RateLimit.full_at - limit.step)
            )


def key_of(name: str, value: str) -> bytes:
    """Return what stands for a value, a number for example, where it is counted under a name."""
    return hmac.digest(_Key.secret, f"{name}\0{value}".encode(), hashlib.sha256)


def _take(limit: Limit, value: str) -> None:
    key = key_of(limit.name, value)
    at = clock.now()
    with unit_of_work() as session:
        parameters = {"key": key, "at": at, "step": limit.step, "per": limit.per}
        if session.scalar(_TAKE, parameters) is not None:
            return
        full_at = session.get_one(RateLimit, key).full_at
    wait = full_at + limit.step - at - limit.per
    raise TooManyRequests(retry_after_seconds=max(1, int(wait.total_seconds()) + 1))


def trim(session: Session, at: datetime) -> int:
    """Delete keys that have been idle for two days; the number deleted."""
    result = session.execute(delete(RateLimit).where(RateLimit.full_at < at - KEPT))
    return cast("CursorResult[None]", result).rowcount


def client_address(remote: str | None, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """Return whose address counts: the last hop of X-Forwarded-For that no trusted proxy added.

    The header of anybody else says nothing. An IPv6 address stands
    for its /64, since one household has that many.
    """
    hops = [remote or "", *(hop.strip() for hop in reversed(forwarded.split(",")) if hop.strip())]
    address = None
    for hop in hops:
        try:
            address = _read_address(hop)
        except ValueError:
            break
        if not any(address in network for network in trusted):
            break
    if address is None:
        return None
    if address.version == 6:  # noqa: PLR2004 - the protocol's name
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _read_address(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address with or without a port, as proxies write them (RFC 7239 §6).

    IPv4 in IPv6 is the IPv4 address: a socket that listens for both shows it so (RFC 4291 §2.5.5).
    """
    bare = _WITH_PORT.fullmatch(hop)
    address = ipaddress.ip_address((bare["six"] or bare["four"]) if bare else hop)
    return getattr(address, "ipv4_mapped", None) or address
