"""The XML signature itself, by signxml, under authorities of our own choice."""

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.exceptions import InvalidCertificate, InvalidSignature, SignXMLException
from signxml.util import X509CertChainVerifier
from signxml.verifier import SignatureConfiguration, XMLVerifier

from phr_api.records.reader.layout import DS
from phr_api.records.reader.reasons import FileRefused

TRANSFORMS = {method.value for method in CanonicalizationMethod} | {
    SignatureConstructionMethod.enveloped.value
}
SIGNED_WHOLE = {"GIAMDINHHS", "CHI_TIEU_TRANG_THAI_KCB"}
VISITS = ("HOSO", "FILEHOSO", "TRANG_THAI_KCB")
# What a document may make of a verifier that is none of its signature's fault
NOT_FOR_US = (
    SignXMLException,
    etree.LxmlError,
    UnsupportedAlgorithm,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


def verify(
    root: etree._Element,
    signature: etree._Element,
    trust_store: bytes,
    at: datetime,
    parser: etree.XMLParser,
) -> bool:
    """Whether the file is intact and signed under our trust; False when that cannot be told.

    Raises FileRefused(`signature-wrong`) when it is not what was signed.
    """
    if _has_foreign_transform(signature):
        return False
    config = SignatureConfiguration(
        location=".//CHUKYDONVI/", expect_references=True, verification_time=at
    )
    given: dict[str, Any] = {"parser": parser, "expect_config": config}
    try:
        signed = _Verifier(trust_store, at).verify(root, **given)
        is_trusted = True
    except InvalidCertificate:
        # nobody that we trust says whose it is, but the file still has to be what was signed
        signed = _verify_untrusted(root, signature, given)
        is_trusted = False
    except InvalidSignature:
        raise FileRefused("signature-wrong") from None
    except NOT_FOR_US:
        return False
    if signed is None:
        return False
    _check_covered(root, signed)
    return is_trusted


def _has_foreign_transform(signature: etree._Element) -> bool:
    """Whether it uses a transform that the verifier would pass over (XPath, XSLT)."""
    return any(
        transform.get("Algorithm") not in TRANSFORMS
        for transform in signature.iter(f"{DS}Transform")
    )


def _verify_untrusted(
    root: etree._Element, signature: etree._Element, given: dict[str, Any]
) -> Any:
    """Return what the certificate in the file signed; None when that cannot be told."""
    try:
        text = signature.findtext(f".//{DS}X509Certificate") or ""
        lines = "".join(text.split())
        pem = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
        certificate = x509.load_pem_x509_certificate(pem.encode())
        config = SignatureConfiguration(
            location=".//CHUKYDONVI/",
            expect_references=True,
            verification_time=certificate.not_valid_before_utc,
        )
        return XMLVerifier().verify(
            root, **(given | {"expect_config": config, "x509_cert": certificate})
        )
    except InvalidCertificate:
        return None
    except InvalidSignature:
        raise FileRefused("signature-wrong") from None
    except NOT_FOR_US:
        return None


def _check_covered(root: etree._Element, signed: Any) -> None:
    """Refuse a file in which a visit stands outside of what was signed (signature wrapping)."""
    results = signed if isinstance(signed, list) else [signed]
    parts = [result.signed_xml for result in results if result.signed_xml is not None]
    if any(part.tag == root.tag and root.tag in SIGNED_WHOLE for part in parts):
        return
    for name in VISITS:
        inside = sum(sum(1 for _ in part.iter(f"{{*}}{name}")) for part in parts)
        if sum(1 for _ in root.iter(f"{{*}}{name}")) > inside:
            raise FileRefused("signature-wrong")


class _Chain(X509CertChainVerifier):
    """The library reads authorities from a path; ours are bytes from the settings."""

    def __init__(self, trust_store: bytes, at: datetime) -> None:
        super().__init__(ca_pem_file="", verification_time=at)  # type: ignore[no-untyped-call]
        self._authorities = x509.load_pem_x509_certificates(trust_store)

    @property
    def store(self) -> x509.verification.Store:
        return x509.verification.Store(self._authorities)


class _Verifier(XMLVerifier):
    def __init__(self, trust_store: bytes, at: datetime) -> None:
        super().__init__()
        self._chain = _Chain(trust_store, at)

    def get_cert_chain_verifier(self, **_: Any) -> _Chain:  # type: ignore[override]
        return self._chain
