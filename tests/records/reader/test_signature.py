"""A signature is verified, wrong, not verified, or absent; never more than that is said."""

import gzip
import re
from datetime import UTC, datetime

import pytest

from phr_api.records.reader import (
    FileRefused,
    open_file,
    signature,
    verify_signature,
    verify_stream,
)
from tests.factories.claims import claim_file, make_visit, visit_xml
from tests.factories.signing import Authority, Signer, make_authority, make_signer, sign_file

FACILITY = "99001"
DS = b"http://www.w3.org/2000/09/xmldsig#"
AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


@pytest.fixture(scope="module")
def signer(authority: Authority) -> Signer:
    return make_signer(authority)


@pytest.fixture(scope="module")
def signed(signer: Signer) -> bytes:
    return sign_file(claim_file([make_visit("A1"), make_visit("A2")]), signer)


def test_a_file_without_a_signature_is_absent(authority: Authority) -> None:
    for empty in ("<CHUKYDONVI/>", "<CHUKYDONVI> </CHUKYDONVI>", None):
        raw = claim_file(signature=empty)
        assert verify_signature(raw, authority.pem, at=AT, facility_code=FACILITY) == "absent"


def test_a_file_signed_under_our_trust_is_verified(signed: bytes, authority: Authority) -> None:
    assert verify_signature(signed, authority.pem, at=AT, facility_code=FACILITY) == "verified"


def test_a_stream_is_verified_as_it_was_sent(signed: bytes, authority: Authority) -> None:
    for sent in (signed, gzip.compress(signed)):
        chunks = (sent[at : at + 1000] for at in range(0, len(sent), 1000))
        assert verify_stream(chunks, authority.pem, at=AT, facility_code=FACILITY) == "verified"


def test_a_file_too_large_for_memory_is_not_verified(
    signed: bytes, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "MOST_VERIFIED_BYTES", len(signed) - 1)
    assert (
        verify_stream([signed], authority.pem, at=AT, facility_code=FACILITY)
        == "present-not-verified"
    )
    assert (
        verify_signature(signed, authority.pem, at=AT, facility_code=FACILITY)
        == "present-not-verified"
    )


def test_without_a_trust_store_nothing_is_verified(signed: bytes) -> None:
    assert verify_signature(signed, None, at=AT, facility_code=FACILITY) == "present-not-verified"


def test_a_file_that_was_changed_afterwards_is_refused(signed: bytes, authority: Authority) -> None:
    changed = signed.replace(b"<MACSKCB>99001<", b"<MACSKCB>99002<")
    assert changed != signed
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(changed, authority.pem, at=AT, facility_code=FACILITY)


def test_a_visit_that_was_added_afterwards_is_refused(signed: bytes, authority: Authority) -> None:
    more = visit_xml(make_visit("A3")).encode()
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(
            signed.replace(b"</DANHSACHHOSO>", more + b"</DANHSACHHOSO>"),
            authority.pem,
            at=AT,
            facility_code=FACILITY,
        )


def test_a_signature_of_an_unknown_authority_is_not_verified(signed: bytes) -> None:
    stranger = make_authority("Nguoi la CA")
    assert (
        verify_signature(signed, stranger.pem, at=AT, facility_code=FACILITY)
        == "present-not-verified"
    )


def test_a_changed_file_of_an_unknown_authority_is_refused_all_the_same(signed: bytes) -> None:
    stranger = make_authority("Nguoi la CA")
    changed = signed.replace(b"<MACSKCB>99001<", b"<MACSKCB>99002<")
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(changed, stranger.pem, at=AT, facility_code=FACILITY)


def test_an_expired_certificate_verifies_nothing(signed: bytes, authority: Authority) -> None:
    later = datetime(2028, 1, 1, tzinfo=UTC)
    assert (
        verify_signature(signed, authority.pem, at=later, facility_code=FACILITY)
        == "present-not-verified"
    )


@pytest.mark.parametrize(
    "content",
    [
        "abc",
        "<ChuKy/>",
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>',
    ],
)
def test_what_is_no_signature_of_a_known_form_is_not_verified(
    content: str, authority: Authority
) -> None:
    raw = claim_file(signature=f"<CHUKYDONVI>{content}</CHUKYDONVI>")
    assert (
        verify_signature(raw, authority.pem, at=AT, facility_code=FACILITY)
        == "present-not-verified"
    )


def test_a_transform_that_we_do_not_do_is_not_verified(signed: bytes, authority: Authority) -> None:
    changed = signed.replace(
        b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        b"http://www.w3.org/TR/1999/REC-xpath-19991116",
    )
    assert (
        verify_signature(changed, authority.pem, at=AT, facility_code=FACILITY)
        == "present-not-verified"
    )


def test_what_is_not_xml_is_refused(authority: Authority) -> None:
    with pytest.raises(FileRefused, match="not-xml"):
        verify_signature(b"<GIAMDINHHS>", authority.pem, at=AT, facility_code=FACILITY)


SIGNATURE = re.compile(rb"<(?:ds:)?Signature .*</(?:ds:)?Signature>", re.DOTALL)
FORGED = visit_xml(make_visit("FORGED")).encode()


def state_of(raw: bytes, authority: Authority, facility_code: str = FACILITY) -> str:
    """Return what intake learns: how the file splits, then the state of its signature."""
    try:
        list(open_file([raw], facility_code=facility_code))
        return verify_signature(raw, authority.pem, at=AT, facility_code=facility_code)
    except FileRefused as refused:
        return refused.code


def put_into(raw: bytes, what: bytes, element: bytes) -> bytes:
    """Return the file with `what` at the end of the signature's element of that name."""
    end = re.compile(
        rb"(</(?:ds:)?" + element + rb">)(?!.*</(?:ds:)?" + element + rb">)", re.DOTALL
    )
    changed, count = end.subn(lambda found: what + found[1], raw)
    assert count == 1
    return changed


@pytest.mark.parametrize("name", ["HOSO", "h:HOSO", "FILEHOSO", "TRANG_THAI_KCB"])
@pytest.mark.parametrize("holder", [b"Signature", b"KeyInfo"])
def test_a_visit_inside_of_the_signature_is_refused(
    signed: bytes, authority: Authority, name: str, holder: bytes
) -> None:
    visit = f'<{name} xmlns:h="urn:h"><MA_LK>FORGED</MA_LK></{name}>'.encode()
    forged = put_into(signed, b'<ds:Object xmlns:ds="%b">%b</ds:Object>' % (DS, visit), holder)
    assert state_of(forged, authority) == "signature-wrong"


def test_a_signature_with_an_object_of_its_own_is_not_verified(
    signed: bytes, authority: Authority
) -> None:
    more = put_into(signed, b'<ds:Object xmlns:ds="%b"><t>x</t></ds:Object>' % DS, b"Signature")
    assert state_of(more, authority) == "present-not-verified"


def test_a_whole_file_signed_by_the_id_of_its_root_is_verified(
    signer: Signer, authority: Authority
) -> None:
    whole = sign_file(claim_file(), signer, ids={".": "w"}, refer=["w"])
    assert state_of(whole, authority) == "verified"


def test_a_signed_root_wrapped_by_another_root_is_refused(
    signer: Signer, authority: Authority
) -> None:
    whole = sign_file(claim_file(), signer, ids={".": "w"}, refer=["w"])
    found = SIGNATURE.search(whole)
    assert found is not None
    inner = whole.replace(found[0], b"").partition(b"?>")[2]
    place = b"<CHUKYDONVI>" + found[0] + b"</CHUKYDONVI><BOC>" + inner + b"</BOC>"
    outer = claim_file([FORGED.decode()])
    assert state_of(outer.replace(b"<CHUKYDONVI/>", place), authority) == "signature-wrong"


def test_every_visit_that_is_signed_is_verified_however_references_overlap(
    signer: Signer, authority: Authority
) -> None:
    ids = {".//DANHSACHHOSO": "list", ".//HOSO": "h0"}
    parts = sign_file(claim_file(), signer, ids=ids, refer=["list", "h0"])
    assert state_of(parts, authority) == "verified"
    beside = parts.replace(b"</THONGTINHOSO>", b"<KHAC>" + FORGED + b"</KHAC></THONGTINHOSO>")
    assert state_of(beside, authority) == "signature-wrong"


def test_an_id_that_stands_twice_names_nothing(signer: Signer, authority: Authority) -> None:
    one = sign_file(claim_file(), signer, ids={".//HOSO": "h0"}, refer=["h0"])
    twice = one.replace(b"</THONGTINHOSO>", b'<KHAC ID="h0"/></THONGTINHOSO>')
    assert state_of(one, authority) == "verified"
    assert state_of(twice, authority) == "signature-wrong"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Benh vien Thu Nghiem 99001", "verified"),
        ("MA CSKCB:99001", "verified"),
        ("Benh vien Thu Nghiem 99002", "present-not-verified"),
        ("MST:0199001234", "present-not-verified"),
        ("Benh vien Thu Nghiem", "present-not-verified"),
    ],
)
def test_a_certificate_verifies_only_the_files_of_the_facility_that_it_names(
    authority: Authority, name: str, state: str
) -> None:
    raw = sign_file(claim_file(), make_signer(authority, name))
    assert state_of(raw, authority) == state


def test_a_certificate_that_names_no_facility_still_shows_that_a_file_was_changed(
    authority: Authority,
) -> None:
    raw = sign_file(claim_file(), make_signer(authority, "Benh vien Thu Nghiem"))
    changed = raw.replace(b"<NGAYLAP>20261005<", b"<NGAYLAP>20261006<")
    assert state_of(changed, authority) == "signature-wrong"
