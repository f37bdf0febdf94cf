"""A file on its way in: sealed while it is read, so that it never lies plain on a disk.

The body is read before any connection is taken (FINDINGS 16), in a thread of its own: a sender that
dribbles bytes can be answered when its time is over.
"""

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from threading import Event, Thread
from typing import IO, Protocol

from phr_api.kit.problems import BodyTooSlow
from phr_api.kit.sealed import SealedFileWriter
from phr_api.records.problems import FileEmpty, FileTooLarge

MOST_BYTES = 50 * 1024 * 1024
SECONDS = 120.0
READ_BYTES = 64 * 1024
_LENGTH = struct.Struct(">I")


class Readable(Protocol):
    """A body as the server gives it."""

    def read(self, size: int, /) -> bytes: ...


class Spool:
    """Sealed chunks of one file in a temporary file, with what is known of the plain bytes."""

    def __init__(self, public_key: bytes, most_bytes: int = MOST_BYTES) -> None:
        self._writer = SealedFileWriter(public_key)
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._hash = hashlib.sha256()
        self._most_bytes = most_bytes
        self.size = 0

    @property
    def wrapped_key(self) -> bytes:
        return self._writer.wrapped_key

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the bytes as sent."""
        return self._hash.digest()

    def write(self, data: bytes) -> None:
        """Seal and keep; FileTooLarge beyond the limit."""
        self.size += len(data)
        if self.size > self._most_bytes:
            raise FileTooLarge
        self._hash.update(data)
        for sealed in self._writer.feed(data):
            self._keep(sealed)

    def finish(self) -> None:
        """Seal the last chunk; FileEmpty when there was nothing."""
        if self.size == 0:
            raise FileEmpty
        self._keep(self._writer.finish())

    def chunks(self) -> Iterator[bytes]:
        """Give the sealed chunks from the first."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            yield self._file.read(_LENGTH.unpack(head)[0])

    def close(self) -> None:
        self._file.close()

    def _keep(self, sealed: bytes) -> None:
        self._file.write(_LENGTH.pack(len(sealed)))
        self._file.write(sealed)


def receive(
    body: Readable,
    public_key: bytes,
    *,
    most_bytes: int = MOST_BYTES,
    seconds: float = SECONDS,
) -> Spool:
    """Read a whole body into a spool, which the caller closes.

    Raises FileTooLarge, FileEmpty, and BodyTooSlow when it takes longer than `seconds`.
    """
    spool = Spool(public_key, most_bytes)
    is_over = Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not is_over.is_set() and (data := body.read(READ_BYTES)):
                spool.write(data)
            spool.finish()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)
        if is_over.is_set():
            spool.close()

    reader = Thread(target=read, name="body", daemon=True)
    reader.start()
    reader.join(seconds)
    if reader.is_alive():
        is_over.set()
        raise BodyTooSlow
    if failures:
        spool.close()
        raise failures[0]
    return spool
