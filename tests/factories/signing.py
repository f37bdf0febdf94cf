"""A certificate authority of our own, hospitals' certificates, and files signed with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod
from signxml.signer import XMLSigner

VALID_FROM = datetime(2026, 1, 1, tzinfo=UTC)
VALID_TO = datetime(2027, 1, 1, tzinfo=UTC)
DS = "http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True)
class Authority:
    """Who vouches for hospitals' keys."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """What a trust store holds."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Signer:
    """A facility's key and certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


def make_authority(name: str = "Thu Nghiem CA") -> Authority:
    """Make a root authority."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = _name(name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def make_signer(authority: Authority, name: str = "Benh vien Thu Nghiem 99001") -> Signer:
    """Make a facility's certificate under an authority; the name holds the facility's code."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = authority.certificate
    vouched = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(_name(name), issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(vouched, critical=False)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bv.test")]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Signer(key, certificate)


def sign_file(
    raw: bytes, signer: Signer, *, ids: Mapping[str, str] | None = None, refer: Sequence[str] = ()
) -> bytes:
    """Sign the file; the signature goes into its empty CHUKYDONVI.

    Without `refer` the whole is signed; else the elements of these Ids, which `ids` gives by path.
    """
    root = etree.fromstring(raw)
    for path, name in (ids or {}).items():
        element = root.find(path)
        if element is None:
            raise ValueError("the file has no such element")
        element.set("Id", name)
    place = root.find("CHUKYDONVI")
    if place is None:
        raise ValueError("the file has no place for a signature")
    place.append(etree.fromstring(f'<Signature xmlns="{DS}" Id="placeholder"/>'))
    signed = XMLSigner(method=SignatureConstructionMethod.enveloped).sign(
        root,
        key=signer.key,
        cert=[signer.certificate],
        reference_uri=[f"#{name}" for name in refer] or None,
    )
    return etree.tostring(signed, xml_declaration=True, encoding="utf-8")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_TO)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
