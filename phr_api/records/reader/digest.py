"""What a visit says, as one hash: equal for the same words in another order, layout or encoding."""

import hashlib
from functools import lru_cache

from phr_api.records.reader.layout import KNOWN
from phr_api.records.reader.tables import ReadVisit

# A running number within a submission: the same visit has another one in next month's file.
RUNNING = "STT"
NONE: frozenset[str] = frozenset()
UNIT, CELL, RECORD, TABLE = "\x1f", "\x1e", "\x1d", "\x1c"


def content_digest(visit: ReadVisit) -> bytes:
    """Return the SHA-256 of all received values; order of tables, rows, elements does not count.

    Empty and missing are the same; so are Base64 and inline XML, CRLF and LF. XML has no control
    characters, so they part names from values without escaping.
    """
    parts = []
    for table in sorted(visit.tables):
        known = KNOWN.get(table, NONE)
        rows = []
        for row in visit.tables[table]:
            names = tuple(row)
            order = _order(names) if known.issuperset(names) else _order.__wrapped__(names)
            rows.append(CELL.join([start + text for name, start in order if (text := row[name])]))
        rows.sort()
        parts.append(table + RECORD + RECORD.join(rows))
    digest = hashlib.sha256(TABLE.join(parts).encode())
    for table in sorted(visit.whole):
        for raw in sorted(visit.whole[table]):
            digest.update(b"\0" + table.encode() + hashlib.sha256(raw).digest())
    return digest.digest()


@lru_cache(maxsize=512)  # a sender writes the elements of a table in one order
def _order(received: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name + UNIT) for name in sorted(received) if name != RUNNING]
