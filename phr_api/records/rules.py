"""Arithmetic of intake without a database: merging tables, guarding cells of a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SUMMARY, ARRIVAL = "XML1", "XML0"
# A spreadsheet runs a cell that begins so; it is shown as text instead (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def is_whole(tables: Iterable[str]) -> bool:
    """Whether these tables are a visit of their own: a summary, or an arrival and nothing else."""
    names = set(tables)
    return SUMMARY in names or names == {ARRIVAL}


def is_known_addition(
    additions: Sequence[Mapping[str, Any]], tables: Iterable[str], content: str
) -> bool:
    """Whether a bare file repeats what was added last for any of its tables."""
    names = set(tables)
    for addition in reversed(additions):
        if names & set(addition["tables"]):
            return bool(addition["content"] == content)
    return False


def safe_cell(value: object) -> str:
    """Return a cell's text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write RFC 4180 with a byte order mark: Excel reads Vietnamese only so."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()
