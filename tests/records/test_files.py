"""A whole file: what refuses it, how it is kept, how it comes back byte for byte."""

import gzip
import zlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from phr_api.kit.db import set_scope
from phr_api.kit.sealed import BrokenSeal
from phr_api.records.models import Original, ReceivedVisit, Submission, UploadChunk
from phr_api.records.reader import Limits
from phr_api.records.service import keys, originals, reading
from phr_api.settings import Settings
from tests.factories.signing import Authority, make_authority, make_signer, sign_file
from tests.records.conftest import Send
from tests.records.files import FACILITY, a_file, a_visit, key_of, new_key
from tests.records.looking import count, entries, states, versions

GOOD = a_file(a_visit())


def bomb() -> bytes:
    """Forty MiB of nothing but a remainder in forty KiB."""
    packer = zlib.compressobj(9, wbits=31)
    pieces = [packer.compress(b"<GIAMDINHHS>")]
    pieces += [packer.compress(b"<x></x>" * (1 << 17)) for _ in range(46)]
    return b"".join(pieces) + packer.flush()


BROKEN: dict[str, Any] = {
    "not-xml": b"MA_LK;HO_TEN\n1;2\n",
    "truncated": GOOD[:-40],
    "wrong-encoding": GOOD.decode().replace("utf-8", "utf-16").encode("utf-16"),
    "dtd-forbidden": GOOD.replace(b"<GIAMDINHHS>", b'<!DOCTYPE x [<!ENTITY e "1">]><GIAMDINHHS>'),
    "remainder-too-large": bomb,
    "no-visits": a_file(),
    "wrong-root": b"<KHAMSUCKHOE/>",
    "facility-mismatch": a_file(a_visit(MA_CSKCB="99002"), facility="99002"),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_file_is_refused_as_a_whole(send: Send, session: Session, code: str) -> None:
    file = BROKEN[code]() if callable(BROKEN[code]) else BROKEN[code]

    taken = send(file)

    assert taken.is_refused
    assert taken.refusal is not None
    assert taken.refusal["code"] == code
    assert set(taken.refusal["message"]) == {"vi", "en"}
    assert taken.entries == []
    assert count(session, UploadChunk, submission_id=taken.submission_id) == 0


def test_a_file_that_unfolds_beyond_the_limit_is_refused_and_one_at_the_limit_is_not(
    send: Send, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = a_visit()
    file = a_file(visit, *(a_visit() for _ in range(50)))
    monkeypatch.setattr(reading, "LIMITS", Limits(inflated_bytes=len(file) - 1))

    taken = send(gzip.compress(file))

    assert taken.refusal is not None
    assert taken.refusal["code"] == "inflated-too-large"
    assert count(session, ReceivedVisit, ma_lk=key_of(visit)) == 0
    monkeypatch.setattr(reading, "LIMITS", Limits(inflated_bytes=len(file)))
    assert send(gzip.compress(file)).counts == {"accepted": 51}


def test_a_file_may_unfold_to_512_mebibytes_and_no_more() -> None:
    assert reading.LIMITS.inflated_bytes == 512 * 1024 * 1024


def test_nothing_of_a_file_that_breaks_off_is_entered(send: Send, session: Session) -> None:
    visits = [a_visit() for _ in range(5)]

    taken = send(a_file(*visits)[:-400])

    assert taken.refusal is not None
    assert count(session, ReceivedVisit, ma_lk=key_of(visits[0])) == 0


def test_a_gzip_file_is_read_as_what_it_holds(send: Send, session: Session) -> None:
    file = a_file(a_visit())

    taken = send(gzip.compress(file))

    assert taken.counts == {"accepted": 1}
    row = session.get_one(Submission, taken.submission_id)
    assert row.inflated_bytes == len(file)
    assert row.sent_bytes < len(file)


def test_a_file_comes_back_byte_for_byte(send: Send, session: Session) -> None:
    """Accepted, unchanged and refused visits, what lies between them and after them."""
    known = a_visit()
    send(a_file(known))
    file = a_file(a_visit(), known, a_visit(number="123"), a_visit())
    file = file.replace(b"</HOSO>", b"</HOSO><!-- giua hai ho so -->")

    taken = send(file)

    assert taken.counts == {"accepted": 2, "unchanged": 1, "refused": 1}
    set_scope(session, facility_id=FACILITY)
    pieces = originals.reassemble(session, keys.current().sealer, taken.submission_id)
    assert b"".join(pieces) == file


def test_a_file_that_is_done_keeps_no_upload_and_no_key(send: Send, session: Session) -> None:
    taken = send(a_file(a_visit()))

    assert count(session, UploadChunk, submission_id=taken.submission_id) == 0
    assert session.get_one(Submission, taken.submission_id).wrapped_key is None


def test_destroying_one_visits_key_leaves_the_others_readable(send: Send, session: Session) -> None:
    taken = send(a_file(a_visit(), a_visit()))
    first, second = (entry.original_id for entry in entries(session, taken.submission_id))
    assert first is not None
    assert second is not None
    session.execute(update(Original).where(Original.id == first).values(wrapped_key=None))
    session.commit()

    assert originals.open_original(session, keys.current().sealer, second)
    with pytest.raises(BrokenSeal):
        originals.open_original(session, keys.current().sealer, first)


def test_kept_bytes_are_not_readable_as_they_lie(send: Send, session: Session) -> None:
    taken = send(a_file(a_visit()))

    (entry,) = entries(session, taken.submission_id)
    assert b"HOSO" not in session.get_one(Original, entry.original_id).sealed


def test_a_trial_reports_and_writes_nothing_else(send: Send, session: Session) -> None:
    good, bad = a_visit(), a_visit(number="123")

    taken = send(a_file(good, bad), validate_only=True)

    assert taken.counts == {"accepted": 1, "refused": 1}
    assert count(session, ReceivedVisit, ma_lk=key_of(good)) == 0
    assert count(session, Original, submission_id=taken.submission_id) == 0
    assert count(session, UploadChunk, submission_id=taken.submission_id) == 0
    assert send(a_file(good)).counts == {"accepted": 1}


def test_tables_without_a_summary_join_the_visit_that_was_sent(
    send: Send, session: Session
) -> None:
    visit = a_visit(results=())
    later = {"XML4": a_visit(key_of(visit))["XML4"]}
    send(a_file(visit))

    assert send(a_file(later)).counts == {"superseded": 1}
    assert send(a_file(later)).counts == {"unchanged": 1}
    assert send(a_file(visit)).counts == {"unchanged": 1}
    assert states(session, key_of(visit)) == ["superseded", "current"]


def test_tables_without_a_summary_of_an_unknown_visit_are_refused(send: Send) -> None:
    taken = send(a_file({"XML4": a_visit(new_key())["XML4"]}))

    assert taken.counts == {"refused": 1}
    assert [reason["code"] for reason in taken.entries[0].reasons] == ["no-summary"]


def an_arrival(key: str, visit: dict[str, list[dict[str, str]]]) -> bytes:
    """A check-in as it comes: a file of its own, not in Base64."""
    same = ("MA_BN", "HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH", "NGAY_VAO", "MA_LOAI_KCB")
    summary = visit["XML1"][0]
    fields = {"MA_LK": key, "STT": "1"} | {name: summary[name] for name in same}
    fields |= {"MA_CSKCB": FACILITY, "MA_DOITUONG_KCB": "1.1", "NGAY_YL": summary["NGAY_VAO"]}
    cells = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB>"
        f"{cells}</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB></CHI_TIEU_TRANG_THAI_KCB>"
    ).encode()


def test_an_arrival_is_superseded_by_the_summary_and_not_the_other_way_round(
    send: Send, session: Session
) -> None:
    visit = a_visit()
    key = key_of(visit)
    arrival = an_arrival(key, visit)

    assert send(arrival).counts == {"accepted": 1}
    assert send(a_file(visit)).counts == {"superseded": 1}
    assert send(arrival).counts == {"unchanged": 1}
    assert states(session, key) == ["superseded", "current"]


@pytest.fixture
def authority(app: Flask, settings: Settings, tmp_path: Path) -> Generator[Authority]:
    """A trust store is configured while the test runs."""
    authority = make_authority()
    store = tmp_path / "trust.pem"
    store.write_bytes(authority.pem)
    keys.configure(replace(settings, records=replace(settings.records, trust_store=store)))
    yield authority
    keys.configure(settings)


def test_a_signature_is_verified_when_a_trust_store_is_configured(
    send: Send, session: Session, authority: Authority
) -> None:
    signed = sign_file(a_file(a_visit()), make_signer(authority))

    taken = send(signed)

    assert taken.counts == {"accepted": 1}
    assert session.get_one(Submission, taken.submission_id).source_state == "verified"
    (entry,) = taken.entries
    assert versions(session, str(entry.ma_lk))[0].source_state == "verified"


def test_a_file_that_was_changed_after_it_was_signed_is_refused(
    send: Send, session: Session, authority: Authority
) -> None:
    visit = a_visit()
    signed = sign_file(a_file(visit), make_signer(authority))

    taken = send(signed.replace(b"20261005", b"20261006"))

    assert taken.refusal is not None
    assert taken.refusal["code"] == "signature-wrong"
    assert count(session, ReceivedVisit, ma_lk=key_of(visit)) == 0


def test_without_a_trust_store_a_signature_is_present_and_no_more(
    send: Send, session: Session
) -> None:
    signed = sign_file(a_file(a_visit()), make_signer(make_authority()))

    taken = send(signed)

    row = session.get_one(Submission, taken.submission_id)
    assert row.source_state == "present-not-verified"
