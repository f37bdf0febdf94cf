"""Cursors, seals, ids: what a stranger sends, loses or forges."""

import base64
import os
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from phr_api.kit import clock, cursor, ids, sealed
from phr_api.kit.problems import InvalidCursor


@pytest.fixture(autouse=True)
def key() -> None:
    cursor.configure(b"only for this test, thirty-two b")


def test_a_cursor_gives_back_what_it_was_made_of() -> None:
    made = cursor.encode("visits/1", "2026-10-05", 7)
    assert cursor.decode("visits/1", made) == ["2026-10-05", 7]


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "%%%", "é", "A" * 5000])
def test_a_forged_cursor_is_a_problem(forged: str) -> None:
    with pytest.raises(InvalidCursor):
        cursor.decode("visits/1", forged)


def test_a_cursor_of_another_list_is_a_problem() -> None:
    with pytest.raises(InvalidCursor):
        cursor.decode("visits/2", cursor.encode("visits/1", 7))


def test_row_ids_grow_with_time_and_are_uuid_7() -> None:
    first = ids.new_row_id()
    with clock.moved(timedelta(milliseconds=5)):
        second = ids.new_row_id()
    assert first < second
    assert (first.version, first.variant) == (7, "specified in RFC 4122")


DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    private, public = sealed.generate_keys()
    return base64.b64decode(private), base64.b64decode(public)


def seal(public: bytes, plain: bytes) -> tuple[bytes, list[bytes]]:
    writer = sealed.SealedFileWriter(public)
    return writer.wrapped_key, [*writer.feed(plain), writer.finish()]


@pytest.mark.parametrize("size", [0, 1, sealed.CHUNK_BYTES, sealed.CHUNK_BYTES + 1, 300_000])
def test_a_sealed_file_opens_to_the_same_bytes(pair: tuple[bytes, bytes], size: int) -> None:
    plain = os.urandom(size)
    key, chunks = seal(pair[1], plain)
    assert b"".join(sealed.open_file(pair[0], key, iter(chunks))) == plain
    assert all(plain[:32] not in chunk for chunk in chunks) or size < 32


def test_a_sealed_file_cannot_be_cut_moved_or_changed(pair: tuple[bytes, bytes]) -> None:
    key, chunks = seal(pair[1], os.urandom(3 * sealed.CHUNK_BYTES))
    changed = bytearray(chunks[1])
    changed[100] ^= 1
    for wrong in (chunks[:-1], chunks[::-1], [chunks[0], bytes(changed), *chunks[2:]], chunks[1:]):
        with pytest.raises(sealed.BrokenSeal):
            list(sealed.open_file(pair[0], key, iter(wrong)))


XML = min(DATA.glob("made_3176_*.xml")).read_bytes()


def test_what_is_sealed_takes_less_room(pair: tuple[bytes, bytes]) -> None:
    _, chunks = seal(pair[1], XML)
    _, original = sealed.OriginalSealer(pair[0]).seal(XML)
    assert max(sum(map(len, chunks)), len(original)) < len(XML) / 3


@pytest.mark.parametrize("plain", [XML, XML[:100], b""])
def test_what_was_sealed_before_it_was_compressed_opens(
    pair: tuple[bytes, bytes], plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(sealed, "_pack", lambda plain: plain)
        key, chunks = seal(pair[1], plain)
        wrapped, original = sealed.OriginalSealer(pair[0]).seal(plain)
    assert b"".join(sealed.open_file(pair[0], key, iter(chunks))) == plain
    assert sealed.OriginalSealer(pair[0]).open(wrapped, original) == plain


@pytest.mark.parametrize("says_its_size", [True, False])
def test_a_chunk_that_would_open_to_more_than_one_is_not_opened(
    pair: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch, *, says_its_size: bool
) -> None:
    large = bytes(sealed.CHUNK_BYTES + 1)
    with monkeypatch.context() as hostile:
        bomb = zstandard.ZstdCompressor(write_content_size=says_its_size).compress(large)
        hostile.setattr(sealed, "_pack", lambda _: bomb)
        key, chunks = seal(pair[1], b"small")
    with pytest.raises(sealed.BrokenSeal):
        list(sealed.open_file(pair[0], key, iter(chunks)))


def test_an_original_opens_with_the_workers_key_alone(pair: tuple[bytes, bytes]) -> None:
    wrapped, kept = sealed.OriginalSealer(pair[0]).seal(b"<HOSO/>")
    assert sealed.OriginalSealer(pair[0]).open(wrapped, kept) == b"<HOSO/>"
    with pytest.raises(sealed.BrokenSeal):
        sealed.OriginalSealer(os.urandom(32)).open(wrapped, kept)
    with pytest.raises(sealed.BrokenSeal):
        sealed.OriginalSealer(pair[0]).open(wrapped, kept[:-1] + bytes([kept[-1] ^ 1]))
