"""A signature is verified, wrong, not verified, or absent; never more than that is said."""

import gzip
from datetime import UTC, datetime

import pytest

from phr_api.records.reader import FileRefused, signature, verify_signature, verify_stream
from tests.factories.claims import claim_file, make_visit, visit_xml
from tests.factories.signing import Authority, Signer, make_authority, make_signer, sign_file

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
        assert verify_signature(raw, authority.pem, at=AT) == "absent"


def test_a_file_signed_under_our_trust_is_verified(signed: bytes, authority: Authority) -> None:
    assert verify_signature(signed, authority.pem, at=AT) == "verified"


def test_a_stream_is_verified_as_it_was_sent(signed: bytes, authority: Authority) -> None:
    for sent in (signed, gzip.compress(signed)):
        chunks = (sent[at : at + 1000] for at in range(0, len(sent), 1000))
        assert verify_stream(chunks, authority.pem, at=AT) == "verified"


def test_a_file_too_large_for_memory_is_not_verified(
    signed: bytes, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "MOST_VERIFIED_BYTES", len(signed) - 1)
    assert verify_stream([signed], authority.pem, at=AT) == "present-not-verified"
    assert verify_signature(signed, authority.pem, at=AT) == "present-not-verified"


def test_without_a_trust_store_nothing_is_verified(signed: bytes) -> None:
    assert verify_signature(signed, None, at=AT) == "present-not-verified"


def test_a_file_that_was_changed_afterwards_is_refused(signed: bytes, authority: Authority) -> None:
    changed = signed.replace(b"<MACSKCB>99001<", b"<MACSKCB>99002<")
    assert changed != signed
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(changed, authority.pem, at=AT)


def test_a_visit_that_was_added_afterwards_is_refused(signed: bytes, authority: Authority) -> None:
    more = visit_xml(make_visit("A3")).encode()
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(
            signed.replace(b"</DANHSACHHOSO>", more + b"</DANHSACHHOSO>"), authority.pem, at=AT
        )


def test_a_signature_of_an_unknown_authority_is_not_verified(signed: bytes) -> None:
    stranger = make_authority("Nguoi la CA")
    assert verify_signature(signed, stranger.pem, at=AT) == "present-not-verified"


def test_a_changed_file_of_an_unknown_authority_is_refused_all_the_same(signed: bytes) -> None:
    stranger = make_authority("Nguoi la CA")
    changed = signed.replace(b"<MACSKCB>99001<", b"<MACSKCB>99002<")
    with pytest.raises(FileRefused, match="signature-wrong"):
        verify_signature(changed, stranger.pem, at=AT)


def test_an_expired_certificate_verifies_nothing(signed: bytes, authority: Authority) -> None:
    later = datetime(2028, 1, 1, tzinfo=UTC)
    assert verify_signature(signed, authority.pem, at=later) == "present-not-verified"


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
    assert verify_signature(raw, authority.pem, at=AT) == "present-not-verified"


def test_a_transform_that_we_do_not_do_is_not_verified(signed: bytes, authority: Authority) -> None:
    changed = signed.replace(
        b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        b"http://www.w3.org/TR/1999/REC-xpath-19991116",
    )
    assert verify_signature(changed, authority.pem, at=AT) == "present-not-verified"


def test_what_is_not_xml_is_refused(authority: Authority) -> None:
    with pytest.raises(FileRefused, match="not-xml"):
        verify_signature(b"<GIAMDINHHS>", authority.pem, at=AT)
