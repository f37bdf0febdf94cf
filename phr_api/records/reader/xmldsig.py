"""The XML signature itself, by signxml, under authorities of our own choice."""

import re
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.exceptions import InvalidCertificate, InvalidSignature, SignXMLException
from signxml.util import X509CertChainVerifier
from signxml.verifier import SignatureConfiguration, XMLVerifier

from phr_api.records.reader.layout import ARRIVAL, DS, TABLE_OF_ROOT
from phr_api.records.reader.reasons import FileRefused

TRANSFORMS = {method.value for method in CanonicalizationMethod} | {
    SignatureConstructionMethod.enveloped.value
}
VISITS = ("HOSO", "FILEHOSO", "TRANG_THAI_KCB")
# Where a certificate may name the facility whose it is.
NAMING = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.SERIAL_NUMBER,
)
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
    *,
    at: datetime,
    facility_code: str,
    parser: etree.XMLParser,
) -> bool:
    """Whether the file is intact and signed by the facility; False when that cannot be told.

    A certificate under our trust is the facility's when its subject names the facility's code.
    Raises FileRefused(`signature-wrong`) when it is not what was signed.
    """
    if _has_foreign_transform(signature) or _is_out_of_place(signature):
        return False
    config = SignatureConfiguration(
        location=".//CHUKYDONVI/", expect_references=True, verification_time=at
    )
    given: dict[str, Any] = {"parser": parser, "expect_config": config}
    signer: x509.Certificate | None = None
    try:
        verifier = _Verifier(trust_store, at)
        signed = verifier.verify(root, **given)
        signer = verifier.chain.signer
    except InvalidCertificate:
        # nobody that we trust says whose it is, but the file still has to be what was signed
        signed = _verify_untrusted(root, signature, given)
    except InvalidSignature:
        raise FileRefused("signature-wrong") from None
    except NOT_FOR_US:
        return False
    if signed is None:
        return False
    _check_covered(root, signature)
    return signer is not None and names_facility(signer, facility_code)


def names_facility(certificate: x509.Certificate, facility_code: str) -> bool:
    """Whether the subject holds the facility's code as a word of its own, in CN, O, OU or serial.

    Without that, every hospital under one authority could sign for every other.
    """
    word = re.compile(rf"(?<![0-9A-Za-z]){re.escape(facility_code)}(?![0-9A-Za-z])")
    return any(
        word.search(str(attribute.value))
        for attribute in certificate.subject
        if attribute.oid in NAMING
    )


def _is_out_of_place(signature: etree._Element) -> bool:
    """Whether it holds objects of its own, which nobody need have signed, or lies in a visit."""
    has_object = next(signature.iter(f"{DS}Object"), None) is not None
    return has_object or any(_local(above) in VISITS for above in signature.iterancestors())


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


def _check_covered(root: etree._Element, signature: etree._Element) -> None:
    """Refuse a file in which a visit stands outside of what was signed (signature wrapping).

    By identity: each reference is one element, and every visit is one of these or lies in one.
    """
    info = signature.find(f"{DS}SignedInfo")
    references = [] if info is None else info.findall(f"{DS}Reference")
    signed = {_referred(root, reference.get("URI", "")) for reference in references}
    visits = list(root.iter(*(f"{{*}}{name}" for name in VISITS)))
    if TABLE_OF_ROOT.get(_local(root), ARRIVAL) != ARRIVAL:
        visits.append(root)  # a table without an envelope is its own visit
    for visit in visits:
        lines = {visit, *visit.iterancestors()}
        if signature in lines or signed.isdisjoint(lines):
            raise FileRefused("signature-wrong")


def _referred(root: etree._Element, uri: str) -> etree._Element:
    """Return the one element that a reference names; an Id that stands twice names none."""
    if not uri:
        return root
    found = [
        element
        for element in root.iter("*")
        if any(
            str(name).rpartition("}")[2].lower() == "id" and value == uri.removeprefix("#")
            for name, value in element.items()
        )
    ]
    if len(found) != 1:
        raise FileRefused("signature-wrong")
    return found[0]


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


class _Chain(X509CertChainVerifier):
    """The library reads authorities from a path; ours are bytes from the settings."""

    def __init__(self, trust_store: bytes, at: datetime) -> None:
        super().__init__(ca_pem_file="", verification_time=at)  # type: ignore[no-untyped-call]
        self._authorities = x509.load_pem_x509_certificates(trust_store)
        self.signer: x509.Certificate | None = None

    @property
    def store(self) -> x509.verification.Store:
        return x509.verification.Store(self._authorities)

    def verify(self, cert_chain: list[x509.Certificate]) -> x509.Certificate:
        """Return the certificate that signs, and remember whose it is."""
        signer: x509.Certificate = super().verify(cert_chain)  # type: ignore[no-untyped-call]
        self.signer = signer
        return signer


class _Verifier(XMLVerifier):
    def __init__(self, trust_store: bytes, at: datetime) -> None:
        super().__init__()
        self.chain = _Chain(trust_store, at)

    def get_cert_chain_verifier(self, **_: Any) -> _Chain:  # type: ignore[override]
        return self.chain
