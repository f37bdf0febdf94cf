"""Rows out of a parsed table, whatever its root: with the wrapper, without it, or one row alone."""

from dataclasses import dataclass

from lxml import etree

from phr_api.records.reader.layout import ALIASES, KNOWN, LAYOUTS, TABLE_OF_ROOT

Row = dict[str, str]

# The widest table has 66 elements; a row that holds more than this is made to cost.
MOST_CELLS = 200
# Rows in rows are no form of any decision: their text would be kept once for each level.
DEEPEST_ROW = 3


class CrowdedRow(Exception):
    """A row holds more cells, or rows hold more rows, than anybody has a reason to send."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


@dataclass(slots=True, frozen=True)
class TableRows:
    """A table's name, its rows as they came, and the names that the standard does not know."""

    table: str
    rows: list[Row]
    unknown: list[str]


def table_of(root: etree._Element) -> str | None:
    """Return which table has such a root; None for a root that no table has."""
    return TABLE_OF_ROOT.get(_local(root.tag))


def read_rows(root: etree._Element, table: str | None) -> TableRows | None:
    """Return the rows of a table; None when it is none that we know. Raises CrowdedRow."""
    if table not in LAYOUTS:
        return None
    known = KNOWN[table]
    rows: list[Row] = []
    unknown: dict[str, None] = {}
    for number, element in enumerate(_row_elements(root, LAYOUTS[table].row), start=1):
        if (width := len(element)) > MOST_CELLS:
            raise CrowdedRow(number)
        # a cell that holds elements of its own is left out, and so is one that comes twice
        row = {cell.tag: (cell.text or "").strip() for cell in element if not len(cell)}
        if len(row) != width or not known.issuperset(row):
            row = _odd_row(element, table, unknown)
        rows.append(row)
    return TableRows(table, rows, list(unknown))


def _row_elements(root: etree._Element, row_tag: str) -> list[etree._Element]:
    """Return the rows: the root itself, the list under it, or whatever holds a MA_LK."""
    if root.tag == row_tag:
        return [root]
    if len(root) == 1 and (rows := list(root[0])) and all(row.tag == row_tag for row in rows):
        return rows
    rows = list(root.iter(row_tag)) or list(_likely_rows(root))
    _check_depth(rows)
    return rows


def canonical(table: str, row: Row) -> Row:
    """Return the row with QĐ 3176's names where others stand for them; else the row itself."""
    aliases = ALIASES.get(table)
    if aliases is None or row.keys().isdisjoint(aliases):
        return row
    stands_for = {
        name: row[alias] for alias, name in aliases.items() if row.get(alias) and not row.get(name)
    }
    return row | stands_for


def _likely_rows(root: etree._Element) -> dict[etree._Element, None]:
    """Return the elements that hold a MA_LK, each once, for a row whose own name is misspelt."""
    parents = (key.getparent() for key in root.iter("{*}MA_LK"))
    return {parent: None for parent in parents if parent is not None}


def _check_depth(rows: list[etree._Element]) -> None:
    chosen = set(rows)
    for number, row in enumerate(rows, start=1):
        if sum(above in chosen for above in row.iterancestors()) > DEEPEST_ROW:
            raise CrowdedRow(number)


def _odd_row(element: etree._Element, table: str, unknown: dict[str, None]) -> Row:
    """Read a row with names that are unknown, in a namespace, or come twice, or hold elements.

    What comes twice is kept under a name that says so (`GHI_CHU+2`); nothing is dropped.
    """
    row: Row = {}
    known = KNOWN[table]
    seen: set[tuple[str, str]] = set()
    times: dict[str, int] = {}
    for cell in element:
        name = _local(cell.tag)
        text = (
            "".join(map(str, cell.itertext())).strip() if len(cell) else (cell.text or "").strip()
        )
        if name not in known or len(cell):
            unknown[name] = None
        if (name, text) in seen:
            continue
        seen.add((name, text))
        times[name] = count = times.get(name, 0) + 1
        if count > 1:
            name = f"{name}+{count}"
            unknown[name] = None
        row[name] = text
    return row


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
