"""The listener at the end of the suite does hear a name."""

import logging
from pathlib import Path

import pytest

from tests.listening import Listener, find_named


@pytest.mark.parametrize(
    "line",
    [
        "matched Nguyễn Thị Thử Nghiệm",
        "DETAIL: Key (value)=(001190000042) already exists.",
        '{"card": "GD4019900000000"}',
        'search "nguyen thi thu nghiem"',
        "phone +84900000000",
        "card TE1019800000001 of 001185000123",
    ],
)
def test_a_name_or_number_is_found(line: str) -> None:
    assert find_named(f"good\n{line}\nfine") == [line]


def test_ids_and_facilities_are_nobody() -> None:
    profile = '"profile": "0b2f9f6e-6d5c-4b9e-8f0e-1d2c3b4a5968"'
    assert find_named(f'{{{profile}, "facility": "99001", "at": 202610050820}}') == []


def test_a_logger_below_is_heard(tmp_path: Path) -> None:
    apart = logging.getLogger("tests.apart")
    apart.propagate = False  # the suite's own listener shall not hear this one
    listener = Listener(tmp_path / "log", apart)
    listener.start()
    logging.getLogger("tests.apart.below").warning("seen %s", "Thử Nghiệm")
    assert len(find_named(listener.stop())) == 1
