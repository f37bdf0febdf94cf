"""Arithmetic of intake without a database: merging tables, guarding cells of a spreadsheet."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from phr_api.identity import ReceivedPerson
from phr_api.vocab import name_key

SUMMARY, ARRIVAL = "XML1", "XML0"
# Of one sender at one facility: who tries names out on known numbers gets no further (R11, R24).
MOST_DISAGREEMENTS_A_DAY = 500
# A spreadsheet runs a cell that begins so; it is shown as text instead (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def most_disagreements(actor_kind: str) -> int | None:
    """After how many a sender is matched no more today; None: an operator always is."""
    return None if actor_kind == "operator" else MOST_DISAGREEMENTS_A_DAY


def is_guessing(actor_kind: str, disagreements: int) -> bool:
    """Whether a sender had so many disagreements today that nobody is matched for it."""
    most = most_disagreements(actor_kind)
    return most is not None and disagreements >= most


def is_whole(tables: Iterable[str]) -> bool:
    """Whether these tables are a visit of their own: a summary, or an arrival and nothing else."""
    names = set(tables)
    return SUMMARY in names or names == {ARRIVAL}


def is_late_arrival(tables: Iterable[str], known: Iterable[str]) -> bool:
    """Whether this only says that somebody came (XML0) of a visit whose summary is known."""
    return set(tables) == {ARRIVAL} and SUMMARY in set(known)


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
    return "".join(csv_lines(header, rows))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """As `to_csv`, line by line: a long table is not held in memory."""
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow(header)
    yield out.getvalue()
    for row in rows:
        out.seek(0)
        out.truncate()
        writer.writerow([safe_cell(value) for value in row])
        yield out.getvalue()


def person_digest(person: ReceivedPerson) -> bytes:
    """Return a hash of what names the person: equal when a changed visit names the same one.

    A card counts only where there is no number: a renewed card does not make another person.
    """
    names = [
        name_key(person.full_name),
        str(person.birth),
        ":".join(person.number) if person.number else "",
        "newborn" if person.is_newborn else "",
    ]
    if person.number is None:
        names += sorted(card.insurance_number for card in person.cards)
    return hashlib.sha256("\0".join(names).encode()).digest()


def from_hex(column: str) -> bytes:
    r"""Return the bytes of a bytea column as PostgreSQL's to_jsonb writes it: \x and hex."""
    return bytes.fromhex(column.removeprefix("\\x"))


def reason(code: str, *, vi: str, en: str, element: str | None = None) -> dict[str, Any]:
    """Return a reason of ours in the shape of the reader's, which name table and row."""
    return {
        "table": None,
        "row": None,
        "element": element,
        "code": code,
        "expected": None,
        "received": None,
        "message": {"vi": vi, "en": en},
    }


def review_reason(field: str) -> dict[str, Any]:
    """Return why a visit waits: the name of the fact that disagrees, never a value (R11)."""
    vi, en = DISAGREEMENTS.get(field, DISAGREEMENTS["ambiguous"])
    code = "ambiguous-number" if field == "ambiguous" else f"{field}-disagrees"
    return reason(code, vi=vi, en=en)


DISAGREEMENTS = {
    "name": (
        "Họ tên không khớp với người mang số này",
        "The name is not that of the number's holder",
    ),
    "birth": (
        "Ngày sinh không khớp với người mang số này",
        "The birth date is not that of the number's holder",
    ),
    "citizen-id": (
        "Người này đã có số định danh khác",
        "This person is known by another citizen number",
    ),
    "card": (
        "Thẻ bảo hiểm y tế thuộc về người khác",
        "The insurance card belongs to somebody else",
    ),
    "ambiguous": (
        "Có hơn một người mang số này",
        "More than one person is known by this number",
    ),
}
WITHDRAWN_BEFORE = reason(
    "withdrawn-before",
    vi="Hồ sơ này đã được cơ sở rút lại; gửi lại y nguyên không có tác dụng",
    en="The facility withdrew this visit; sending it again unchanged has no effect",
)
NO_SUMMARY = reason(
    "no-summary",
    vi="Thiếu bảng XML1 và chưa có hồ sơ nào để bổ sung",
    en="There is no XML1, and no known visit to add these tables to",
)
FAILED = reason(
    "processing-failed",
    vi="Lỗi hệ thống khi xử lý hồ sơ; dữ liệu được giữ lại và sẽ được xử lý lại",
    en="Our system failed on this visit; its bytes are kept and will be processed again",
)
TOO_MANY_DISAGREEMENTS = reason(
    "too-many-disagreements",
    vi="Hôm nay có quá nhiều hồ sơ không khớp nhân thân; hồ sơ này chưa được xử lý",
    en="Too many visits disagreed with known numbers today; this one was not processed",
)
