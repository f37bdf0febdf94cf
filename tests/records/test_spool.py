"""A body on its way in."""

import base64
import io
import time

import pytest

from phr_api.kit.problems import BodyTooSlow
from phr_api.kit.sealed import generate_keys, open_file
from phr_api.records.problems import FileEmpty, FileTooLarge
from phr_api.records.service.spool import receive

PRIVATE, PUBLIC = (base64.b64decode(key) for key in generate_keys())


class Dribble(io.RawIOBase):
    """A sender who gives a byte now and then."""

    def read(self, _size: int = -1, /) -> bytes:
        time.sleep(0.05)
        return b"x"


def test_a_body_is_sealed_and_opens_to_what_was_sent() -> None:
    body = bytes(range(256)) * 1024
    spool = receive(io.BytesIO(body), PUBLIC)

    sealed = list(spool.chunks())

    assert b"".join(open_file(PRIVATE, spool.wrapped_key, iter(sealed))) == body
    assert bytes(range(256)) not in b"".join(sealed)
    spool.close()


def test_a_sender_who_dribbles_is_answered_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(BodyTooSlow):
        receive(Dribble(), PUBLIC, seconds=0.2)
    assert time.monotonic() - began < 1


def test_a_body_over_the_limit_is_refused_before_its_end() -> None:
    with pytest.raises(FileTooLarge):
        receive(io.BytesIO(b"x" * 2000), PUBLIC, most_bytes=1000)


def test_a_body_of_nothing_is_refused() -> None:
    with pytest.raises(FileEmpty):
        receive(io.BytesIO(b""), PUBLIC)
