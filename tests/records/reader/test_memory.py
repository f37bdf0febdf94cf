"""A file of 5,000 visits is read with the memory of one."""

import tracemalloc
from collections.abc import Iterator

import pytest

from phr_api.records.reader import FileRefused, Limits, VisitSegment, open_file
from tests.factories.claims import claim_file, make_visit, visit_xml

VISITS = 5000
SPREAD = 20 * 1024 * 1024


def big_file() -> Iterator[bytes]:
    """Give 100 MiB of visits in pieces of 64 KiB, without holding them."""
    padding = "<!--" + "x" * 16_000 + "-->"
    visit = visit_xml(make_visit("A1")).replace("</HOSO>", f"{padding}</HOSO>").encode()
    before, after = claim_file([visit.decode()]).split(visit)
    waiting = bytearray(before)
    for _ in range(VISITS):
        waiting += visit
        while len(waiting) >= 1 << 16:
            yield bytes(waiting[: 1 << 16])
            del waiting[: 1 << 16]
    yield bytes(waiting) + after


def test_memory_stays_flat_however_many_visits() -> None:
    tracemalloc.start()
    try:
        size = visits = 0
        for piece in open_file(big_file()):
            size += len(piece.raw)
            visits += isinstance(piece, VisitSegment)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert visits == VISITS
    assert size > 90_000_000
    assert peak < SPREAD


def test_one_more_visit_than_allowed_is_seen_before_it_is_read() -> None:
    limits = Limits(visits=10)
    seen: list[VisitSegment] = []
    with pytest.raises(FileRefused, match="too-many-visits"):
        seen.extend(
            piece for piece in open_file(big_file(), limits) if isinstance(piece, VisitSegment)
        )
    assert len(seen) <= 10
