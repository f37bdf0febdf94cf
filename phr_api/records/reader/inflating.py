"""Plain bytes out of plain or gzip bytes, in small pieces, never more than allowed."""

import zlib
from collections.abc import Iterable, Iterator

from phr_api.records.reader.reasons import FileRefused

PIECE = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"


def inflate(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield the file's plain bytes in pieces of at most 64 KiB; gzip is known by its first bytes.

    Raises FileRefused: `inflated-too-large` before byte `most` + 1 is handed on, `broken-gzip`,
    `truncated` when a gzip stream does not end.
    """
    total = 0
    for piece in _pieces(chunks):
        total += len(piece)
        if total > most:
            raise FileRefused("inflated-too-large", at=most)
        yield piece


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(GZIP_MAGIC):
            break
    if head.startswith(GZIP_MAGIC):
        yield from _gunzip(head, stream)
        return
    for chunk in _with_head(head, stream):
        for at in range(0, len(chunk), PIECE):
            yield chunk[at : at + PIECE]


def _with_head(head: bytes, stream: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from stream


def _gunzip(head: bytes, stream: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack one gzip member after another (RFC 1952 §2.2), 64 KiB at a time."""
    member = zlib.decompressobj(wbits=31)
    waiting = b""
    try:
        for chunk in _with_head(head, stream):
            waiting += chunk
            while waiting:
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                piece = member.decompress(waiting, PIECE)
                waiting = member.unused_data if member.eof else member.unconsumed_tail
                if piece:
                    yield piece
                elif not member.eof:
                    break
        while not member.eof and (piece := member.decompress(member.unconsumed_tail, PIECE)):
            yield piece
    except zlib.error:
        raise FileRefused("broken-gzip") from None
    if not member.eof:
        raise FileRefused("truncated")
