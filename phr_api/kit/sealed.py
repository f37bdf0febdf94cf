"""Encryption of what is kept: files while they wait, originals afterwards (R14, FINDINGS 24).

A file is sealed in chunks of 64 KiB under a key of its own (AES-256-GCM; the counter and the flag
of the last chunk are authenticated, so chunks cannot be dropped, moved or cut off). The key is
wrapped by HPKE (RFC 9180; X25519, AES-256-GCM) to the worker's public key: the web process can seal
and not open. Originals of single visits are sealed by the worker, each under its own key,
wrapped by AES-KW (RFC 3394) under a key derived from the worker's; destroying one wrapped key
destroys one visit.

What is sealed is compressed first (zstd, RFC 8878): the XML of visits, Base64 and all, to a third.
"""

import base64
import os
import struct
import threading
from collections.abc import Iterator

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

CHUNK_BYTES = 64 * 1024
KEY_BYTES = 32
NONCE_BYTES = 12
LEVEL = 1  # a visit of 20 kB takes 0.05 ms; the next levels gain a twentieth and take as much more

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_FILE = b"phr file key"
_ORIGINAL = b"phr original key"
_ZSTD = b"\x28\xb5\x2f\xfd"  # how a frame begins, and no XML or gzip does


class BrokenSeal(RuntimeError):
    """What was kept cannot be opened: another key, or bytes were changed, lost or moved."""


class SealedFileWriter:
    """Seals a stream of bytes chunk by chunk; the web process's half."""

    def __init__(self, public_key: bytes) -> None:
        key = AESGCM.generate_key(KEY_BYTES * 8)
        self.wrapped_key: bytes = _SUITE.encrypt(
            key, X25519PublicKey.from_public_bytes(public_key), _FILE
        )
        self._cipher = AESGCM(key)
        self._buffer = bytearray()
        self._counter = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes, give the sealed chunks that are full; one chunk always stays for `finish`."""
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:
            yield self._seal(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]

    def finish(self) -> bytes:
        """Give the last sealed chunk (it may hold no bytes)."""
        return self._seal(bytes(self._buffer), last=True)

    def _seal(self, plain: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._counter, last=last)
        self._counter += 1
        return self._cipher.encrypt(nonce, _pack(plain), None)


def open_file(private_key: bytes, wrapped_key: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Give the plain bytes of a sealed file, chunk by chunk; BrokenSeal when something is amiss.

    A file that was sealed before files were compressed opens, too.
    """
    try:
        key = _SUITE.decrypt(wrapped_key, X25519PrivateKey.from_private_bytes(private_key), _FILE)
        cipher = AESGCM(key)
        counter, ahead = 0, next(chunks, None)
        is_packed = True
        while ahead is not None:
            sealed, ahead = ahead, next(chunks, None)
            packed = cipher.decrypt(_nonce(counter, last=ahead is None), sealed, None)
            if counter == 0:
                is_packed = packed.startswith(_ZSTD)
            yield _unpack(packed, CHUNK_BYTES) if is_packed else packed
            counter += 1
    except InvalidTag as error:
        raise BrokenSeal from error


class _Own(threading.local):
    """Not to be shared between threads; to make one takes as long as to use it."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_own = _Own()


def _pack(plain: bytes) -> bytes:
    return _own.compressor.compress(plain)


def _unpack(packed: bytes, most_bytes: int | None = None) -> bytes:
    """Return the plain bytes; BrokenSeal if they are more than `most_bytes` or no frame of zstd.

    Whoever has the public key can seal a file, and say that a chunk opens to gigabytes.
    """
    try:
        if most_bytes is not None and zstandard.frame_content_size(packed) > most_bytes:
            raise BrokenSeal
        return _own.decompressor.decompress(packed, max_output_size=most_bytes or 0)
    except zstandard.ZstdError as error:
        raise BrokenSeal from error


def _nonce(counter: int, *, last: bool) -> bytes:
    """The key is used for one file, so a counter never repeats."""
    return struct.pack(">3xBQ", last, counter)


class OriginalSealer:
    """Seals and opens originals under keys of their own; the worker's half."""

    def __init__(self, private_key: bytes) -> None:
        self._wrapping_key = HKDF(hashes.SHA256(), KEY_BYTES, None, _ORIGINAL).derive(private_key)

    def seal(self, plain: bytes) -> tuple[bytes, bytes]:
        """Return (wrapped key, sealed bytes)."""
        key = os.urandom(KEY_BYTES)
        nonce = os.urandom(NONCE_BYTES)
        return aes_key_wrap(self._wrapping_key, key), nonce + AESGCM(key).encrypt(
            nonce, _pack(plain), None
        )

    def open(self, wrapped_key: bytes, sealed: bytes) -> bytes:
        """Return the plain bytes; BrokenSeal when something is amiss.

        Those sealed before they were compressed open, too: they are XML.
        """
        try:
            key = aes_key_unwrap(self._wrapping_key, wrapped_key)
            kept = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, InvalidUnwrap) as error:
            raise BrokenSeal from error
        return _unpack(kept) if kept.startswith(_ZSTD) else kept


def generate_keys() -> tuple[str, str]:
    """Return a new (RECORDS_PRIVATE_KEY, RECORDS_PUBLIC_KEY): an X25519 pair in base64."""
    private = X25519PrivateKey.generate()
    raw = serialization.Encoding.Raw
    public_bytes = private.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
    private_bytes = private.private_bytes(
        raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return base64.b64encode(private_bytes).decode(), base64.b64encode(public_bytes).decode()
