"""Rate limits count together in the database; an address counts only through trusted proxies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from phr_api.kit import clock, limits
from phr_api.kit.limits import Limit, RateLimit, client_address
from phr_api.kit.problems import TooManyRequests

THREE_AN_HOUR = Limit(name="test", count=3, per=timedelta(hours=1))


def is_taken(value: object) -> bool:
    try:
        limits.take((THREE_AN_HOUR, value))
    except TooManyRequests:
        return False
    return True


@pytest.fixture
def value(app: Flask) -> str:
    return uuid4().hex


def test_three_are_let_through_and_the_fourth_waits(value: str) -> None:
    assert [is_taken(value) for _ in range(4)] == [True, True, True, False]
    assert is_taken(uuid4().hex)
    with pytest.raises(TooManyRequests) as refused:
        limits.take((THREE_AN_HOUR, value))
    wait = int(refused.value.headers["Retry-After"])
    assert 1190 < wait <= 1201
    with clock.moved(timedelta(seconds=wait)):
        assert is_taken(value)
        assert not is_taken(value)


def test_racers_do_not_share_the_last_place(value: str) -> None:
    with ThreadPoolExecutor(8) as racers:
        assert sum(racers.map(is_taken, [value] * 8)) == 3


def test_nothing_is_counted_for_nobody(app: Flask) -> None:
    for _ in range(5):
        limits.take((THREE_AN_HOUR, None))


def test_a_number_is_not_stored_readable(session: Session, app: Flask) -> None:
    limits.take((THREE_AN_HOUR, "001190000000"))
    stored = b"".join(session.scalars(select(RateLimit.key)).all())
    assert b"001190000000" not in stored


def test_idle_keys_are_trimmed(session: Session, value: str) -> None:
    limits.take((THREE_AN_HOUR, value))
    assert limits.trim(session, clock.now()) == 0
    assert limits.trim(session, clock.now() + timedelta(days=3)) > 0
    session.rollback()


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        # somebody who is no proxy says what they like
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        # a socket for both protocols shows IPv4 so
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        # some proxies add the port
        ("10.0.0.1", "198.51.100.1:50000", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1:50000, 10.1.2.3:443", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:50000", "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("10.0.0.1", "198.51.100.1:", "10.0.0.1"),
        ("", "", None),
        (None, "198.51.100.1", None),
    ],
)
def test_whose_address_counts(remote: str | None, forwarded: str, address: str | None) -> None:
    assert client_address(remote, forwarded, TRUSTED) == address


def test_without_trusted_proxies_the_peer_counts() -> None:
    look: Callable[[str], str | None] = lambda sent: client_address("10.0.0.1", sent, ())  # noqa: E731
    assert look("198.51.100.1") == "10.0.0.1"
