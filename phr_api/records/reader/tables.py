"""The tables of one visit, out of its bytes: parsed, and checked for belonging together.

Values are text as sent, without the white space around it; empty and missing are the same (QĐ 130).
Both layers, the visit and what its Base64 holds, are read without DTD, entities or network.
"""

import binascii
import re
import threading
from dataclasses import dataclass, field

from lxml import etree

from phr_api.records.reader.layout import ARRIVAL, ASSESSMENT, LAYOUTS, MAY_REPEAT, SUMMARY
from phr_api.records.reader.reasons import Reason, VisitRefused
from phr_api.records.reader.rows import CrowdedRow, Row, TableRows, read_rows, table_of

TABLE_BYTES = 10_000_000
MOST_TAGS = 600_000
MOST_TABLES = 200

DECLARED = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
UTF8_NAMES = frozenset({b"utf-8", b"utf8", b"us-ascii"})
# Plainly UTF-8, so that a DTD could only be written as such.
PLAIN = (
    b'<?xml version="1.0" encoding="utf-8"?>',
    b'<?xml version="1.0" encoding="UTF-8"?>',
    b"<HOSO>",
)
BOM = b"\xef\xbb\xbf"
WHOLE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?!FILEHOSO[\s>/])")
NUMBERED = re.compile(r"(?:XML)?0*([0-9]{1,2})")
PREFIXES = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@dataclass(slots=True, kw_only=True)
class ReadVisit:
    """What one visit sent. `tables` holds its rows by table; `whole` what is kept unparsed (XML12).

    `unknown_elements` are (table, element), each once. A visit without XML1 and XML0 has no
    summary: its tables belong to a visit that was sent before, or to none.
    """

    ma_lk: str
    ma_bn: str | None
    facility_code: str | None
    tables: dict[str, list[Row]]
    whole: dict[str, list[bytes]] = field(default_factory=dict)
    unknown_elements: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Reason, ...] = ()

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables that came, unparsed ones too, by number."""
        return tuple(sorted({*self.tables, *self.whole}, key=lambda name: (len(name), name)))


class _Parsers(threading.local):
    """A parser of each thread's own: one that is shared would make the others wait."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )


_own = _Parsers()


def read_visit(raw: bytes) -> ReadVisit:
    """Read the tables of one visit: a HOSO, loose FILEHOSOs, a bare table or a check-in's row.

    Raises VisitRefused with every reason found: broken Base64 or XML, a DTD, a table of another
    visit, a table that comes twice, a size over the limit.
    """
    reading = _Reading()
    try:
        root = _parse(raw if WHOLE.match(raw) else b"<HOSO>" + raw + b"</HOSO>", "visit-not-xml")
    except _Fault as fault:
        raise VisitRefused([Reason(code=fault.code)]) from None
    name = _local(root.tag)
    if name == "HOSO":
        for entry in root:
            if _local(entry.tag) == "FILEHOSO":
                reading.take_entry(entry)
    elif name == "FILEHOSO":
        reading.take_entry(root)
    else:
        reading.take_table(root, raw, None)
    return reading.finish()


def merge_visits(base: ReadVisit, addition: ReadVisit) -> ReadVisit:
    """Return `base` with the addition's tables in place of its own of the same name."""
    return ReadVisit(
        ma_lk=base.ma_lk,
        ma_bn=base.ma_bn or addition.ma_bn,
        facility_code=base.facility_code or addition.facility_code,
        tables=base.tables | addition.tables,
        whole=base.whole | addition.whole,
        unknown_elements=tuple(dict.fromkeys((*base.unknown_elements, *addition.unknown_elements))),
        warnings=(*base.warnings, *addition.warnings),
    )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


class _Fault(Exception):
    """One document cannot be read; becomes a reason of the visit."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Reading:
    """What was found so far; nothing stops at the first thing that is wrong."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.warnings: list[Reason] = []
        self.unknown: dict[tuple[str, str], None] = {}
        self.tables: dict[str, list[Row]] = {}
        self.whole: dict[str, list[bytes]] = {}
        self.entries = 0

    def refuse(self, code: str, table: str | None, row: int | None = None) -> None:
        self.reasons.append(Reason(code=code, table=table, row=row))

    def take_entry(self, entry: etree._Element) -> None:
        """Read one FILEHOSO: its kind, and its content as Base64, as text or as elements."""
        self.entries += 1
        if self.entries > MOST_TABLES:
            if self.entries == MOST_TABLES + 1:
                self.refuse("too-many-tables", None)
            return
        name, content = _kind_and_content(entry)
        if content is not None and len(content):
            self.take_table(content[0], etree.tostring(content[0]), name)
            return
        text = "" if content is None else content.text or ""
        try:
            self._take_document(_decode(text), name)
        except _Fault as fault:
            self.refuse(fault.code, name)

    def _take_document(self, data: bytes, name: str | None) -> None:
        if name == ASSESSMENT:
            self.whole.setdefault(name, []).append(data)
        else:
            self.take_table(_parse(data, "table-not-xml"), data, name)

    def take_table(self, root: etree._Element, data: bytes, declared: str | None) -> None:
        """Read the rows of a table, known by its root, and by what it was declared to be."""
        table = table_of(root) or declared
        if table == ASSESSMENT:
            self.whole.setdefault(table, []).append(data)
            return
        try:
            found = read_rows(root, table)
        except CrowdedRow as crowded:
            self.refuse("too-many-cells", table, crowded.row)
            return
        if found is not None:
            self._add(found)
        elif declared is None:
            self.refuse("unknown-table", None)
        else:
            self.warnings.append(Reason(code="unknown-table", table=declared))
            self.whole.setdefault(declared, []).append(data)

    def _add(self, found: TableRows) -> None:
        for name in found.unknown:
            self.unknown[found.table, name] = None
        if found.table not in self.tables:
            self.tables[found.table] = found.rows
        elif found.table in MAY_REPEAT:
            self.tables[found.table] += found.rows
        else:
            self.refuse("duplicate-table", found.table)

    def finish(self) -> ReadVisit:
        """Check that the tables are one visit's."""
        summary = self.tables.get(SUMMARY) or self.tables.get(ARRIVAL)
        for name in (SUMMARY, ARRIVAL):
            if len(self.tables.get(name, ())) > 1:
                self.refuse("several-rows", name, 2)
        if not self.tables and not self.whole and not self.reasons:
            self.refuse("no-tables", None)
        ma_lk = self._key(summary)
        ma_bn = (summary[0].get("MA_BN") if summary else None) or None
        if self.reasons:
            raise VisitRefused(self.reasons, ma_lk=ma_lk or None, ma_bn=ma_bn)
        warnings = [
            Reason(code="unknown-element", table=table, element=element)
            for table, element in self.unknown
        ]
        return ReadVisit(
            ma_lk=ma_lk,
            ma_bn=ma_bn,
            facility_code=self._facility(summary),
            tables=self.tables,
            whole=self.whole,
            unknown_elements=tuple(self.unknown),
            warnings=(*self.warnings, *warnings),
        )

    def _key(self, summary: list[Row] | None) -> str:
        """Return MA_LK of the visit; every row that says another one is a reason."""
        key = (summary[0].get("MA_LK") if summary else None) or next(
            (row["MA_LK"] for rows in self.tables.values() for row in rows if row.get("MA_LK")), ""
        )
        if not key:
            table = SUMMARY if SUMMARY in self.tables else next(iter(self.tables), None)
            self.reasons.append(Reason(code="required-missing", table=table, element="MA_LK"))
            return ""
        for table, rows in self.tables.items():
            for number, row in enumerate(rows, start=1):
                if row.get("MA_LK", key) not in (key, ""):
                    reason = Reason(code="foreign-table", table=table, row=number, element="MA_LK")
                    self.reasons.append(reason)
        return key

    def _facility(self, summary: list[Row] | None) -> str | None:
        rows = summary or [row for rows in self.tables.values() for row in rows]
        return next((row["MA_CSKCB"] for row in rows if row.get("MA_CSKCB")), None)


def _kind_and_content(entry: etree._Element) -> tuple[str | None, etree._Element | None]:
    """Return LOAIHOSO, `1` and `XML01` as XML1, and the element NOIDUNGFILE."""
    name, content = "", None
    for child in entry:
        tag = _local(child.tag)
        if tag == "LOAIHOSO":
            name = (child.text or "").strip().upper()
        elif tag == "NOIDUNGFILE":
            content = child
    if name not in LAYOUTS and (numbered := NUMBERED.fullmatch(name)):
        name = f"XML{numbered.group(1)}"
    return name or None, content


def _decode(text: str) -> bytes:
    """Return what NOIDUNGFILE holds: Base64, with or without line breaks, or XML as text."""
    if len(text) > TABLE_BYTES * 4 // 3:
        raise _Fault("table-too-large")
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        if text.lstrip().startswith("<"):
            return text.strip().encode()
        try:
            data = binascii.a2b_base64("".join(text.split()), strict_mode=True)
        except ValueError:
            raise _Fault("broken-base64") from None
    if not data.strip():
        raise _Fault("empty-table")
    return data


def _parse(data: bytes, not_xml: str) -> etree._Element:
    """Return the root of a document, or raise _Fault: an encoding, a DTD, its size, its form."""
    code = _fault_of(data)
    if code is not None:
        raise _Fault(code)
    try:
        root = etree.fromstring(data, _own.parser)
    except etree.XMLSyntaxError as error:
        if "Namespace prefix" not in str(error.msg):
            raise _Fault(_code_of(error, data, not_xml)) from None
        root = _parse_prefixed(data, not_xml)
    except (ValueError, LookupError):
        raise _Fault(not_xml) from None
    if not data.startswith(PLAIN) and _has_doctype(root):
        raise _Fault("dtd-forbidden")
    return root


def _has_doctype(root: etree._Element) -> bool:
    """Whether the parser saw a DTD; a second look after `_fault_of`, whatever the encoding."""
    return bool(root.getroottree().docinfo.doctype)  # type: ignore[attr-defined]


def _parse_prefixed(data: bytes, not_xml: str) -> etree._Element:
    """Parse a document that uses a prefix which the envelope around it declared."""
    try:
        return etree.fromstring(b"<x " + PREFIXES + b">" + data + b"</x>", _own.parser)[0]
    except (etree.XMLSyntaxError, IndexError):
        raise _Fault(not_xml) from None


def _code_of(error: etree.XMLSyntaxError, data: bytes, not_xml: str) -> str:
    if "huge" in str(error.msg).lower():
        return "table-too-large"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "wrong-encoding"
    return not_xml


def _fault_of(data: bytes) -> str | None:
    """Return what forbids even to parse a document: another encoding, a DTD, its size."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        return "wrong-encoding"
    if not data.startswith(PLAIN):
        declared = DECLARED.match(data[:200].removeprefix(BOM))
        if declared is not None and declared.group(1).lower() not in UTF8_NAMES:
            return "wrong-encoding"
    if b"<!DOCTYPE" in data and _has_dtd(data):
        return "dtd-forbidden"
    is_crowded = len(data) > MOST_TAGS and data.count(b"<") > MOST_TAGS
    return "table-too-large" if is_crowded else None


def _has_dtd(data: bytes) -> bool:
    """Whether a `<!DOCTYPE` stands before the root element, not merely in some text."""
    at = data.find(b"<")
    while at >= 0:
        if data.startswith(b"<!DOCTYPE", at):
            return True
        for begin, end in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if data.startswith(begin, at):
                at = data.find(end, at)
                break
        else:
            return False
        at = data.find(b"<", at) if at >= 0 else at
    return False
