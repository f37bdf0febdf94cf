"""A file cut into its visits, byte for byte, while it streams.

expat tells where elements begin and end; nothing is built in memory but the visit at hand. Every
byte lies either in exactly one visit or in one of the parts between, so the file reassembles.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat

from phr_api.records.reader.inflating import inflate
from phr_api.records.reader.layout import TABLE_OF_ROOT
from phr_api.records.reader.reasons import FileRefused

MIB = 1024 * 1024
ENVELOPE_ROOTS = frozenset({"GIAMDINHHS", "THONGTINHOSO", "DANHSACHHOSO", "HOSO", "FILEHOSO"})
# Each row of a check-in list is somebody else's arrival: a visit of its own.
ARRIVAL_ROW = "TRANG_THAI_KCB"
DEEPEST = 64
LONGEST_FACT = 200
# expat reads a tag or comment from its start each time until it is whole; real ones are short.
LONGEST_TOKEN = MIB
TAG = re.compile(rb"""[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")

TRUNCATED = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
NOT_UTF8 = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_UNKNOWN_ENCODING,
        expat.errors.XML_ERROR_INCORRECT_ENCODING,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may cost us. Bytes are inflated ones."""

    inflated_bytes: int = 512 * MIB
    visit_bytes: int = 32 * MIB
    visits: int = 5000


@dataclass(slots=True)
class Envelope:
    """What the file says of itself; complete once it was read to its end."""

    root: str | None = None
    facility_code: str | None = None
    made_on: str | None = None
    declared_count: int | None = None
    visit_count: int = 0
    size: int = 0
    signature: Literal["absent", "present"] = "absent"


@dataclass(frozen=True, slots=True)
class VisitSegment:
    """The bytes of one visit; `ordinal` counts from 0, `start` is its first byte in the file."""

    ordinal: int
    start: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of the file that belong to no visit."""

    start: int
    raw: bytes


Piece = VisitSegment | FilePart


class OpenedFile:
    """An iterable of the pieces, in order, once; `envelope` fills up on the way."""

    def __init__(self, chunks: Iterable[bytes], limits: Limits, facility_code: str | None) -> None:
        self.envelope = Envelope()
        self._chunks = chunks
        self._limits = limits
        self._splitter = _Splitter(self.envelope, limits, facility_code)

    def __iter__(self) -> Iterator[Piece]:
        for piece in inflate(self._chunks, self._limits.inflated_bytes):
            yield from self._splitter.feed(piece)
        yield from self._splitter.finish()


def open_file(
    chunks: Iterable[bytes], limits: Limits | None = None, *, facility_code: str | None = None
) -> OpenedFile:
    """Cut a file, plain or gzip, into visits and the parts between them.

    `facility_code`: whose file it has to be, where its envelope says one. Iterating raises
    FileRefused with the codes of `reasons.FILE_MESSAGES`; what came before was read correctly, but
    the file as a whole is not to be trusted.
    """
    return OpenedFile(chunks, limits or Limits(), facility_code)


class _Splitter:
    """expat's events, and the bytes that they speak of."""

    def __init__(self, envelope: Envelope, limits: Limits, facility_code: str | None) -> None:
        self._envelope = envelope
        self._limits = limits
        self._facility_code = facility_code
        self._buffer = bytearray()
        self._base = 0  # where in the file the buffer begins
        self._last_event = 0
        self._spans: list[tuple[int, int]] = []
        self._path: list[str] = []
        self._start: int | None = None  # of the open visit
        self._depth = 0  # of its element
        self._loose: tuple[int, int, set[str]] | None = None  # FILEHOSO without HOSO: one visit
        self._text = ""
        self._parser = self._make_parser()

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.EntityDeclHandler = _refuse_dtd
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        return parser

    def feed(self, piece: bytes) -> Iterator[Piece]:
        """Take the next bytes of the file and yield what is complete."""
        if not self._envelope.size:
            self._check_start(piece)
        self._envelope.size += len(piece)
        self._buffer += piece
        self._parse(piece, is_final=False)
        parsed = self._parser.CurrentByteIndex
        yield from self._complete(max(self._last_event, parsed))
        is_stuck = self._envelope.size - parsed > LONGEST_TOKEN
        if is_stuck or len(self._buffer) > self._limits.visit_bytes:
            raise FileRefused("visit-too-large", at=self._base)

    def finish(self) -> Iterator[Piece]:
        """Check the end of the file and yield the rest."""
        if not self._envelope.size:
            raise FileRefused("not-xml", at=0)
        self._parse(b"", is_final=True)
        self._close_loose()
        yield from self._complete(self._envelope.size)
        if not self._envelope.visit_count:
            raise FileRefused("no-visits")

    def _parse(self, piece: bytes, *, is_final: bool) -> None:
        try:
            self._parser.Parse(piece, is_final)
        except expat.ExpatError as error:
            raise FileRefused(self._code_of(error.code), at=self._parser.ErrorByteIndex) from None
        except ValueError:  # an encoding that Python does not know, or of several bytes
            raise FileRefused("wrong-encoding", at=0) from None

    def _code_of(self, code: int) -> str:
        if code in NOT_UTF8:
            return "wrong-encoding"
        at = self._parser.ErrorByteIndex
        if code in TRUNCATED:
            return "truncated" if self._path or self._envelope.root else "not-xml"
        place = max(0, at - self._base)
        return "not-xml" if _is_utf8(self._buffer[place : place + 8]) else "wrong-encoding"

    def _check_start(self, piece: bytes) -> None:
        if piece.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in piece[:4]:
            raise FileRefused("wrong-encoding", at=0)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in {"utf-8", "utf8", "us-ascii"}:
            raise FileRefused("wrong-encoding", at=0)

    def _started(self, name: str, _attributes: dict[str, str]) -> None:
        at = self._last_event = self._parser.CurrentByteIndex
        path = self._path
        path.append(name := name.rpartition(":")[2])
        if self._start is not None:
            if len(path) > self._depth + DEEPEST:
                raise FileRefused("not-xml", at=at)
            if self._loose is not None and name == "LOAIHOSO":
                self._listen()
            return
        if len(path) == 1:
            self._open_root(name)
        elif len(path) > DEEPEST:
            raise FileRefused("not-xml", at=at)
        if name in {"HOSO", "FILEHOSO", ARRIVAL_ROW} or (len(path) == 1 and self._is_bare(name)):
            self._open_visit(name, at)
        elif name in {"MACSKCB", "SOLUONGHOSO", "NGAYLAP"}:
            self._listen()
        elif "CHUKYDONVI" in path:
            if name != "CHUKYDONVI":
                self._envelope.signature = "present"
            self._listen()

    def _open_root(self, name: str) -> None:
        self._envelope.root = name
        if name not in ENVELOPE_ROOTS and name not in TABLE_OF_ROOT:
            raise FileRefused("wrong-root", at=self._parser.CurrentByteIndex)

    def _is_bare(self, name: str) -> bool:
        return name in TABLE_OF_ROOT and TABLE_OF_ROOT[name] != "XML0"

    def _open_visit(self, name: str, at: int) -> None:
        if "CHUKYDONVI" in self._path:
            # an enveloped signature does not cover what stands inside of itself
            raise FileRefused("signature-wrong", at=at)
        self._start, self._depth = at, len(self._path)
        if name != "FILEHOSO":
            self._close_loose()
            self._count()
        elif self._loose is None:
            self._count()
            self._loose = (at, at, set())

    def _count(self) -> None:
        self._envelope.visit_count += 1
        if self._envelope.visit_count > self._limits.visits:
            raise FileRefused("too-many-visits", at=self._parser.CurrentByteIndex)

    def _ended(self, name: str) -> None:
        at = self._last_event = self._parser.CurrentByteIndex
        name = self._path.pop()
        if self._parser.CharacterDataHandler is not None:
            self._heard(name)
        if self._start is not None and len(self._path) == self._depth - 1:
            start, self._start = self._start, None
            end = self._end_of_tag(start)
            # expat tells of the end of `<HOSO/>` after the tag, of `</HOSO>` before it
            if self._buffer[end - 2 - self._base] != ord("/"):
                end = self._end_of_tag(at)
            self._last_event = end
            if self._loose is None:
                self._spans.append((start, end))
            else:
                self._loose = (self._loose[0], end, self._loose[2])
        elif self._start is None and self._loose is not None:
            self._close_loose()

    def _end_of_tag(self, at: int) -> int:
        """Return the byte after the tag that begins at `at`; quoted values may hold a `>`."""
        found = TAG.match(self._buffer, at - self._base)
        if found is None:
            raise FileRefused("not-xml", at=at)
        return self._base + found.end()

    def _close_loose(self) -> None:
        if self._loose is not None:
            start, end, _ = self._loose
            self._spans.append((start, end))
            self._loose = None

    def _listen(self) -> None:
        self._text = ""
        self._parser.CharacterDataHandler = self._hear

    def _hear(self, text: str) -> None:
        if len(self._text) < LONGEST_FACT:
            self._text += text.lstrip() if not self._text else text

    def _heard(self, name: str) -> None:
        text = self._text[:LONGEST_FACT].strip()
        self._parser.CharacterDataHandler = None
        if name == "LOAIHOSO":
            self._next_table(text.upper())
        elif name == "MACSKCB" and self._envelope.facility_code is None and text:
            self._envelope.facility_code = text
            if self._facility_code is not None and text.upper() != self._facility_code:
                raise FileRefused("facility-mismatch", at=self._parser.CurrentByteIndex)
        elif name == "SOLUONGHOSO" and text.isascii() and text.isdigit():
            self._envelope.declared_count = int(text[:9])
        elif name == "NGAYLAP":
            self._envelope.made_on = text or None
        elif text and ("CHUKYDONVI" in self._path or name == "CHUKYDONVI"):
            self._envelope.signature = "present"

    def _next_table(self, table: str) -> None:
        """A summary that comes again among loose tables begins the next visit."""
        if self._loose is None or self._start is None:
            return
        start, end, seen = self._loose
        if table in seen:
            self._spans.append((start, end))
            self._count()
            self._loose = (self._start, self._start, {table})
        else:
            seen.add(table)

    def _complete(self, upto: int) -> Iterator[Piece]:
        """Yield finished visits, and what lies before `upto` outside of them."""
        spans, self._spans = self._spans, []
        for start, end in spans:
            yield from self._part(start)
            if end - start > self._limits.visit_bytes:
                raise FileRefused("visit-too-large", at=start)
            ordinal = self._ordinal
            self._ordinal += 1
            yield VisitSegment(ordinal, start, self._take(end))
        is_open = self._start if self._loose is None else self._loose[0]
        yield from self._part(upto if is_open is None else is_open)

    _ordinal = 0

    def _part(self, upto: int) -> Iterator[FilePart]:
        if upto > self._base:
            start = self._base
            yield FilePart(start, self._take(upto))

    def _take(self, upto: int) -> bytes:
        length = upto - self._base
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._base = upto
        return taken


def _is_utf8(piece: bytes | bytearray) -> bool:
    """Whether these bytes may begin a UTF-8 text; a character cut off at the end is fine."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _refuse_dtd(*_: object) -> None:
    raise FileRefused("dtd-forbidden")
