"""Reads of the health book. Every function takes a RecordScope, or proves the right itself."""

from phr_api.healthbook.queries.access import Access, find_accesses
from phr_api.healthbook.queries.book import (
    BOOK_SECTIONS,
    BuiltBook,
    StoredBook,
    build_book,
    find_own_book,
)
from phr_api.healthbook.queries.entries import get_entry
from phr_api.healthbook.queries.facts import (
    Line,
    find_by_ids,
    find_lines,
    get_by_id,
    get_paper,
    get_series,
    get_visit,
)
from phr_api.healthbook.queries.feed import Change, feed_ends, find_changes
from phr_api.healthbook.queries.wire import Kind

__all__ = [
    "BOOK_SECTIONS",
    "Access",
    "BuiltBook",
    "Change",
    "Kind",
    "Line",
    "StoredBook",
    "build_book",
    "feed_ends",
    "find_accesses",
    "find_by_ids",
    "find_changes",
    "find_lines",
    "find_own_book",
    "get_by_id",
    "get_entry",
    "get_paper",
    "get_series",
    "get_visit",
]
